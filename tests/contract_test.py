"""openapi.json: up to date, complete, and kept by the running service, whatever it is sent.

FUZZ_CASES is the number of cases to send at least; `make fuzz` sets it.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest
import requests
import schemathesis
from conftest import CLEAN, ROOT
from dynamodb_proxy import Proxy, throttled
from fakes import sent
from local_run import LocalRun

from tools.openapi import FILE
from tools.processes import free_port

CONTRACT = json.loads(FILE.read_text())
CASES = int(os.environ.get("FUZZ_CASES", "150"))
DOCUMENTED = {
    (method.upper(), path, int(status))
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
    for status in operation["responses"]
}
NOBODY = "/news/00000000-0000-5000-8000-000000000001"


@pytest.fixture(scope="module")
def proxy(moto_url):
    with Proxy(moto_url) as started:
        yield started


@pytest.fixture(scope="module")
def local(proxy, tmp_path_factory):
    env = {"AWS_ENDPOINT_URL_DYNAMODB": proxy.url, "NEWS_TABLE": f"news-{free_port()}"}
    with LocalRun(tmp_path_factory.mktemp("run"), **env) as started:
        yield started


def test_the_contract_is_up_to_date(tmp_path):
    code = "from tools.openapi import contract; print(contract(), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=True
    )
    assert done.stdout == FILE.read_text(), "run make openapi"


def test_every_operation_that_changes_something_is_secured_and_no_other():
    for operations in CONTRACT["paths"].values():
        for method, operation in operations.items():
            secured = operation.get("security") == [{"token": ["news:write"]}]
            assert secured == (method != "get")
            assert {"401", "403"} <= operation["responses"].keys() or not secured


def test_every_reference_leads_somewhere():
    for place in re.findall(r'"\$ref": "#/([^"]+)"', FILE.read_text()):
        found = CONTRACT
        for part in place.split("/"):
            found = found[part]


class Recorder:
    """Sends requests, checks each answer against the contract, and keeps which statuses were seen."""

    def __init__(self, local):
        self.url, self.seen = local.url, set()
        self.schema = schemathesis.openapi.from_dict(CONTRACT)
        self.tokens = {"writer": local.token(), "reader": local.token("news:read"), "nobody": None}

    def __call__(self, method, target, *, who="writer", **options):
        headers = options.pop("headers", {})
        if self.tokens[who] and method != "GET":
            headers = headers | {"Authorization": f"Bearer {self.tokens[who]}"}
        answer = requests.request(method, self.url + target, headers=headers, timeout=30, **options)
        path = re.sub(r"^/news/[^?]+", "/news/{news_id}", target.partition("?")[0])
        self.schema[path][method].validate_response(answer)
        self.seen.add((method, path, answer.status_code))
        return answer


def test_every_documented_status_is_seen_and_every_answer_is_as_documented(local, proxy):
    ask = Recorder(local)
    item = ask("POST", "/news/", json=sent("contract")).json()
    place, match = f"/news/{item['id']}", {"If-Match": '"1"'}
    ask("POST", "/news/", json=sent("contract"))
    ask("POST", "/news/", json=sent("contract", title="Other"))
    ask("GET", place)
    ask("GET", "/news/?limit=1")
    for target in (place, "/news/"):
        ask("GET", target, headers={"If-None-Match": "*"})
    ask("GET", NOBODY)
    for method, target, headers in (("POST", "/news/", {}), ("PUT", place, match), ("DELETE", place, match)):
        for who in ("nobody", "reader"):
            ask(method, target, who=who, json=sent(), headers=headers)
        ask(method, f"{target}?x=1", headers=headers)
    for method, target in (("POST", "/news/"), ("PUT", place)):
        ask(method, target, data="{}", headers=match)
        ask(method, target, data=b" " * 70_000, headers=match | {"Content-Type": "application/json"})
    for target in ("/news/", place, "/health"):
        ask("GET", f"{target}?x=1")
    ask("PUT", place, json=sent("contract"))
    ask("PUT", NOBODY, json=sent(), headers=match)
    ask("PUT", place, json=sent("contract"), headers=match)
    ask("PUT", place, json=sent("contract"), headers=match)
    ask("DELETE", place, headers=match)
    ask("GET", "/health?deep=1")
    proxy.fault = lambda *_: throttled()
    try:
        ask("GET", "/health?deep=1")
        ask("GET", "/news/")
        ask("GET", place)
        ask("POST", "/news/", json=sent("down"))
        ask("PUT", place, json=sent("contract"), headers=match)
        ask("DELETE", place, headers=match)
    finally:
        proxy.fault = lambda *_: None
    ask("DELETE", place)
    ask("DELETE", place)
    assert ask.seen == DOCUMENTED


def test_whatever_is_sent_the_service_keeps_to_the_contract(local, tmp_path):
    """Schemathesis, with all its checks: no 5xx, no status, header or body that is not documented."""
    operations = sum(len(each) for each in CONTRACT["paths"].values())
    record = tmp_path / "har.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(FILE), "--url", local.url]
    command += ["--checks", "all", "--max-examples", str(CASES // operations), "--workers", "1"]
    command += ["--header", f"Authorization: Bearer {local.token()}", "--request-timeout", "30"]
    command += ["--report", "har", "--report-har-path", str(record), "--continue-on-failure"]
    env = CLEAN | {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(ROOT / "tests"), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads(record.read_text())["log"]["entries"]
    statuses = Counter(entry["response"]["status"] for entry in entries)
    print(f"\n{len(entries)} requests, by status: {dict(sorted(statuses.items()))}")
    assert len(entries) >= CASES
    assert max(statuses) < 500
