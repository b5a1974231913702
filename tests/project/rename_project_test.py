"""`make rename-project`, in a copy of the project."""

import re
import tomllib

import pytest

from support.environment import ROOT
from support.project_copy import Copy
from tools.scaffold import rename_project

NAME = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
pytestmark = pytest.mark.skipif(
    NAME != rename_project.TEMPLATE_NAME, reason=f"this is {NAME} already: a project is renamed once"
)


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("rename") / "copy")
    rename_project.main(["my-service", "--root", str(copy.folder)])
    return copy


def test_deployed_names_and_titles_are_renamed(renamed):
    files = {name: content.decode(errors="replace") for name, content in renamed.files().items()}
    for name in ("template.yaml", "serverless.yml", "samconfig.toml"):
        assert re.findall(r"news-(?:\$|dev|prod)", files[name]) == [], name
        assert "my-service-" in files[name]
    for name in ("bootstrap.yaml", ".github/workflows/deploy-stage.yml", "docs/pipeline.md"):
        assert re.findall(r"\bnews[-/](?!`|\*)[^ ]*", files[name]) == [], name
        assert "deploy-my-service-" in files[name]
    assert files["README.md"].startswith("# my-service\n")
    assert "`my-service-<stage>`" in files["docs/observability.md"]
    assert "`my_service_requests_total`" in files["docs/observability.md"]
    assert '"title": "my-service"' in files["openapi.json"]


def test_the_module_keeps_its_name(renamed):
    assert (renamed.folder / "news" / "service.py").exists()
    assert "GET /news" in (renamed.folder / "serverless.yml").read_text()


def test_a_renamed_project_passes_style_and_openapi_tests(renamed):
    for command in (("ruff", "check", "--no-cache"), ("ruff", "format", "--check", "--no-cache")):
        code, output = renamed.python(*command)
        assert code == 0, output
    code, output = renamed.python(
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
        "tests/integration/openapi_test.py::test_the_openapi_document_is_up_to_date",
    )
    assert code == 0, output


def test_a_second_rename_fails(renamed):
    before = renamed.files()
    code, output = renamed.run("make", "rename-project", "NAME=other")
    assert code != 0
    assert "rename-project: the project has already been renamed, to my-service" in output
    assert renamed.files() == before


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("rename") / "refused")


@pytest.mark.parametrize(
    "name", ["", "news", "My-Service", "a", "my_service", "my--service", "x-", "1x", "a" * 24, "x;y"]
)
def test_an_invalid_name_fails_with_one_line_and_changes_nothing(copy, name):
    before = copy.files()
    with pytest.raises(SystemExit) as error:
        rename_project.main(["--root", str(copy.folder), "--", name])
    assert error.value.code.startswith("rename-project: ")
    assert "\n" not in error.value.code
    assert copy.files() == before


@pytest.mark.parametrize("name", ["", "x;y"])
def test_the_make_target_with_an_invalid_name_fails_with_one_line_and_changes_nothing(copy, name):
    before = copy.files()
    code, output = copy.run("make", "rename-project", f"NAME={name}")
    assert code != 0
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    assert [line.split(":")[0] for line in lines] == ["rename-project"]
    assert copy.files() == before


def test_a_file_without_the_name_fails_and_changes_nothing(copy):
    template = copy.folder / "template.yaml"
    text = template.read_text()
    template.write_text(text.replace("Description: 'news: ", "Description: 'tidings: "))
    before = copy.files()
    code, output = copy.python("tools.scaffold.rename_project", "my-service")
    assert code != 0
    assert output.startswith("rename-project: template.yaml: ")
    assert copy.files() == before
    template.write_text(text)


def test_a_rename_needs_a_clean_tree_and_git_undoes_it(copy):
    copy.commit()
    before = copy.files()
    readme = copy.folder / "README.md"
    readme.write_text("changed")
    code, output = copy.python("tools.scaffold.rename_project", "my-service")
    assert code != 0
    assert output.startswith("rename-project: uncommitted changes: commit or stash them first")
    assert readme.read_text() == "changed"
    copy.run("git", "restore", ".")
    code, output = copy.python("tools.scaffold.rename_project", "my-service")
    assert code == 0, output
    assert output.endswith("rename-project: undo: git restore .; once committed: git revert\n")
    copy.run("git", "restore", ".")
    assert copy.files() == before
