"""The setup of the project: lock files, commands, and the length of product files."""

import json
import re
import subprocess
import tomllib
from itertools import chain

import pytest

from support.environment import CLEAN, ROOT

LOCKS = [ROOT / "requirements.txt", *sorted(ROOT.glob("requirements/*.txt"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICE = PROJECT["project"]["dependencies"]
SERVE, VERIFIER = (PROJECT["project"]["optional-dependencies"][extra] for extra in ("serve", "verifier"))
GROUPS = PROJECT["dependency-groups"]
DEPLOY = {"deploy", "lambda"}


def locked(lock):
    """Return the packages of a lock file, each with its versions and the number of hashes."""
    packages = {}
    for entry in re.split(r"^(?=[a-z])", lock.read_text(), flags=re.MULTILINE)[1:]:
        name, version = re.match(r"([a-z0-9.-]+)==(\S+)", entry).groups()
        packages.setdefault(name, {})[version] = entry.count("--hash=sha256:")
    return packages


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_file_pins_every_package_with_hashes_and_contains_no_url(lock):
    hashes = [count for versions in locked(lock).values() for count in versions.values()]
    assert hashes
    assert all(hashes)
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("folder", [".", "benchmarks"])
def test_npm_lock_file_contains_no_url(folder):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in entry and "resolved" not in entry for entry in packages)


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        ("requirements.txt", SERVICE),
        ("requirements/serve.txt", [*SERVICE, *SERVE, *VERIFIER, *GROUPS["docs"]]),
        (
            "requirements/dev.txt",
            [
                *SERVICE,
                *SERVE,
                *VERIFIER,
                *chain(*(GROUPS[name] for name in GROUPS.keys() - DEPLOY - {"emulator"})),
            ],
        ),
        ("requirements/deploy.txt", chain(*(GROUPS[name] for name in DEPLOY))),
        ("requirements/emulator.txt", GROUPS["emulator"]),
    ],
)
def test_lock_file_contains_every_declared_package(lock, declared):
    names = {re.match(r"[a-z0-9.-]+", package)[0] for package in declared}
    assert names <= locked(ROOT / lock).keys()


def test_lock_file_of_the_artifact_contains_no_server_verifier_or_test_tool():
    others = {"flask-swagger-ui", "gunicorn", "pyjwt", "moto", "pytest", "boto3"}
    assert not others & locked(ROOT / "requirements.txt").keys()


def test_lock_files_that_are_installed_together_pin_the_same_versions():
    service, serve, dev = (
        locked(ROOT / lock) for lock in ("requirements.txt", "requirements/serve.txt", "requirements/dev.txt")
    )
    assert service.keys() < serve.keys() < dev.keys()
    for name in serve:
        assert serve[name] == dev[name] == service.get(name, serve[name])


def test_make_without_a_target_lists_every_command():
    listed = subprocess.run(["make"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=True).stdout
    phony = set(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\S+)", listed, re.MULTILINE)) == phony


def test_every_file_has_at_most_200_lines():
    folders = (*PROJECT["tool"]["importlinter"]["root_packages"], "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > 200} == {}
