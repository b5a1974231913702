"""`make package`: one small artefact a module, the same bytes every time, for Lambda's python3.13.

It needs Python, this folder and a package index, but not the developers' environment, so that `sam build` and
`sls deploy` in a fresh clone take seconds.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.package.archive import LONG_AGO, publish, sizes
from tools.package.python import compile_all, runtime_python
from tools.package.sources import copy_sources, modules, sources
from tools.package.uv import ROOT, PackageError
from tools.package.wheels import PLATFORMS, check_architecture, cut, cut_endpoints, cut_model, install

MB = 1_000_000


def build(module: str, arch: str, folder: Path, *, verifier: bool = False, docs: bool = False) -> None:
    """Make a module's artefact, in an empty folder.

    Args:
        module: its name.
        arch: `arm64` or `x86_64`.
        folder: what Lambda is to find in /var/task.
        verifier: whether the function verifies tokens itself, and needs PyJWT for it.
        docs: whether it may show the page at /docs, and needs Swagger UI for it.

    Raises:
        PackageError: it can't be made.
    """
    ours, python = sources(module), runtime_python()
    install(ROOT / f"requirements{'-verifier' if verifier else ''}.txt", arch, folder)
    if docs:
        install(ROOT / "requirements-docs.txt", arch, folder)
    cut(folder)
    cut_endpoints(folder)
    cut_model(folder)
    copy_sources(ours, folder)
    check_architecture(folder, arch)
    compile_all(folder, python)


def main() -> None:
    """Make the artefacts that are asked for, and say how large they are."""
    asked = _arguments()
    try:
        for module in asked.modules or modules():
            folder: Path = asked.into or ROOT / "build" / module
            archive = None if asked.into else folder.with_suffix(".zip")
            with tempfile.TemporaryDirectory() as temporary:
                made = Path(temporary)
                build(module, asked.arch, made, verifier=asked.verifier, docs=asked.docs)
                publish(made, folder, archive)
                print(f"{module} for {asked.arch}: {_zipped(archive)}{_unpacked(made)}")
    except PackageError as error:
        sys.exit(f"package: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.package.builder")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="all, if none is named")
    parser.add_argument("--arch", default="arm64", choices=PLATFORMS)
    parser.add_argument("--verifier", action="store_true", help="with PyJWT, to verify tokens itself")
    parser.add_argument("--docs", action="store_true", help="with Swagger UI, to show the contract at /docs")
    parser.add_argument("--into", type=_replaceable, metavar="DIR", help="one module's folder, and no zip")
    arguments = parser.parse_args()
    if arguments.into and len(arguments.modules) != 1:
        parser.error("--into takes one module")
    return arguments


def _replaceable(text: str) -> Path:
    """A folder that is new, empty, or an artefact; another would be lost."""
    folder = Path(text).absolute()
    if folder.exists() and any(folder.iterdir()) and folder.stat().st_mtime != LONG_AGO:
        raise argparse.ArgumentTypeError(f"{text!r} is there already, and is no artefact")
    return folder


def _zipped(archive: Path | None) -> str:
    return f"build/{archive.name} {archive.stat().st_size / MB:.1f} MB, " if archive else ""


def _unpacked(folder: Path) -> str:
    parts = sizes(folder)
    largest = ", ".join(f"{name} {size / MB:.1f}" for name, size in list(parts.items())[:5])
    return f"unpacked {sum(parts.values()) / MB:.1f} MB ({largest}, ...)"


if __name__ == "__main__":
    main()
