"""`make lint`: look up what is served and deployed among the known vulnerabilities, with pip-audit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements/serve.txt")
"""The lock files of the Lambda artifacts and of the gunicorn image."""

SECONDS = 120
OPTIONS = ("--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=5")
"""An exception goes here: `--ignore-vuln=ID`, with the reason beside it. There is none."""


class Verdict(NamedTuple):
    """The exit code, and one line for each thing to say."""

    code: int
    text: str


def verdict(output: bytes, *, is_required: bool) -> Verdict:
    """Judge pip-audit's report; it is empty where pip-audit could not make one.

    Args:
        output: pip-audit's report in JSON.
        is_required: whether an audit that was skipped, as a whole or for one package, is a failure.
    """
    packages = json.loads(output or "{}").get("dependencies", [])
    known = [
        f"{each['name']} {each['version']}: {found['id']}"
        for each in packages
        for found in each.get("vulns", [])
    ]
    if known:
        return Verdict(1, "known vulnerabilities:\n" + "\n".join(known))
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if not packages:
        return Verdict(int(is_required), "skipped: no service is in reach")
    if skipped:
        text = f"skipped: {len(skipped)} of {len(packages)} packages can't be looked up here"
        return Verdict(int(is_required), text)
    return Verdict(0, f"{len(packages)} packages, no known vulnerability")


def main() -> None:
    """Audit the lock files; with AUDIT_REQUIRED=yes an audit that has to be skipped fails."""
    locks = [f"--requirement={ROOT / lock}" for lock in LOCKS]
    command = [sys.executable, "-m", "pip_audit", *locks, *OPTIONS]
    try:
        output = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS).stdout
    except subprocess.TimeoutExpired:
        output = b""
    code, text = verdict(output, is_required=os.environ.get("AUDIT_REQUIRED") == "yes")
    print(f"audit: {text}")
    sys.exit(code)


if __name__ == "__main__":
    main()
