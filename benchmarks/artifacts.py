"""Artifacts as Lambda unpacks them to /var/task: this service and its peers, for the Python of RUNTIME."""

import hashlib
import platform
import shutil
from pathlib import Path

from benchmarks.harness import ROOT
from tools.package.builder import build
from tools.package.python import compile_all, runtime_python, runtime_version
from tools.package.sources import copy_sources, find_sources
from tools.package.wheels import install

FOLDER = ROOT / "build" / "bench"
PEERS = ROOT / "benchmarks" / "peers"
ARCH = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


def ours() -> Path:
    """Return the artifact of `make package`."""
    folder = FOLDER / f"artifact-{runtime_version()}"
    shutil.rmtree(folder, ignore_errors=True)
    build("news", ARCH, folder)
    return folder


def peers() -> Path:
    """Return the peers with their dependencies, compiled like this service."""
    folder = _installed("peers", "requirements/dev.txt", "--extra", "serve", "--group", "peers")
    shutil.copytree(
        PEERS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "__init__.py")
    )
    compile_all(folder, runtime_python())
    return folder


def eager() -> Path:
    """Return this service as plain `sam build` packages it: complete dependencies, not compiled."""
    folder = _installed("eager", "requirements.txt")
    copy_sources(find_sources("news"), folder)
    shutil.copy(PEERS / "eager.py", folder)
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)
    return folder


def _installed(name: str, lock: str, *options: str) -> Path:
    """Return a folder with the packages of the service and of options, cached until the lock file changes."""
    digest = hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()[:16]
    folder = FOLDER / f"{name}-{runtime_version()}-{digest}"
    if not folder.exists():
        temporary = FOLDER / f"{name}-new"
        shutil.rmtree(temporary, ignore_errors=True)
        install(ROOT / lock, ARCH, temporary, "-r", "pyproject.toml", *options)
        temporary.rename(folder)
    return folder
