"""The setup of the project: lock files, commands, and the length of product files."""

import json
import re
import subprocess
import tomllib

import pytest

from support.environment import CLEAN, ROOT

LOCKS = sorted(ROOT.glob("requirements*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]


def pinned(lock):
    """The packages of a lock file and how many hashes each has."""
    entries = re.split(
        r"\n(?=\S)", "\n".join(line for line in lock.read_text().splitlines() if "#" not in line)
    )
    return {
        re.match(r"[a-z0-9.-]+(?=(\[.*\])?==)", entry)[0]: entry.count("--hash=sha256:")
        for entry in entries
        if entry
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_pins_every_package_with_hashes_and_names_no_address(lock):
    packages = pinned(lock)
    assert packages
    assert all(packages.values())
    assert "://" not in lock.read_text()


def test_the_npm_lock_file_names_no_address():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in entry and "resolved" not in entry for entry in packages)


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements-verifier.txt", PROJECT["project"]["dependencies"] + EXTRAS["verifier"]),
        (
            "requirements-serve.txt",
            PROJECT["project"]["dependencies"]
            + PROJECT["project"]["optional-dependencies"]["serve"]
            + PROJECT["project"]["optional-dependencies"]["verifier"],
        ),
        (
            "requirements-dev.txt",
            PROJECT["project"]["dependencies"]
            + EXTRAS["serve"]
            + EXTRAS["verifier"]
            + PROJECT["dependency-groups"]["dev"],
        ),
        ("requirements-docs.txt", PROJECT["dependency-groups"]["docs"]),
        ("requirements-browser.txt", PROJECT["dependency-groups"]["browser"]),
        ("requirements-valkey.txt", PROJECT["dependency-groups"]["valkey"]),
        ("requirements-fuzz.txt", PROJECT["dependency-groups"]["fuzz"]),
        ("requirements-load.txt", PROJECT["dependency-groups"]["load"]),
        ("requirements-deploy.txt", PROJECT["dependency-groups"]["deploy"]),
        ("requirements-package.txt", PROJECT["dependency-groups"]["package"]),
    ],
)
def test_a_lock_file_holds_what_the_project_declares(lock, declared):
    names = {re.match(r"[a-z0-9.-]+", each)[0] for each in declared}
    assert names <= pinned(ROOT / lock).keys()


def test_what_is_deployed_holds_nothing_that_only_serves_verifies_or_tests():
    assert (
        not {"flask-swagger-ui", "gunicorn", "pyjwt", "moto", "pytest", "boto3"}
        & pinned(ROOT / "requirements.txt").keys()
    )


def test_what_is_deployed_with_the_verifier_holds_what_is_without():
    assert pinned(ROOT / "requirements.txt").keys() < pinned(ROOT / "requirements-verifier.txt").keys()


def test_lock_files_of_what_runs_together_agree_on_every_version():
    versions = {}
    separate = {"requirements-deploy.txt"}  # its tools pin an AWS SDK of their own
    for lock in (each for each in LOCKS if each.name not in separate):
        found = {}
        for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            found.setdefault(name, set()).add(version)  # more than one where Pythons differ
        for name, those in found.items():
            assert versions.setdefault(name, those) == those


def test_make_alone_lists_the_commands():
    listed = subprocess.run(["make"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=True).stdout
    phony = set(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\S+)", listed, re.MULTILINE)) == phony


def test_every_product_file_can_be_read_in_one_go():
    files = [
        path
        for package in PROJECT["tool"]["importlinter"]["root_packages"]
        for path in (ROOT / package).rglob("*.py")
    ]
    assert {path.name: lines for path in files if (lines := len(path.read_text().splitlines())) > 200} == {}
