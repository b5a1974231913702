"""`make lint`'s look at known vulnerabilities: what counts as clean, as skipped, and as found."""

import json
import subprocess
import sys

import pytest
from conftest import CLEAN, ROOT

from tools.audit import verdict

FINE = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": [], "aliases": []}]}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "passes", "says"),
    [
        ([FINE], True, "1 packages, no known vulnerability"),
        ([FINE, BAD], False, "flask 0.1: PYSEC-1"),
        ([UNKNOWN, BAD], False, "flask 0.1: PYSEC-1"),
        ([FINE, UNKNOWN], True, "skipped: 1 of 2 can't be looked up here"),
    ],
)
def test_only_what_was_looked_up_is_called_clean(packages, passes, says):
    found = verdict(json.dumps({"dependencies": packages, "fixes": []}).encode())
    assert found.passes is passes
    assert says in found.text


def test_without_a_report_the_audit_is_skipped():
    assert verdict(b"").text.startswith("skipped: no service")


def test_offline_the_command_says_that_it_skips_and_does_not_fail():
    done = subprocess.run(
        [sys.executable, "-m", "tools.audit"],
        cwd=ROOT,
        env=CLEAN | {"HTTPS_PROXY": "http://127.0.0.1:1", "PIP_AUDIT_NO_CACHE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("audit: ")
