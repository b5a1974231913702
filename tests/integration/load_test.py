"""`make load`: every request succeeds, and the table is unchanged afterwards."""

import re
import subprocess

import pytest
import requests

from support.environment import CLEAN, ROOT, UNMEASURED


def test_readers_and_writers_succeed_and_leave_no_items(local):
    command = ["make", "load", "HEADLESS=yes", "TIME=4s", "USERS=20"]
    before = requests.get(f"{local.url}/news/?limit=100", timeout=10).json()["items"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=CLEAN | UNMEASURED | local.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if not list(ROOT.glob(".venv*-load/ready")):
        pytest.skip(f"locust cannot be installed here: {done.stdout}{done.stderr}")
    after = requests.get(f"{local.url}/news/?limit=100", timeout=10).json()["items"]
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    for method, name in (
        ("GET", "/news/"),
        ("POST", "/news/"),
        ("PUT", "/news/<id>"),
        ("DELETE", "/news/<id>"),
    ):
        assert re.search(rf"^{method} +{name} +[1-9]\d* +0\(", output, re.MULTILINE), (
            f"{method} {name} in {output}"
        )
    assert [item["id"] for item in after if item["source"] != "load.example.com"] == [
        item["id"] for item in before
    ]
