"""Artifacts of `make package`: their files, packages and sizes."""

import json
import shutil
from pathlib import Path

import botocore
import pytest

from support.artifacts import HEALTH, OTHER_ARCH, files, invoke_handler, locked, package, run_isolated
from support.environment import ROOT
from support.lambda_emulator import HERE
from tools.package.archive import zip_folder
from tools.package.sources import list_modules
from tools.package.uv import PackageError
from tools.package.wheels import OPERATIONS, check_architecture

PACKAGES = ("functions", "news", "shared")

MAX_ZIPPED, MAX_UNPACKED = 7_000_000, 20_000_000
"""Bytes. A cold start grows with the size; give a reason when raising a limit."""


def test_artifact_contains_the_module_and_its_imports(unpacked):
    ours = {path for path in files(unpacked) if path.parts[0] in PACKAGES and path.suffix == ".py"}
    expected = {path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    others = {Path(f"functions/{module}.py") for module in {"wsgi", *list_modules()} - {"news"}}
    assert ours == expected - others


def test_artifact_contains_exactly_the_locked_packages(unpacked):
    installed = {path.name.split("-")[0] for path in unpacked.glob("*.dist-info")}
    assert installed == locked(ROOT / "requirements.txt")
    libraries = {path.name for path in unpacked.iterdir()} - {*PACKAGES, "openapi.json", "__pycache__"}
    known = installed - {"python_dateutil"} | {
        "dateutil",
        "six.py",
        "serverless_wsgi.py",
    }
    assert {name for name in libraries if not name.endswith(".dist-info")} == known - {
        "six",
        "serverless_wsgi",
    }


def test_artifact_contains_no_records_scripts_or_c_files(unpacked):
    records = {path.name for path in unpacked.glob("*.dist-info/*")}
    assert records == {"METADATA"}
    assert not {path.suffix for path in files(unpacked)} & {".c", ".h", ".pyi", ".lock", ".typed"}
    assert not (unpacked / "bin").exists()
    data = {path.name for path in (unpacked / "botocore" / "data").iterdir()}
    assert data > OPERATIONS.keys()
    assert len(data) == 7


SHAPES = """if True:
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from botocore.session import Session
    model = Session().get_service_model(sys.argv[2])
    def names(shape, seen=()):
        if shape is None or shape.name in seen:
            return None
        inner = dict(getattr(shape, "members", None) or {})
        inner |= {each: getattr(shape, each) for each in ("member", "key", "value") if hasattr(shape, each)}
        return [shape.type_name, {name: names(each, (*seen, shape.name)) for name, each in inner.items()}]
    every = {name: model.operation_model(name) for name in model.operation_names}
    shapes = {name: [names(op.input_shape), names(op.output_shape)] for name, op in every.items()}
    print(json.dumps(shapes))
"""


@pytest.mark.parametrize("service", OPERATIONS)
def test_trimmed_models_keep_their_operations_unchanged(python, unpacked, service):
    whole = Path(botocore.__file__).parent.parent
    trimmed, original = (
        json.loads(run_isolated(python, SHAPES, folder, service)) for folder in (unpacked, whole)
    )
    assert set(trimmed) == set(OPERATIONS[service])
    assert trimmed == {name: original[name] for name in trimmed}


def test_artifact_is_small(archive, unpacked):
    assert archive.stat().st_size < MAX_ZIPPED
    assert sum(len(content) for content in files(unpacked).values()) < MAX_UNPACKED


def test_every_file_is_compiled_with_unchecked_hashes(unpacked):
    compiled = list(unpacked.rglob("*.pyc"))
    sources = {path: path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in compiled}
    assert set(sources.values()) == set(unpacked.rglob("*.py"))
    for path, source in sources.items():  # the path in tracebacks
        assert f"/var/task/{source.relative_to(unpacked)}".encode() in path.read_bytes()
    # PEP 552: bit 0 of the second word means hash-based, bit 1 means checked.
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\1\0\0\0"}


def test_compiled_files_run_instead_of_sources(python, unpacked, tmp_path):
    folder = shutil.copytree(unpacked, tmp_path / "task")
    for file in folder.rglob("*.py"):
        file.write_text("raise SystemExit('compiled at startup')")
    before = files(folder)
    [response] = invoke_handler(python, folder, HEALTH)
    assert response["statusCode"] == 200
    assert files(folder) == before


def test_artifact_for_another_architecture_is_small(python, tmp_path):
    folder = tmp_path / "NewsFunction"
    folder.mkdir()  # as `sam build` does
    result = package("news", "--arch", OTHER_ARCH, "--into", folder)
    assert result.stdout.startswith(f"news for {OTHER_ARCH}: unpacked 1")
    check_architecture(folder, OTHER_ARCH)
    with pytest.raises(PackageError, match=rf"^\S+\.so is not built for {HERE}$"):
        check_architecture(folder, HERE)
    zip_folder(folder, tmp_path / "news.zip")
    assert (tmp_path / "news.zip").stat().st_size < MAX_ZIPPED
