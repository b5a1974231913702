"""The tests that `make test` leaves to other targets can be imported, so that they do not rot unseen."""

import subprocess
import sys

from support.environment import CLEAN, ROOT


def test_pytest_collects_the_tests_of_other_targets():
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "tests/deploy", "tests/e2e"]
    done = subprocess.run(command, cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
