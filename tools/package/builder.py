"""`make package`: build one small, reproducible artifact per module, for Lambda's Python.

Building needs only Python, this folder and a package index, not `make setup`. So `sam build` and `sls deploy`
take seconds in a fresh clone.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.package.archive import ZIP_EPOCH, publish, sizes
from tools.package.python import compile_all, runtime_python
from tools.package.sources import copy_sources, find_sources, list_modules
from tools.package.uv import ROOT, PackageError
from tools.package.wheels import PLATFORMS, check_architecture, install, trim

MB = 1_000_000


def build(module: str, arch: str, folder: Path, *, verifier: bool = False, docs: bool = False) -> None:
    """Build the artifact of a module.

    Args:
        module: the name of the module.
        arch: `arm64` or `x86_64`.
        folder: an empty folder, which becomes the content of /var/task.
        verifier: include PyJWT, for functions that verify tokens themselves.
        docs: include Swagger UI, for the page at /docs.

    Raises:
        PackageError: the build failed.
    """
    sources, python = find_sources(module), runtime_python()
    options = [*(["--extra", "verifier"] if verifier else []), *(["--group", "docs"] if docs else [])]
    lock = "requirements/serve.txt" if options else "requirements.txt"
    install(ROOT / lock, arch, folder, "-r", "pyproject.toml", *options)
    trim(folder)
    copy_sources(sources, folder)
    check_architecture(folder, arch)
    compile_all(folder, python)


def main() -> None:
    """Build the given modules, or all, and print their sizes."""
    arguments = _parse_arguments()
    try:
        for module in arguments.modules or list_modules():
            folder: Path = arguments.into or ROOT / "build" / module
            archive = None if arguments.into else folder.with_suffix(".zip")
            with tempfile.TemporaryDirectory() as temporary:
                built = Path(temporary)
                build(module, arguments.arch, built, verifier=arguments.verifier, docs=arguments.docs)
                publish(built, folder, archive)
                print(f"{module} for {arguments.arch}: {_zipped(archive)}{_unpacked(built)}")
    except PackageError as error:
        sys.exit(f"package: {error}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.package.builder")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="modules to build (default: all)")
    parser.add_argument("--arch", default="arm64", choices=PLATFORMS)
    parser.add_argument(
        "--verifier", action="store_true", help="include PyJWT, to verify tokens in the function"
    )
    parser.add_argument("--docs", action="store_true", help="include Swagger UI, for the page at /docs")
    parser.add_argument(
        "--into",
        type=_output_folder,
        metavar="DIR",
        help="write the artifact of one module to this folder, without a zip",
    )
    arguments = parser.parse_args()
    if arguments.into and len(arguments.modules) != 1:
        parser.error("--into requires exactly one module")
    return arguments


def _output_folder(text: str) -> Path:
    """Return a path that is safe to replace: no existing folder, an empty one, or an artifact."""
    folder = Path(text).absolute()
    if folder.exists() and any(folder.iterdir()) and folder.stat().st_mtime != ZIP_EPOCH:
        raise argparse.ArgumentTypeError(f"{text!r} exists and is not an artifact")
    return folder


def _zipped(archive: Path | None) -> str:
    return f"build/{archive.name} {archive.stat().st_size / MB:.1f} MB, " if archive else ""


def _unpacked(folder: Path) -> str:
    parts = sizes(folder)
    largest = ", ".join(f"{name} {size / MB:.1f}" for name, size in list(parts.items())[:5])
    return f"unpacked {sum(parts.values()) / MB:.1f} MB ({largest}, ...)"


if __name__ == "__main__":
    main()
