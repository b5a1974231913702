"""`make module`, in a copy of the project: a module works at once, and goes without a trace."""

import pytest

from support.project_copy import Copy
from tools.scaffold import new_module as module

LONGEST = "abcdefghijklmnopqrst"
IMPORT_LINTER = "from importlinter.cli import lint_imports_command as c; c()"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("module") / "copy")


@pytest.fixture(scope="module")
def before(copy):
    return copy.files()


@pytest.fixture(autouse=True)
def unchanged(copy, before):
    """Whatever a test does, it ends with the copy as it was."""
    yield
    assert copy.files() == before


def make(copy, *arguments):
    module.main([*arguments, "--root", str(copy.folder)])


def refused(copy, *arguments):
    """The one line with which a command is refused."""
    with pytest.raises(SystemExit) as error:
        make(copy, *arguments)
    assert "\n" not in error.value.code
    return error.value.code


def check(copy, *command):
    code, said = copy.python(*command)
    assert code == 0, said


@pytest.mark.parametrize("table", [[], ["--without-table"]], ids=["table", "no table"])
def test_a_module_works_at_once_and_goes_without_a_trace(copy, table):
    make(copy, "tryout", *table)
    assert (copy.folder / "tryout" / "dao.py").exists() == (not table)
    tests = ["tryout_test.py", "layers_test.py", "setup_test.py"]
    if not table:  # what takes longer is much the same for both
        check(copy, "mypy", "tryout", "functions", "tools")
        tests.append("contract_test.py")
    code, said = copy.run("python", "-c", IMPORT_LINTER, "--no-cache", PYTHONPATH=str(copy.folder))
    assert code == 0, said
    chosen = "not dynalite_url and not broken_rule and not generated_requests and not readme"
    check(copy, "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{each}" for each in tests), "-k", chosen)
    make(copy, "tryout", "--remove")
    assert not (copy.folder / "tryout").exists()


@pytest.mark.parametrize("table", [[], ["--without-table"]], ids=["table", "no table"])
def test_a_module_is_in_style_however_long_its_name_is(copy, table):
    make(copy, LONGEST, *table)
    check(copy, "ruff", "check", "--no-cache")
    check(copy, "ruff", "format", "--check", "--no-cache")
    make(copy, LONGEST, "--remove")


def test_modules_go_in_any_order_whatever_their_names_have_in_common(copy):
    make(copy, "new")
    make(copy, "newspaper", "--without-table")
    for name in ("new", "newspaper"):
        make(copy, name, "--remove")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is no name"),
        ("Search", "is no name"),
        ("1search", "is no name"),
        ("two words", "is no name"),
        ("read_later", "is no name"),
        ("xy", "is no name"),
        ("a" * 21, "is no name"),
        ("x;y", "is no name"),
        ("lambda", "is a word of Python's"),
        ("match", "is a word of Python's"),
        ("list", "is a word of Python's"),
        ("news", "is taken: news is there"),
        ("tools", "is taken: tools is there"),
        ("wsgi", "is taken: functions/wsgi.py is there"),
        ("tests", "is taken: tests is there"),
        ("problem", "is taken: the contract has a type Problem"),
        ("calendar", "is a package that is installed"),
        ("flask", "is a package that is installed"),
        ("pytest", "is a package that is installed"),
    ],
)
def test_a_bad_name_gets_one_line_and_nothing_is_written(copy, name, why):
    assert why in refused(copy, name)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("template.yaml", "the news module", "our news"),
        ("serverless.yml", "NewsLambdaFunction:", "OurLambdaFunction:"),
        ("functions/wsgi.py", "setup_news", "set_up"),
        ("tools/local/tables.py", '"news": NewsRecord', '"news": OurRow'),
        ("shared/app.py", "def create_app", "def make_app"),  # then no contract can be made
    ],
)
def test_a_failure_half_way_leaves_nothing_behind(copy, file, old, new):
    path = copy.folder / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    changed = copy.files()
    refused(copy, "tryout")
    assert copy.files() == changed
    assert not (copy.folder / "tryout").exists()
    path.write_text(text)


@pytest.mark.parametrize("name", ["news", "nobody", "shared", "", "../news"])
def test_what_is_no_module_of_ours_is_not_taken_out(copy, name):
    assert "there is no module" in refused(copy, name, "--remove")


def test_work_that_is_not_committed_is_not_taken_out(copy):
    make(copy, "tryout")
    (copy.folder / "tryout" / "rules.py").write_text('"""Rules."""\n')
    (copy.folder / "tests" / "tryout_test.py").write_text("")
    assert "tests/tryout_test.py, tryout/rules.py: changed" in refused(copy, "tryout", "--remove")
    make(copy, "tryout", "--remove", "--force")


def test_the_commands_make_one_and_take_it_out(copy):
    for arguments in (["module", "NAME=tryout", "TABLE=no"], ["module-remove", "NAME=tryout"]):
        code, said = copy.run("make", *arguments)
        assert code == 0, said
    for command in ("module", "module-remove"):
        assert copy.run("make", command)[1].startswith("module: name it: make ")
