"""Runs Python code in a process of its own, where nothing is imported yet."""

import subprocess
import sys

from support.environment import CLEAN, ROOT


def output_of(script, env=CLEAN):
    """Return the standard output of the code, which must succeed."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
