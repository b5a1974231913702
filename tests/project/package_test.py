"""`make package`: what is in an artefact, that it is the same each time, and that it works in Lambda."""

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
from tools.package.builder import build
from tools.package.files import publish, zip_folder
from tools.package.python import runtime_python
from tools.package.sources import modules, sources
from tools.package.uv import PackageError, run, uv
from tools.package.wheels import ITEM_OPERATIONS, PLATFORMS, check_architecture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="an artefact runs on Linux only")

THERE = next(arch for arch in PLATFORMS if arch != HERE)
PACKAGES = ("functions", "news", "shared")

MAX_ZIPPED, MAX_UNPACKED = 7_000_000, 20_000_000
"""Bytes; a start grows with them. Who must raise them says why."""

WRITER = {"jwt": {"claims": {"sub": "7", "scope": "news:write"}, "scopes": ["news:write"]}}
ITEM = {"title": "t", "url": "https://example.com/t", "source": "s", "category": "c"}
CREATE = http_api_2(
    Request("POST", "/news/", "", (("Content-Type", "application/json"),), json.dumps(ITEM).encode()),
    authorizer=WRITER,
)
HEALTH = http_api_2(Request(path="/health"))
LIST = http_api_2(Request(path="/news/"))

ANSWER = """
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

# What SAM's function imports and does not use needs a hundred packages, which aren't here.
SAMS_ZIP = """
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
    """A Python of Lambda's version, where packages can be had for it."""
    try:
        folder = tmp_path_factory.mktemp("nothing")
        run(uv(), "pip", "install", "--dry-run", "--no-deps", "--target", folder, "flask")
        return runtime_python()
    except PackageError as error:
        pytest.skip(f"no artefact can be built here: {error}")


@pytest.fixture(scope="session")
def archive(python, tmp_path_factory):
    """The artefact for this machine, zipped."""
    folder = tmp_path_factory.mktemp("here")
    build("news", HERE, folder / "made")
    publish(folder / "made", folder / "news", folder / "news.zip")
    return folder / "news.zip"


@pytest.fixture(scope="session")
def unpacked(archive, tmp_path_factory):
    """It, as Lambda unpacks it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def elsewhere(python, tmp_path_factory):
    """The project in another folder, with other file times, without the developers' environment."""
    folder = copied(tmp_path_factory.mktemp("elsewhere") / "clone", "tests", copy_function=shutil.copyfile)
    uv()
    (folder / ".venv-package").symlink_to(ROOT / ".venv-package")
    return folder


@pytest.fixture(scope="session")
def rebuilt(elsewhere):
    """The same artefact, from there."""
    made = make(elsewhere, "package", f"ARCH={HERE}")
    assert f"news for {HERE}: build/news.zip " in made.stdout, made.stderr
    return elsewhere / "build" / "news.zip"


def package(*arguments, **env):
    """Run the builder from here."""
    command = [sys.executable, "-m", "tools.package.builder", *arguments]
    return subprocess.run(command, cwd=ROOT, env=CLEAN | env, capture_output=True, text=True, check=False)


def make(folder, *arguments):
    """Run make with the umask of somebody careful."""
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    env = {
        name: value for name, value in CLEAN.items() if not name.startswith(("COVERAGE_", "MAKE", "MFLAGS"))
    }
    return subprocess.run(
        command, cwd=folder, env=env, umask=0o077, capture_output=True, text=True, check=False
    )


def call(python, code, folder, *arguments, given=None, **env):
    """Run code in Lambda's Python, which finds its own library and that folder, and nothing else."""
    settings = {"AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "STAGE": "dev"}
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.run(
        [python, "-I", "-S", "-c", code, folder, *arguments],
        env=settings | secrets | env,
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def answers(python, folder, *events, **env):
    return json.loads(call(python, ANSWER, folder, given=json.dumps(events), **env))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def locked(lock):
    """The packages of a lock file that Lambda's Python on Linux needs."""
    names = re.findall(
        r"^([a-z0-9.-]+)==\S+(?! ; python_full_version < '3.11)", lock.read_text(), re.MULTILINE
    )
    return {name.replace("-", "_") for name in names} - {"async_timeout"}


def test_artefact_holds_the_module_and_what_it_imports(unpacked):
    ours = {path for path in files(unpacked) if path.parts[0] in PACKAGES and path.suffix == ".py"}
    expected = {path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    others = {Path(f"functions/{module}.py") for module in {"wsgi", *modules()} - {"news"}}
    assert ours == expected - others


def test_artefact_holds_the_locked_packages_and_nothing_else(unpacked):
    installed = {path.name.split("-")[0] for path in unpacked.glob("*.dist-info")}
    assert installed == locked(ROOT / "requirements.txt")
    libraries = {path.name for path in unpacked.iterdir()} - {*PACKAGES, "openapi.json", "__pycache__"}
    known = installed - {"python_dateutil"} | {
        "dateutil",
        "six.py",
        "serverless_wsgi.py",
        "typing_extensions.py",
    }
    assert {name for name in libraries if not name.endswith(".dist-info")} == known - {
        "six",
        "serverless_wsgi",
        "typing_extensions",
    }


def test_artefact_holds_no_records_scripts_or_sources_of_compilers(unpacked):
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


def test_what_is_left_of_dynamodbs_model_is_as_it_was(python, unpacked):
    whole = Path(botocore.__file__).parent.parent
    left, all_of_it = (json.loads(call(python, OPERATIONS, folder)) for folder in (unpacked, whole))
    assert set(left) == set(ITEM_OPERATIONS)
    assert left == {name: all_of_it[name] for name in left}


def test_artefact_is_small(archive, unpacked):
    assert archive.stat().st_size < MAX_ZIPPED
    assert sum(len(content) for content in files(unpacked).values()) < MAX_UNPACKED


def test_every_file_is_compiled_whatever_its_time(unpacked):
    compiled = list(unpacked.rglob("*.pyc"))
    made = {
        path: path.parent.parent / f"{path.name.removesuffix('.cpython-313.pyc')}.py" for path in compiled
    }
    assert set(made.values()) == set(unpacked.rglob("*.py"))
    for path, source in made.items():  # what tracebacks name
        assert f"/var/task/{source.relative_to(unpacked)}".encode() in path.read_bytes()
    # PEP 552: the second word is 1 for a hash, and 2 more where it is to be checked.
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\1\0\0\0"}


def test_what_is_compiled_is_what_runs(python, unpacked, tmp_path):
    folder = shutil.copytree(unpacked, tmp_path / "task")
    for file in folder.rglob("*.py"):
        file.write_text("raise SystemExit('compiled at the start')")
    before = files(folder)
    [answer] = answers(python, folder, HEALTH)
    assert answer["statusCode"] == 200
    assert files(folder) == before


def test_same_files_give_the_same_bytes(archive, rebuilt):
    assert rebuilt.read_bytes() == archive.read_bytes()


def test_sam_zips_the_folder_to_the_same_bytes(archive, rebuilt, tmp_path):
    sams = [sys.executable, "-c", SAMS_ZIP, packages(), tmp_path / "sams", rebuilt.with_suffix("")]
    subprocess.run(sams, env=CLEAN, check=True)
    assert (tmp_path / "sams.zip").read_bytes() == archive.read_bytes()


def test_artefact_for_another_architecture_is_as_small(python, tmp_path):
    folder = tmp_path / "NewsFunction"
    folder.mkdir()  # as `sam build` does
    made = package("news", "--arch", THERE, "--into", folder)
    assert made.stdout.startswith(f"news for {THERE}: unpacked 1")
    check_architecture(folder, THERE)
    with pytest.raises(PackageError, match=rf"^\S+\.so is not for {HERE}$"):
        check_architecture(folder, HERE)
    zip_folder(folder, tmp_path / "news.zip")
    assert (tmp_path / "news.zip").stat().st_size < MAX_ZIPPED


def test_builds_at_once_replace_each_other_whole(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    for number in range(20):
        (made / f"{number}.py").write_text("pass")
    folder, archive = tmp_path / "build" / "news", tmp_path / "build" / "news.zip"
    with ThreadPoolExecutor(8) as pool:
        for published in [pool.submit(publish, made, folder, archive) for _ in range(80)]:
            published.result()
    assert files(folder) == files(made)
    with zipfile.ZipFile(archive) as zipped:
        assert sorted(zipped.namelist()) == sorted(path.name for path in made.iterdir())
    assert {path.name for path in folder.parent.iterdir()} == {"news", "news.zip"}


def test_wrong_architecture_stops_the_build(unpacked, elsewhere, tmp_path):
    library = next(unpacked.rglob("*.so"))
    planted = shutil.copyfile(library, elsewhere / "shared" / "planted.so")
    try:
        made = make(elsewhere, "build-NewsFunction", f"ARTIFACTS_DIR={tmp_path / 'x'}", f"ARCH={THERE}")
    finally:
        planted.unlink()
    assert made.returncode == 2
    assert made.stderr.startswith(f"package: shared/planted.so is not for {THERE}\n")
    assert not (tmp_path / "x").exists()


def test_wrong_hash_stops_the_build(elsewhere, tmp_path):
    lock = elsewhere / "requirements.txt"
    text = lock.read_text()
    lock.write_text(re.sub("sha256:.{8}", "sha256:00000000", text))
    made = make(elsewhere, "build-NewsFunction", f"ARTIFACTS_DIR={tmp_path / 'x'}")
    lock.write_text(text)
    assert made.returncode == 2
    assert made.stderr.startswith("package: uv failed:\nerror: ")
    assert "Hash mismatch" in made.stderr


@pytest.mark.parametrize(
    ("target", "into", "said"),
    [
        ("build-NobodyFunction", "new", "package: there is no module 'nobody'; there are: "),
        (
            "build-NewsFunction",
            ".",
            "python -m tools.package.builder: error: argument --into: '.' is there already",
        ),
        (
            "build-NewsFunction",
            "",
            "python -m tools.package.builder: error: argument --into: '' is there already",
        ),
    ],
)
def test_nothing_is_built_from_nothing_or_over_something(elsewhere, target, into, said):
    made = make(elsewhere, target, f"ARTIFACTS_DIR={into}")
    assert made.returncode == 2
    assert said in made.stderr
    assert (elsewhere / "news" / "dao.py").exists()


def test_a_python_that_is_named_must_be_lambdas(tmp_path):
    made = package("news", "--into", tmp_path, RUNTIME_PYTHON="/no/such/python")
    assert made.returncode == 1
    assert made.stderr == "package: RUNTIME_PYTHON: '/no/such/python' is not a CPython 3.13\n"


def test_without_a_python_of_lambdas_version_one_line_says_what_to_do(python, tmp_path):
    nowhere = dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path))
    made = package("news", "--into", tmp_path / "x", UV_OFFLINE="1", **nowhere)
    assert made.returncode == 1
    assert made.stderr.startswith("package: a CPython 3.13 is needed, ")
    assert made.stderr.endswith("name one with RUNTIME_PYTHON=/path/to/python3.13\n")


def test_a_package_goes_along_with_the_module_that_imports_it(tmp_path):
    for name in ("functions", "news", "search", "tools"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "functions" / "news.py").write_text("import json, flask\nfrom news.controller import setup\n")
    (tmp_path / "functions" / "search.py").touch()
    (tmp_path / "news" / "controller.py").write_text("def setup():\n    from search import service\n")
    (tmp_path / "search" / "words.json").write_text("[]")
    (tmp_path / "search" / ".words.json.swp").touch()
    found = {path.relative_to(tmp_path).as_posix() for path in sources("news", tmp_path)}
    functions = {"functions/__init__.py", "functions/news.py", "openapi.json"}
    news = {"news/__init__.py", "news/controller.py"}
    assert found == functions | news | {"search/__init__.py", "search/words.json"}
    alone = {path.relative_to(tmp_path).as_posix() for path in sources("search", tmp_path)}
    assert alone == {"functions/__init__.py", "functions/search.py", "openapi.json"}


def test_artefact_alone_creates_and_lists_news(python, unpacked, moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, "NEWS_TABLE": settings.table("news")}
    created, listed = answers(python, unpacked, CREATE, LIST, **env)
    assert created["statusCode"] == 201
    assert json.loads(listed["body"])["items"] == [json.loads(created["body"])]


def test_artefact_finds_dynamodb_in_every_partition(python, unpacked):
    regions = ["eu-central-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "xx-new-1", "local"]
    clients = [Session().create_client("dynamodb", region_name=region) for region in regions]
    expected = [f"{each.meta.endpoint_url} {each.meta.partition}" for each in clients]
    assert call(python, ENDPOINTS, unpacked, *regions).splitlines() == expected


def test_artefact_signs_in_at_the_cache(python, unpacked):
    url = "rediss://news.serverless.euc1.cache.amazonaws.com:6379"
    env = {"REDIS_URL": url, "REDIS_IAM_USER": "news-user", "REDIS_IAM_CACHE": "news"}
    user, token = call(python, SIGN_IN, unpacked, **env).split()
    assert user == "news-user"
    assert token.startswith("news/?Action=connect&User=news-user&ResourceType=ServerlessCache&")


def test_artefact_is_served_by_lambdas_runtime(python, unpacked, moto_url, valkey, tmp_path):
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


def test_lambdas_runtime_finds_nothing_but_the_artefact(python, unpacked, tmp_path):
    runtime = make_runtime(unpacked, tmp_path / "runtime")
    with serving("functions.wsgi.app", log=tmp_path / "log", runtime=runtime) as url:
        status, answer = invoke(url, HEALTH)
    assert (status, answer["errorType"]) == (502, "Runtime.ImportModuleError")


def test_artefact_verifies_tokens_where_that_is_asked_for(python, unpacked, tmp_path):
    build("news", HERE, tmp_path / "news", verifier=True)
    installed = {path.name.split("-")[0] for path in (tmp_path / "news").glob("*.dist-info")}
    assert installed == locked(ROOT / "requirements-verifier.txt")
    assert call(python, VERIFIER, tmp_path / "news") == "ready\n"
    with pytest.raises(subprocess.CalledProcessError):
        call(python, VERIFIER, unpacked)
