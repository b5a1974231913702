"""`make lint`'s look at known vulnerabilities: what counts as clean, as skipped, and as found."""

import json
import re
import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT
from tools.audit import LOCKS, verdict

FINE = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": [], "aliases": []}]}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "required", "says"),
    [
        ([FINE], 0, 0, "1 packages, no known vulnerability"),
        ([FINE, BAD], 1, 1, "flask 0.1: PYSEC-1"),
        ([UNKNOWN, BAD], 1, 1, "flask 0.1: PYSEC-1"),
        ([FINE, UNKNOWN], 0, 1, "skipped: 1 of 2 packages can't be looked up here"),
        ([UNKNOWN], 0, 1, "skipped: 1 of 1 packages can't be looked up here"),
        ([], 0, 1, "skipped: no service is in reach"),
    ],
)
def test_only_what_was_looked_up_is_called_clean(packages, code, required, says):
    output = json.dumps({"dependencies": packages, "fixes": []}).encode()
    for is_required, expected in ((False, code), (True, required)):
        found = verdict(output, is_required=is_required)
        assert found.code == expected
        assert says in found.text


def test_without_a_report_the_audit_is_skipped():
    assert verdict(b"", is_required=False) == (0, "skipped: no service is in reach")
    assert verdict(b"", is_required=True) == (1, "skipped: no service is in reach")


def test_the_audit_covers_what_is_served_and_what_is_deployed():
    package = (ROOT / "tools" / "package" / "builder.py").read_text()
    named = re.findall(r'requirements[a-z/]*\.txt(?=[" ])', (ROOT / "Dockerfile").read_text() + package)
    assert set(named) == set(LOCKS)


@pytest.mark.parametrize(("required", "code"), [("", 0), ("no", 0), ("yes", 1)])
def test_offline_the_command_skips_in_one_line_and_fails_only_where_it_is_required(required, code):
    offline = {"HTTPS_PROXY": "http://127.0.0.1:1", "PIP_AUDIT_NO_CACHE": "1", "XDG_CACHE_HOME": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "tools.audit"],
        cwd=ROOT,
        env=CLEAN | offline | {"AUDIT_REQUIRED": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")
    [line] = done.stdout.splitlines()
    assert line.startswith("audit: skipped: ")
