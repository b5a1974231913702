"""`make rename-project`: the template under another name, once."""

import re
import tomllib

import pytest

from support.environment import ROOT
from support.project_copy import Copy
from tools.scaffold import rename_project as init

NAME = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
pytestmark = pytest.mark.skipif(
    NAME != init.TEMPLATE, reason=f"this is {NAME} already: a project is renamed once"
)


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("init") / "copy")
    init.main(["my-service", "--root", str(copy.folder)])
    return copy


def test_what_is_deployed_and_what_tells_of_it_has_the_name(renamed):
    files = {name: content.decode(errors="replace") for name, content in renamed.files().items()}
    for name in ("template.yaml", "serverless.yml", "samconfig.toml", "Makefile"):
        assert re.findall(r"news-(?:\$|dev|prod)", files[name]) == [], name
        assert "my-service-" in files[name]
    assert files["README.md"].startswith("# my-service\n")
    assert "`my-service-<stage>`" in files["docs/observability.md"]
    assert "`my_service_requests_total`" in files["docs/observability.md"]
    assert '"title": "my-service"' in files["openapi.json"]


def test_the_module_stays(renamed):
    assert (renamed.folder / "news" / "service.py").exists()
    assert "GET /news" in (renamed.folder / "serverless.yml").read_text()


def test_style_and_contract_hold_under_the_name(renamed):
    for command in (("ruff", "check", "--no-cache"), ("ruff", "format", "--check", "--no-cache")):
        code, said = renamed.python(*command)
        assert code == 0, said
    code, said = renamed.python(
        *(
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/project/project_setup_test.py",
            "tests/project/docs_test.py",
            "tests/project/links_test.py",
            "tests/unit/compatibility_test.py",
            "tests/integration/openapi_routes_test.py",
        ),
        "tests/integration/openapi_test.py::test_the_contract_is_up_to_date",
    )
    assert code == 0, said


def test_a_second_time_is_refused(renamed):
    before = renamed.files()
    code, said = renamed.run("make", "rename-project", "NAME=other")
    assert code != 0
    assert "init: the project has its name already, my-service" in said
    assert renamed.files() == before


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("init") / "refused")


@pytest.mark.parametrize(
    "name", ["", "news", "My-Service", "a", "my_service", "my--service", "x-", "1x", "a" * 24, "x;y"]
)
def test_a_bad_name_gets_one_line_and_changes_nothing(copy, name):
    before = copy.files()
    code, said = copy.run("make", "rename-project", f"NAME={name}")
    assert code != 0
    assert [line.split(":")[0] for line in said.splitlines() if not line.startswith("make")] == [
        "rename-project"
    ]
    assert copy.files() == before


def test_a_file_that_is_no_longer_as_it_was_changes_nothing(copy):
    template = copy.folder / "template.yaml"
    text = template.read_text()
    template.write_text(text.replace("Description: 'news: ", "Description: 'tidings: "))
    before = copy.files()
    code, said = copy.python("tools.scaffold.rename_project", "my-service")
    assert code != 0
    assert said.startswith("init: template.yaml has no ")
    assert copy.files() == before
    template.write_text(text)
