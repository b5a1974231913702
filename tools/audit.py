"""`make lint`: look up what is deployed among the known vulnerabilities, where there is a way to."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

LOCK = Path(__file__).parent.parent / "requirements-verifier.txt"  # with all of requirements.txt in it
SECONDS = 60

OPTIONS = ("--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=5")
"""An exception goes here: `--ignore-vuln=ID`, with the reason beside it. There is none."""


class Vulnerability(msgspec.Struct):
    """One that is known."""

    id: str


class Package(msgspec.Struct):
    """What pip-audit says of a package; one with a `skip_reason` was not looked up."""

    name: str
    version: str = ""
    vulns: list[Vulnerability] = []
    skip_reason: str = ""


class Report(msgspec.Struct):
    """What pip-audit prints as JSON."""

    dependencies: list[Package]


class Verdict(NamedTuple):
    """Whether the lock file passes, and what to tell."""

    passes: bool
    text: str


def verdict(output: bytes) -> Verdict:
    """Judge what pip-audit printed; what it could not look up is not called clean."""
    try:
        packages = msgspec.json.decode(output, type=Report).dependencies
    except msgspec.DecodeError:  # it ended before it had a report
        return Verdict(passes=True, text="skipped: no service of vulnerabilities is in reach")
    known = [f"{each.name} {each.version}: {vuln.id}" for each in packages for vuln in each.vulns]
    if known:
        return Verdict(passes=False, text="known vulnerabilities:\n" + "\n".join(known))
    skipped = [each.name for each in packages if each.skip_reason]
    if skipped:
        return Verdict(
            passes=True, text=f"skipped: {len(skipped)} of {len(packages)} can't be looked up here"
        )
    return Verdict(passes=True, text=f"{len(packages)} packages, no known vulnerability")


def main() -> None:
    """Audit the lock file; exit code 1 where a vulnerability is known."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), *OPTIONS]
    try:
        output = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS).stdout
    except subprocess.TimeoutExpired:
        output = b""
    passes, text = verdict(output)
    print(f"audit: {text}")
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
