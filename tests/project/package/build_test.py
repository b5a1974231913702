"""Builds: reproducible, safe to repeat, and one line for each error."""

import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.artifacts import OTHER_ARCH, files, make
from support.environment import CLEAN
from tools.local.lambda_runtime import packages
from tools.package.archive import publish
from tools.package.sources import find_sources

# SAM's module imports a hundred packages that this function does not use: replace them.
SAM_ZIP = """
import sys
from unittest.mock import MagicMock
sys.path.append(sys.argv[1])
for name in ("package.ecr_utils", "package.s3_uploader", "utils.hash", "utils.resources", "utils.s3"):
    sys.modules[f"samcli.lib.{name}"] = MagicMock()
sys.modules["samcli.commands.package.exceptions"] = MagicMock()
from samcli.lib.package.utils import make_zip_with_lambda_permissions
make_zip_with_lambda_permissions(*sys.argv[2:])
"""


def test_build_is_reproducible(archive, rebuilt):
    assert rebuilt.read_bytes() == archive.read_bytes()


def test_sam_creates_the_same_zip(archive, rebuilt, tmp_path):
    command = [sys.executable, "-c", SAM_ZIP, packages(), tmp_path / "sam", rebuilt.with_suffix("")]
    subprocess.run(command, env=CLEAN, check=True)
    assert (tmp_path / "sam.zip").read_bytes() == archive.read_bytes()


def test_concurrent_builds_never_mix_files(tmp_path):
    built = tmp_path / "built"
    built.mkdir()
    for number in range(20):
        (built / f"{number}.py").write_text("pass")
    folder, archive = tmp_path / "build" / "news", tmp_path / "build" / "news.zip"
    with ThreadPoolExecutor(8) as pool:
        for published in [pool.submit(publish, built, folder, archive) for _ in range(80)]:
            published.result()
    assert files(folder) == files(built)
    with zipfile.ZipFile(archive) as zipped:
        assert sorted(zipped.namelist()) == sorted(path.name for path in built.iterdir())
    assert {path.name for path in folder.parent.iterdir()} == {"news", "news.zip"}


def test_wrong_architecture_fails_the_build(unpacked, fresh_clone, tmp_path):
    library = next(unpacked.rglob("*.so"))
    planted = shutil.copyfile(library, fresh_clone / "shared" / "planted.so")
    try:
        result = make(
            fresh_clone, "build-NewsFunction", f"ARTIFACTS_DIR={tmp_path / 'x'}", f"ARCH={OTHER_ARCH}"
        )
    finally:
        planted.unlink()
    assert result.returncode == 2
    assert result.stderr.startswith(f"package: shared/planted.so is not built for {OTHER_ARCH}\n")
    assert not (tmp_path / "x").exists()


def test_wrong_hash_fails_the_build(fresh_clone, tmp_path):
    lock = fresh_clone / "requirements.txt"
    text = lock.read_text()
    lock.write_text(re.sub("sha256:.{8}", "sha256:00000000", text))
    result = make(fresh_clone, "build-NewsFunction", f"ARTIFACTS_DIR={tmp_path / 'x'}")
    lock.write_text(text)
    assert result.returncode == 2
    assert result.stderr.startswith("package: uv failed:\nerror: ")
    assert "Hash mismatch" in result.stderr


@pytest.mark.parametrize(
    ("target", "into", "message"),
    [
        ("build-NobodyFunction", "new", "package: no module 'nobody'; modules: "),
        (
            "build-NewsFunction",
            ".",
            "python -m tools.package.builder: error: argument --into: '.' exists and is not an artifact",
        ),
        (
            "build-NewsFunction",
            "",
            "python -m tools.package.builder: error: argument --into: '' exists and is not an artifact",
        ),
    ],
)
def test_unknown_module_or_existing_folder_fails_the_build(fresh_clone, target, into, message):
    result = make(fresh_clone, target, f"ARTIFACTS_DIR={into}")
    assert result.returncode == 2
    assert message in result.stderr
    assert (fresh_clone / "news" / "dao.py").exists()


def test_imported_packages_are_included(tmp_path):
    for name in ("functions", "news", "search", "tools"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "functions" / "news.py").write_text("import json, flask\nfrom news.controller import setup\n")
    (tmp_path / "functions" / "search.py").touch()
    (tmp_path / "news" / "controller.py").write_text("def setup():\n    from search import service\n")
    (tmp_path / "search" / "words.json").write_text("[]")
    (tmp_path / "search" / ".words.json.swp").touch()
    found = {path.relative_to(tmp_path).as_posix() for path in find_sources("news", tmp_path)}
    functions = {"functions/__init__.py", "functions/news.py", "openapi.json"}
    news = {"news/__init__.py", "news/controller.py"}
    assert found == functions | news | {"search/__init__.py", "search/words.json"}
    search = {path.relative_to(tmp_path).as_posix() for path in find_sources("search", tmp_path)}
    assert search == {"functions/__init__.py", "functions/search.py", "openapi.json"}
