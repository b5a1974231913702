"""The import rules in pyproject.toml: all are broken in a copy, and import-linter reports each import."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from support.environment import CLEAN, ROOT
from tools.scaffold.names import Names
from tools.scaffold.project_files import add_to_pyproject

TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
CONFIG = TOOLS["importlinter"]
PACKAGES = CONFIG["root_packages"]


def check(folder):
    """Return whether the rules hold in a folder, and the output of import-linter."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=folder,
        env=CLEAN | {"PYTHONPATH": str(folder), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def copy_packages(folder):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def add_module(folder, name):
    """Add an empty module, with the import rules that `make module` writes."""
    (folder / name).mkdir()
    for file in ("__init__", "controller", "service", "rules", "dao", "table", "model"):
        (folder / name / f"{file}.py").write_text(f'"""{file}"""\n')
    config = folder / "pyproject.toml"
    config.write_text(add_to_pyproject(config.read_text(), Names(name, has_table=True, project="news")))


def test_the_project_follows_its_import_rules():
    kept, output = check(ROOT)
    assert kept, output
    assert f"Contracts: {len(CONFIG['contracts'])} kept, 0 broken." in output


ILLEGAL_IMPORTS = {
    "tools, functions -> modules -> shared": [
        ("shared/clock.py", "import news.service"),
        ("news/service.py", "import functions.wsgi"),
        ("news/service.py", "import tools.local.import_formats"),
    ],
    "in a module: ": [
        ("news/service.py", "import news.controller"),
        ("news/dao.py", "import news.rules"),
        ("news/model.py", "import news.table"),
        ("news/extra.py", ""),
    ],
    "news: a dao is used by its own module's service only": [
        ("news/controller.py", "from news.dao import NewsDao"),
        ("functions/wsgi.py", "import news.dao"),
        ("tools/local/tables.py", "import news.dao"),
        ("second/service.py", "from news.dao import NewsDao"),
        ("second/dao.py", "def f():\n    import news.dao"),
    ],
    "news: a table is used by its own dao": [
        ("second/service.py", "import news.table"),
        ("news/service.py", "import news.table"),
    ],
    "a controller is used by functions only": [
        ("second/service.py", "import news.controller"),
    ],
    "what knows of a server is used by functions only": [
        ("news/controller.py", "import shared.lambda_adapter.handler"),
    ],
    "HTTP and caching are in the controller only": [
        ("news/service.py", "import redis"),
        ("news/service.py", "from shared.cache.decorators import connect"),
        ("news/dao.py", "import flask"),
        ("news/rules.py", "import werkzeug"),
        ("news/model.py", "import shared.web.responses"),
        ("news/controller.py", "import redis"),
        ("news/service.py", "import shared.observability.logs"),
        ("news/controller.py", "import shared.observability.request_log"),
    ],
    "the AWS SDK is used by daos and tools only": [
        ("news/controller.py", "import pynamodb.models"),
        ("news/service.py", "import botocore"),
        ("functions/wsgi.py", "import boto3"),
        ("shared/app.py", "import botocore.session"),
    ],
    "what daos share is used by daos only": [
        ("news/service.py", "import shared.dynamodb.tables"),
    ],
    "domain errors import neither Flask": [
        ("shared/errors.py", "import werkzeug.exceptions"),
    ],
    "what everybody may count with": [
        ("shared/observability/context.py", "import flask"),
        ("shared/observability/context.py", "import shared.dynamodb.tables"),
    ],
    "only the Prometheus metrics import its client": [
        ("shared/app.py", "import prometheus_client"),
        ("news/dao.py", "import prometheus_client"),
    ],
    "only the settings read the environment": [
        ("news/service.py", "import os"),
    ],
}
"""The start of the name of a rule, and lines that break it, each with the file that it is added to."""

CASES = [(file, line, rule) for rule, lines in ILLEGAL_IMPORTS.items() for file, line in lines]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return the part of import-linter's report about each rule, after every line was added."""
    folder = tmp_path_factory.mktemp("layers")
    copy_packages(folder)
    add_module(folder, "second")
    for file, line, _ in CASES:
        with (folder / file).open("a") as module:
            module.write(f"\n{line}\n")
    kept, output = check(folder)
    assert not kept
    parts = re.split(r"^(.+)\n-+\n", output.partition("Broken contracts")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("file", "line", "rule"), CASES)
def test_a_broken_rule_is_reported(report, file, line, rule):
    [text] = [text for name, text in report.items() if name.startswith(rule)]
    importer = file.removesuffix(".py").replace("/", ".")
    if not line:
        assert f"- {importer}\n" in text
        return
    imported = re.search(r"(?:import|from) ([\w.]+)", line)[1]
    if imported.split(".")[0] not in PACKAGES:
        imported = imported.split(".")[0]
    assert re.search(rf"^ *[-&] +{re.escape(f'{importer} -> {imported}')} \(", text, re.MULTILINE), text


def test_a_module_may_use_the_service_of_another(tmp_path):
    copy_packages(tmp_path)
    add_module(tmp_path, "second")
    (tmp_path / "second" / "service.py").write_text('"""service"""\nfrom news.service import NewsService\n')
    kept, output = check(tmp_path)
    assert kept, output


def test_the_import_rules_and_the_coverage_list_every_module():
    modules = {path.parent.name for path in ROOT.glob("*/service.py")}
    assert modules <= set(CONFIG["root_packages"])
    assert modules <= set(TOOLS["coverage"]["run"]["source"])
    protected = {tuple(each.get("protected_modules", ())): each for each in CONFIG["contracts"]}
    for module in modules:
        for kind, users in (("dao", [f"{module}.service"]), ("table", [f"{module}.dao", "tools"])):
            there = (ROOT / module / f"{kind}.py").exists()
            assert ((f"{module}.{kind}",) in protected) == there
            assert not there or protected[f"{module}.{kind}",]["allowed_importers"] == users
    for contract in CONFIG["contracts"]:
        named = {*contract.get("containers", ()), *contract.get("source_modules", ())}
        layers = {name for layer in contract.get("layers", ()) for name in layer.split(" : ")}
        assert "news" not in named | layers or modules <= named | layers
