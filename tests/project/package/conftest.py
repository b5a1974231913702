"""Fixtures of the artifacts: each is built once per session."""

import shutil
import sys
import zipfile

import pytest

from support.artifacts import make
from support.environment import ROOT
from support.lambda_emulator import HERE
from support.project_copy import copied
from tools.package.archive import publish
from tools.package.builder import build
from tools.package.python import runtime_python
from tools.package.uv import PackageError, run, uv


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """A Python of Lambda's version; skips if no package index is reachable."""
    if sys.platform != "linux":
        pytest.skip("artifacts run on Linux only")
    try:
        folder = tmp_path_factory.mktemp("empty")
        run(uv(), "pip", "install", "--dry-run", "--no-deps", "--target", folder, "flask")
        return runtime_python()
    except PackageError as error:
        pytest.skip(f"cannot build artifacts here: {error}")


@pytest.fixture(scope="session")
def archive(python, tmp_path_factory):
    """The zipped artifact for this machine."""
    folder = tmp_path_factory.mktemp("here")
    build("news", HERE, folder / "built")
    publish(folder / "built", folder / "news", folder / "news.zip")
    return folder / "news.zip"


@pytest.fixture(scope="session")
def unpacked(archive, tmp_path_factory):
    """The artifact as Lambda unpacks it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def fresh_clone(python, tmp_path_factory):
    """A copy of the project in another folder, with other file times and without `make setup`."""
    folder = copied(tmp_path_factory.mktemp("fresh_clone") / "clone", "tests", copy_function=shutil.copyfile)
    uv()
    (folder / ".venv-package").symlink_to(ROOT / ".venv-package")
    return folder


@pytest.fixture(scope="session")
def rebuilt(fresh_clone):
    """The same artifact, built in the fresh clone."""
    result = make(fresh_clone, "package", f"ARCH={HERE}")
    assert f"news for {HERE}: build/news.zip " in result.stdout, result.stderr
    return fresh_clone / "build" / "news.zip"
