"""`make package` builds small, reproducible artifacts that run in Lambda."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import botocore
import pytest
from botocore.session import Session

from support.environment import CLEAN, ROOT, settings_for
from support.event_builders import Request, http_api_2
from support.lambda_emulator import HERE, invoke, make_runtime
from support.project_copy import copied
from tools.local.lambda_runtime import packages, serving
from tools.local.tables import create_tables
from tools.package.archive import publish, zip_folder
from tools.package.builder import build
from tools.package.python import runtime_python, runtime_version
from tools.package.sources import find_sources, list_modules
from tools.package.uv import PackageError, run, uv
from tools.package.wheels import ITEM_OPERATIONS, PLATFORMS, check_architecture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="artifacts run on Linux only")

OTHER_ARCH = next(arch for arch in PLATFORMS if arch != HERE)
PACKAGES = ("functions", "news", "shared")

MAX_ZIPPED, MAX_UNPACKED = 7_000_000, 20_000_000
"""Bytes. A cold start grows with the size; give a reason when raising a limit."""

WRITER = {"jwt": {"claims": {"sub": "7", "scope": "news:write"}, "scopes": ["news:write"]}}
ITEM = {"title": "t", "url": "https://example.com/t", "source": "s", "category": "c"}
CREATE = http_api_2(
    Request("POST", "/news/", "", (("Content-Type", "application/json"),), json.dumps(ITEM).encode()),
    authorizer=WRITER,
)
HEALTH = http_api_2(Request(path="/health"))
LIST = http_api_2(Request(path="/news/"))

HANDLE_EVENTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from functions.news import handler
print(json.dumps([handler(event, None) for event in json.load(sys.stdin)]))
"""

ENDPOINTS = """
import sys
sys.path.insert(0, sys.argv[1])
from botocore.session import Session
for region in sys.argv[2:]:
    client = Session().create_client("dynamodb", region_name=region)
    print(client.meta.endpoint_url, client.meta.partition)
"""

SIGN_IN = """
import sys
sys.path.insert(0, sys.argv[1])
from shared.config import Settings
from shared.cache.redis_iam import IamCredentials
print(*IamCredentials(Settings.from_env()).get_credentials())
"""

VERIFIER = """
import sys
sys.path.insert(0, sys.argv[1])
import shared.auth.tokens
print("ready")
"""

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


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """A Python of Lambda's version; skips if no package index is reachable."""
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


def package(*arguments, **env):
    """Run the builder in this folder."""
    command = [sys.executable, "-m", "tools.package.builder", *arguments]
    return subprocess.run(command, cwd=ROOT, env=CLEAN | env, capture_output=True, text=True, check=False)


def make(folder, *arguments):
    """Run make with a restrictive umask."""
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    env = {
        name: value for name, value in CLEAN.items() if not name.startswith(("COVERAGE_", "MAKE", "MFLAGS"))
    }
    return subprocess.run(
        command, cwd=folder, env=env, umask=0o077, capture_output=True, text=True, check=False
    )


def run_isolated(python, code, folder, *arguments, stdin=None, **env):
    """Run code in Lambda's Python with only its standard library and the folder."""
    settings = {"AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "STAGE": "dev"}
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.run(
        [python, "-I", "-S", "-c", code, folder, *arguments],
        env=settings | secrets | env,
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def invoke_handler(python, folder, *events, **env):
    return json.loads(run_isolated(python, HANDLE_EVENTS, folder, stdin=json.dumps(events), **env))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def locked(lock):
    """Return the packages of a lock file that Lambda's Python on Linux needs."""
    names = re.findall(
        r"^([a-z0-9.-]+)==\S+(?! ; python_full_version < '3.11)", lock.read_text(), re.MULTILINE
    )
    return {name.replace("-", "_") for name in names} - {"async_timeout"}


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
    assert "dynamodb" in data
    assert len(data) == 5


OPERATIONS = """if True:
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from botocore.session import Session
    model = Session().get_service_model("dynamodb")
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


def test_trimmed_dynamodb_model_keeps_its_operations_unchanged(python, unpacked):
    whole = Path(botocore.__file__).parent.parent
    trimmed, original = (json.loads(run_isolated(python, OPERATIONS, folder)) for folder in (unpacked, whole))
    assert set(trimmed) == set(ITEM_OPERATIONS)
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


def test_build_is_reproducible(archive, rebuilt):
    assert rebuilt.read_bytes() == archive.read_bytes()


def test_sam_creates_the_same_zip(archive, rebuilt, tmp_path):
    command = [sys.executable, "-c", SAM_ZIP, packages(), tmp_path / "sam", rebuilt.with_suffix("")]
    subprocess.run(command, env=CLEAN, check=True)
    assert (tmp_path / "sam.zip").read_bytes() == archive.read_bytes()


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


def test_runtime_python_must_have_lambdas_version(tmp_path):
    result = package("news", "--into", tmp_path, RUNTIME_PYTHON="/no/such/python")
    assert result.returncode == 1
    version = runtime_version()
    assert result.stderr == f"package: RUNTIME_PYTHON: '/no/such/python' is not a CPython {version}\n"


def test_missing_python_of_lambdas_version_fails_with_one_line(python, tmp_path):
    no_python = dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path))
    result = package("news", "--into", tmp_path / "x", UV_OFFLINE="1", **no_python)
    assert result.returncode == 1
    version = runtime_version()
    assert result.stderr == (
        f"package: compiling for Lambda needs CPython {version}, which uv cannot install here: "
        f"set RUNTIME_PYTHON=/path/to/python{version}, or RUNTIME to another version of Lambda's\n"
    )


def test_an_unsupported_runtime_fails_with_one_line(tmp_path):
    result = package("news", "--into", tmp_path / "x", RUNTIME="python3.9")
    assert result.returncode == 1
    assert result.stderr == "package: RUNTIME: 'python3.9' is not one of python3.14, python3.13\n"


@pytest.mark.parametrize(("missing", "runtime"), [((), "python3.14"), (("3.14",), "python3.13")])
def test_tests_use_the_newest_runtime_whose_interpreter_is_there(tmp_path, missing, runtime):
    for version in {"3.14", "3.13"} - set(missing):
        interpreter = tmp_path / f"python{version}"
        interpreter.write_text(f"#!/bin/sh\necho cpython-{version.replace('.', '')}\n")
        interpreter.chmod(0o755)
    env = CLEAN | {"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path), "UV_OFFLINE": "1"}
    env["UV_PYTHON_INSTALL_DIR"] = str(tmp_path)
    command = [sys.executable, "-m", "tools.package.python", "runtime"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"{runtime}\n"
    assert bool(done.stderr) is bool(missing)


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


def test_artifact_creates_and_lists_news(python, unpacked, moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, "NEWS_TABLE": settings.table("news")}
    created, listed = invoke_handler(python, unpacked, CREATE, LIST, **env)
    assert created["statusCode"] == 201
    assert json.loads(listed["body"])["items"] == [json.loads(created["body"])]


def test_artifact_finds_dynamodb_endpoints_in_every_partition(python, unpacked):
    regions = ["eu-central-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "xx-new-1", "local"]
    clients = [Session().create_client("dynamodb", region_name=region) for region in regions]
    expected = [f"{each.meta.endpoint_url} {each.meta.partition}" for each in clients]
    assert run_isolated(python, ENDPOINTS, unpacked, *regions).splitlines() == expected


def test_artifact_signs_cache_tokens(python, unpacked):
    url = "rediss://news.serverless.euc1.cache.amazonaws.com:6379"
    env = {"REDIS_URL": url, "REDIS_IAM_USER": "news-user", "REDIS_IAM_CACHE": "news"}
    user, token = run_isolated(python, SIGN_IN, unpacked, **env).split()
    assert user == "news-user"
    assert token.startswith("news/?Action=connect&User=news-user&ResourceType=ServerlessCache&")


def test_artifact_runs_in_lambdas_runtime(python, unpacked, moto_url, valkey, tmp_path):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {
        "AWS_ENDPOINT_URL_DYNAMODB": moto_url,
        "NEWS_TABLE": settings.table("news"),
        "REDIS_URL": valkey.url,
    }
    runtime = make_runtime(unpacked, tmp_path / "runtime")
    with serving("functions.news.handler", env=env, log=tmp_path / "log", runtime=runtime) as url:
        _, created = invoke(url, CREATE)
        item = http_api_2(Request(path=created["headers"]["Location"]))
        read = [invoke(url, item)[1] for _ in range(2)]
    assert [each["headers"]["X-Cache"] for each in read] == ["MISS", "HIT"]
    assert read[0]["body"] == read[1]["body"] == created["body"]


def test_lambdas_runtime_imports_only_from_the_artifact(python, unpacked, tmp_path):
    runtime = make_runtime(unpacked, tmp_path / "runtime")
    with serving("functions.wsgi.app", log=tmp_path / "log", runtime=runtime) as url:
        status, response = invoke(url, HEALTH)
    assert (status, response["errorType"]) == (502, "Runtime.ImportModuleError")


def test_artifact_with_verifier_contains_pyjwt(python, unpacked, tmp_path):
    build("news", HERE, tmp_path / "news", verifier=True)
    installed = {path.name.split("-")[0] for path in (tmp_path / "news").glob("*.dist-info")}
    assert installed == locked(ROOT / "requirements.txt") | {"cffi", "cryptography", "pycparser", "pyjwt"}
    assert run_isolated(python, VERIFIER, tmp_path / "news") == "ready\n"
    with pytest.raises(subprocess.CalledProcessError):
        run_isolated(python, VERIFIER, unpacked)
