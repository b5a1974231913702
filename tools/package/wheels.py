"""Install the locked packages of an artifact for Lambda's platform, and remove what no function uses."""

import gzip
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.package.python import runtime_version
from tools.package.uv import PackageError, run, uv

PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""Platform names of uv. Python on Lambda runs on Amazon Linux 2023, whose glibc (2.34) is newer."""

ELF_MACHINES = {"arm64": 183, "x86_64": 62}
"""ELF machine numbers EM_AARCH64 and EM_X86_64 (https://www.sco.com/developers/gabi/latest/ch4.eheader.html)."""

BOTOCORE_DATA = {
    "_retry.json",
    "endpoints.json",
    "partitions.json",
    "sdk-default-configuration.json",
}
"""Data files that every client reads."""

OPERATIONS = {
    "dynamodb": (
        "BatchExecuteStatement",
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "DescribeTable",
        "ExecuteStatement",
        "ExecuteTransaction",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    ),
    "secretsmanager": ("GetSecretValue",),
    "ssm": ("GetParameter",),
}
"""Operations that functions can call: on items, and to read settings (shared/config/references.py).

There is no `sts`, because Lambda sets credentials in the environment.
"""

UNUSED = ("*.c", "*.h", "*.pyi", "py.typed", ".lock")
"""Patterns of files that only compilers, type checkers and uv read."""


def install(lock: Path, arch: str, folder: Path, *packages: str) -> None:
    """Install packages into a folder, for Lambda's platform.

    Args:
        lock: the lock file with their versions and hashes.
        arch: `arm64` or `x86_64`.
        folder: the folder to install into.
        packages: arguments of `uv pip install` that name them, such as `--group docs`.

    Raises:
        PackageError: a package has no wheel for the platform, or does not match its locked hash.
    """
    to = ("--target", folder, "--python-platform", PLATFORMS[arch], "--python-version", runtime_version())
    # Copy instead of hard links: trimming must not change the files in uv's cache.
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode", "--link-mode", "copy")
    run(uv(), "pip", "install", "--quiet", *to, *wheels, "-c", lock, *packages)


def trim(folder: Path) -> None:
    """Remove files and data that no function reads."""
    _remove_unused_files(folder)
    _trim_endpoints(folder)
    for service, operations in OPERATIONS.items():
        _trim_model(folder, service, operations)


def _remove_unused_files(folder: Path) -> None:
    """Remove unused files.

    METADATA of each package stays, because vulnerability scanners read the versions from it.
    """
    unused = [folder / "bin"]
    kept = BOTOCORE_DATA | OPERATIONS.keys()
    unused += [each for each in folder.glob("botocore/data/*") if each.name not in kept]
    unused += [each for each in folder.glob("*.dist-info/*") if each.name != "METADATA"]
    unused += [each for pattern in UNUSED for each in folder.rglob(pattern)]
    for each in unused:
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)


def _trim_endpoints(folder: Path) -> None:
    """Keep only the endpoints of the services in OPERATIONS.

    Reading the endpoints of all services (1.2 MB) takes 15 ms of the 78 ms for creating the first client.
    """
    file = folder / "botocore" / "data" / "endpoints.json"
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in OPERATIONS if name in services}
    file.write_text(json.dumps(endpoints, separators=(",", ":")))


def _trim_model(folder: Path, service: str, operations: Iterable[str]) -> None:
    """Keep only some operations of a service model, without documentation.

    The whole model of DynamoDB costs 1.5 MB more memory per client.
    """
    (file,) = folder.glob(f"botocore/data/{service}/*/service-2.json.gz")
    model = json.loads(gzip.decompress(file.read_bytes()), object_hook=_without_documentation)
    model["operations"] = {name: model["operations"][name] for name in operations}
    model["shapes"] = _referenced_shapes(model["operations"], model["shapes"])
    file.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def _without_documentation(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "documentation"}


def _referenced_shapes(operations: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes that operations reference, directly or through other shapes."""
    found: dict[str, Any] = {}
    pending: list[Any] = [operations]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            pending += part.values()
        elif isinstance(part, str) and part in shapes and part not in found:
            found[part] = shapes[part]
            pending.append(found[part])
    return found


def check_architecture(folder: Path, arch: str) -> None:
    """Verify that every shared library is built for the architecture.

    Raises:
        PackageError: a library is built for another architecture; the message names it.
    """
    for library in sorted(folder.rglob("*.so*")):
        head = library.read_bytes()[:20]
        if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != ELF_MACHINES[arch]:
            raise PackageError(f"{library.relative_to(folder)} is not built for {arch}")
