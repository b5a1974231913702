"""README.md and docs/*.md: commands, variables, paths, settings and figures match the project."""

import re
import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT
from tools import cost_estimate

README = (ROOT / "README.md").read_text()
PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
COMMAND = re.compile(r"(?:`|\$\(|^ *(?:\$ )?)(?:\w+=\S* )*make ([A-Za-z][\w-]*)([^`\n#]*)", re.MULTILINE)
READING_LIST = re.compile(r"^\| `([\w/.]+)` \| (\d+) \|", re.MULTILINE)


def page(name):
    return (ROOT / "docs" / name).read_text()


@pytest.fixture(scope="module")
def targets():
    listed = subprocess.run(["make"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^make (\S+)", listed, re.MULTILINE))


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_and_variable_of_a_page_exists(name, targets):
    inputs = set(re.search(r"^INPUTS := ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)[1].split())
    for target, rest in COMMAND.findall((ROOT / name).read_text()):
        assert target in targets or re.fullmatch(r"build-\w+Function", target)
        assert set(re.findall(r"\b([A-Z_]+)=", rest.split('"')[0])) <= inputs


def test_the_readme_starts_with_run_and_test():
    targets = [target for target, _ in COMMAND.findall(README)]
    assert targets[0] == "run"
    assert "test" in targets


@pytest.mark.parametrize("name", [name for name in PAGES if name != "docs/add-a-module.md"])
def test_every_path_of_a_page_exists(name):
    folders = r"functions|news|shared|tests|tools|benchmarks|docs|requirements|\.github"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*)`", (ROOT / name).read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_readme_fits_on_a_few_screens():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("parent", ["shared", "tests", "tools"])
def test_the_readme_names_every_subfolder(parent):
    row = re.search(rf"^\| `{parent}/` \|.*", README, re.MULTILINE)[0]
    folders = {path.parent.name for path in ROOT.glob(f"{parent}/*/*.py")}
    assert {name for name in folders if f"`{name}/`" not in row} == set()


def test_the_reading_list_is_about_1500_lines_and_its_counts_are_current():
    files = {file: int(lines) for file, lines in READING_LIST.findall(README)}
    actual = {file: len((ROOT / file).read_text().splitlines()) for file in files}
    wrong = {file: actual[file] for file, lines in files.items() if abs(actual[file] - lines) > 10}
    assert wrong == {}
    assert 1300 <= sum(actual.values()) <= 1600


def test_every_setting_is_in_the_configuration_page():
    source = "".join(path.read_text() for path in (ROOT / "shared" / "config").glob("*.py"))
    names = set(re.findall(r'\(env, "([A-Z_]+)"', source))
    names |= set(re.findall(r"\$\{([A-Z_]+):=", (ROOT / "entrypoint.sh").read_text()))
    assert {"STAGE", "REDIS_URL"} <= names
    assert {name for name in names if f"`{name}`" not in page("configuration.md")} == set()


def test_the_configuration_page_shows_the_error_of_an_invalid_setting():
    [command] = re.findall(
        r"^ {4}\$ (STAGE=.*) python -m shared\.config$", page("configuration.md"), re.MULTILINE
    )
    env = CLEAN | dict(pair.split("=") for pair in command.split())
    process = subprocess.run(
        [sys.executable, "-m", "shared.config"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    assert f"\n    {process.stderr.strip()}\n" in page("configuration.md")


def test_the_costs_page_shows_what_make_cost_estimate_prints():
    assert cost_estimate.table() in page("costs.md")
    assert cost_estimate.snapshot() in page("costs.md")
    assert cost_estimate.PRICES_OF in page("costs.md")


def test_the_cost_estimate_counts_the_alarm_metrics_of_the_template():
    alarms = (ROOT / "template.yaml").read_text().split("    Type: AWS::CloudWatch::Alarm\n")[1:]
    metrics = [each.partition("\n\n")[0] for each in alarms]
    counts = [max(1, each.count("MetricStat:")) for each in metrics]
    cache = sum(
        n
        for n, each in zip(counts, metrics, strict=True)
        if each.startswith(("    Condition: HasCache", "    Condition: HasAnyCache"))
    )
    assert (sum(counts) - cache, cache) == (cost_estimate.ALARM_METRICS, cost_estimate.CACHE_ALARM_METRICS)
