"""`make load`: what it sends, the service responses, and it leaves the table as it was."""

import re
import subprocess

import pytest
import requests

from support.environment import CLEAN, ROOT
from support.local_run import LocalRun


def test_readers_and_writers_succeed_and_leave_no_items(tmp_path):
    command = ["make", "load", "HEADLESS=1", "TIME=4s", "USERS=20"]
    with LocalRun(tmp_path) as run:
        before = requests.get(f"{run.url}/news/?limit=100", timeout=10).json()["items"]
        done = subprocess.run(
            command, cwd=ROOT, env=CLEAN | run.environment, capture_output=True, text=True, check=False
        )
        if not list(ROOT.glob(".venv*-load/ready")):
            pytest.skip(f"locust can't be installed here: {done.stdout}{done.stderr}")
        after = requests.get(f"{run.url}/news/?limit=100", timeout=10).json()["items"]
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for method, name in (
        ("GET", "/news/"),
        ("POST", "/news/"),
        ("PUT", "/news/<id>"),
        ("DELETE", "/news/<id>"),
    ):
        assert re.search(rf"^{method} +{name} +[1-9]\d* +0\(", said, re.MULTILINE), (
            f"{method} {name} in {said}"
        )
    assert [item["id"] for item in after if item["source"] != "load.example.com"] == [
        item["id"] for item in before
    ]
