"""The locked packages of an artefact: for the function's platform, checked, and cut to what is used."""

import json
import shutil
from pathlib import Path

from tools.artefact_python import RUNTIME
from tools.artefact_uv import PackageError, run, uv

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


def check_architecture(folder: Path, arch: str) -> None:
    """See that every shared library is for the architecture.

    Raises:
        PackageError: one isn't; it is named.
    """
    for library in sorted(folder.rglob("*.so*")):
        head = library.read_bytes()[:20]
        if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != ELF_MACHINES[arch]:
            raise PackageError(f"{library.relative_to(folder)} is not for {arch}")
