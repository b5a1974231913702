"""The tests that `make test` leaves to other targets can be imported, so that they do not rot unseen."""

import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT


@pytest.mark.parametrize("folder", ["tests/deploy", "tests/e2e"])
def test_pytest_collects_the_tests_of_other_targets(folder):
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", folder]
    done = subprocess.run(command, cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
