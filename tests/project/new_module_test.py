"""`make module`, in a copy of the project: the module works at once, and git undoes it."""

import re
import shutil

import pytest

from support.environment import ROOT
from support.project_copy import Copy
from tools.scaffold import new_module

LONGEST = "abcdefghijklmnopqrst"
IMPORT_LINTER = "from importlinter.cli import lint_imports_command as c; c()"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("module") / "copy")
    copy.commit()
    if (ROOT / ".mypy_cache").exists():  # mypy checks only the new module then
        shutil.copytree(ROOT / ".mypy_cache", copy.folder / ".mypy_cache")
    return copy


@pytest.fixture(scope="module")
def before(copy):
    return copy.files()


@pytest.fixture(autouse=True)
def _unchanged(copy, before):
    """Check that each test leaves the copy as it found it."""
    yield
    assert copy.files() == before


def make(copy, *arguments):
    new_module.main([*arguments, "--root", str(copy.folder)])


def error_of(copy, *arguments):
    """Return the one line that a failing command prints."""
    with pytest.raises(SystemExit) as error:
        make(copy, *arguments)
    assert "\n" not in error.value.code
    return error.value.code


def undo(copy, output):
    """Run the command that the output names."""
    run(copy, "sh", "-c", re.search(r"undo: (.*);", output)[1])


def run(copy, *command, **env):
    code, output = copy.run(*command, **env)
    assert code == 0, output
    return output


def check(copy, *command):
    code, output = copy.python(*command)
    assert code == 0, output


@pytest.mark.parametrize("table", ["yes", "no"])
def test_a_new_module_passes_lint_and_tests_and_git_removes_it(copy, table):
    output = run(copy, "make", "module", f"NAME={LONGEST}", f"TABLE={table}")
    assert f"module: created {LONGEST}, functions/{LONGEST}.py, tests/{LONGEST}_test.py" in output
    assert (copy.folder / LONGEST / "dao.py").exists() == (table == "yes")
    check(copy, "ruff", "check", "--no-cache")
    check(copy, "ruff", "format", "--check", "--no-cache")
    tests = [f"{LONGEST}_test.py", "project/layers_test.py", "project/project_setup_test.py"]
    if table == "yes":  # these take long, and cover the module without a table too
        check(copy, "mypy")
        tests.append("integration/openapi_test.py")
    run(copy, "python", "-c", IMPORT_LINTER, "--no-cache", PYTHONPATH=str(copy.folder))
    chosen = "not ministack_url and not broken_rule_is_reported and not generated_requests and not readme"
    check(copy, "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests), "-k", chosen)
    undo(copy, output)
    assert not (copy.folder / LONGEST).exists()


def test_two_modules_whose_names_overlap_with_news_are_both_in_the_deployment(copy, capsys):
    make(copy, "new")
    first = capsys.readouterr().out
    copy.commit()
    make(copy, "newspaper", "--without-table")
    template = (copy.folder / "template.yaml").read_text()
    for resource in ("NewsFunction", "NewFunction", "NewspaperFunction"):
        assert template.count(f"\n  {resource}:\n") == 1
    undo(copy, capsys.readouterr().out)
    run(copy, "git", "reset", "--mixed", "--quiet", "HEAD~")
    undo(copy, first)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is not a valid name"),
        ("Search", "is not a valid name"),
        ("1search", "is not a valid name"),
        ("two words", "is not a valid name"),
        ("read_later", "is not a valid name"),
        ("xy", "is not a valid name"),
        ("a" * 21, "is not a valid name"),
        ("x;y", "is not a valid name"),
        ("lambda", "is reserved by Python"),
        ("match", "is reserved by Python"),
        ("list", "is reserved by Python"),
        ("news", "is taken: news exists"),
        ("tools", "is taken: tools exists"),
        ("wsgi", "is taken: functions/wsgi.py exists"),
        ("tests", "is taken: tests exists"),
        ("problem", "is taken: openapi.json has a schema Problem"),
        ("calendar", "is the name of an installed package"),
        ("flask", "is the name of an installed package"),
        ("pytest", "is the name of an installed package"),
    ],
)
def test_an_unusable_name_fails_with_one_line_and_writes_nothing(copy, name, why):
    assert why in error_of(copy, name)


def test_uncommitted_changes_fail_with_one_line_and_nothing_is_written(copy):
    file = copy.folder / "README.md"
    text = file.read_text()
    file.write_text(f"{text}\n")
    changed = copy.files()
    assert "module: uncommitted changes: commit or stash them first" in error_of(copy, "tryout")
    assert copy.files() == changed
    file.write_text(text)


@pytest.fixture(scope="module")
def without_git(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("module") / "without-git")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("template.yaml", "the news module", "our news"),
        ("serverless.yml", "NewsLambdaFunction:", "OurLambdaFunction:"),
        ("pyproject.toml", 'name = "in a module: ', 'name = "in our module: '),
        ("compose.yaml", "NEWS_TABLE", "OUR_TABLE"),
    ],
)
def test_a_file_without_the_reference_modules_part_fails_and_nothing_is_written(without_git, file, old, new):
    path = without_git.folder / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    changed = without_git.files()
    assert "by hand" in error_of(without_git, "tryout")
    assert without_git.files() == changed
    assert not (without_git.folder / "tryout").exists()
    path.write_text(text)


def test_an_app_that_cannot_be_imported_fails_with_the_undo_command(copy):
    path = copy.folder / "shared" / "app.py"
    text = path.read_text()
    path.write_text(text.replace("def create_app", "def make_app"))
    copy.commit()
    changed = copy.files()
    error = error_of(copy, "tryout")
    assert "openapi.json not generated: ImportError" in error
    undo(copy, error)
    assert copy.files() == changed
    run(copy, "git", "reset", "--hard", "--quiet", "HEAD~")


def test_the_make_target_needs_a_name(copy):
    assert copy.run("make", "module")[1].startswith("module: set NAME: make module NAME=search")
