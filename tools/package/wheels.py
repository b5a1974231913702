"""The locked packages of an artefact: for the function's platform, checked, and cut to what is used."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from tools.package.python import RUNTIME
from tools.package.uv import PackageError, run, uv

PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""As uv names them; the libc of python3.13 on Lambda, Amazon Linux 2023, is newer (2.34)."""

ELF_MACHINES = {"arm64": 183, "x86_64": 62}
"""EM_AARCH64 and EM_X86_64 (https://www.sco.com/developers/gabi/latest/ch4.eheader.html)."""

BOTOCORE_DATA = {
    "_retry.json",
    "endpoints.json",
    "partitions.json",
    "sdk-default-configuration.json",
    "dynamodb",
}
"""What a client of DynamoDB reads. Not `sts`: Lambda puts the role's credentials into the environment."""

ITEM_OPERATIONS = (
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
)
"""What a function may call; tables, backups and the like are the deployment's business."""

UNUSED = ("*.c", "*.h", "*.pyi", "py.typed", ".lock")
"""Patterns of what only compilers, type checkers and uv read."""


def install(lock: Path, arch: str, folder: Path) -> None:
    """Install what a lock file names into a folder, whatever this machine is.

    Raises:
        PackageError: a package has no wheel for the platform, or not the locked hash.
    """
    to = ("--target", folder, "--python-platform", PLATFORMS[arch], "--python-version", RUNTIME)
    # Copies, because uv would link its cache's files, which are ours to change then.
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode", "--link-mode", "copy")
    run(uv(), "pip", "install", "--quiet", *to, *wheels, "-r", lock)


def cut(folder: Path) -> None:
    """Remove what no function reads.

    Of a package's own records METADATA stays: from it, scanners of deployed code tell the versions.
    """
    unused = [folder / "bin"]
    unused += [each for each in folder.glob("botocore/data/*") if each.name not in BOTOCORE_DATA]
    unused += [each for each in folder.glob("*.dist-info/*") if each.name != "METADATA"]
    unused += [each for pattern in UNUSED for each in folder.rglob(pattern)]
    for each in unused:
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)


def cut_endpoints(folder: Path) -> None:
    """Keep only DynamoDB's of the endpoints of all services.

    Reading all of them takes 15 ms of the 78 that a function's first client takes, and is 1.2 MB.
    """
    file = folder / "botocore" / "data" / "endpoints.json"
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {"dynamodb": partition["services"]["dynamodb"]}
    file.write_text(json.dumps(endpoints, separators=(",", ":")))


def cut_model(folder: Path) -> None:
    """Keep of DynamoDB's model what reads and writes items, without its documentation.

    With the whole model a function's first client takes 1.5 MB more.
    """
    (file,) = folder.glob("botocore/data/dynamodb/*/service-2.json.gz")
    model = json.loads(gzip.decompress(file.read_bytes()), object_hook=_without_documentation)
    model["operations"] = {name: model["operations"][name] for name in ITEM_OPERATIONS}
    model["shapes"] = _reached(model["operations"], model["shapes"])
    file.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def _without_documentation(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "documentation"}


def _reached(operations: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """The shapes that operations name, and those that these name."""
    found: dict[str, Any] = {}
    left: list[Any] = [operations]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            left += part.values()
        elif isinstance(part, str) and part in shapes and part not in found:
            found[part] = shapes[part]
            left.append(found[part])
    return found


def check_architecture(folder: Path, arch: str) -> None:
    """See that every shared library is for the architecture.

    Raises:
        PackageError: one isn't; it is named.
    """
    for library in sorted(folder.rglob("*.so*")):
        head = library.read_bytes()[:20]
        if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != ELF_MACHINES[arch]:
            raise PackageError(f"{library.relative_to(folder)} is not for {arch}")
