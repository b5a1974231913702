"""openapi.json is up to date and complete, and the running service conforms to it.

FUZZ_CASES is the minimum number of generated requests; `make fuzz` sets it.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from uuid import uuid4

import msgspec
import pytest
import requests
import schemathesis

from support.dynamodb_proxy import Proxy, throttled
from support.environment import CLEAN, ROOT, UNMEASURED
from support.local_run import LocalRun
from support.python_script import output_of
from tools.local.processes import free_port
from tools.openapi.generator import FILE
from tools.package.sources import list_modules

OPENAPI = json.loads(FILE.read_text())
CASES = int(os.environ.get("FUZZ_CASES", "60"))
GATEWAY_ERROR = {"$ref": "#/components/schemas/GatewayError"}
DOCUMENTED = {
    (method.upper(), path, int(status))
    for path, operations in OPENAPI["paths"].items()
    for method, operation in operations.items()
    for status, response in operation["responses"].items()
    if [each["schema"] for each in response.get("content", {}).values()] != [GATEWAY_ERROR]
}
"""The statuses of the service: without those that only API Gateway returns."""
OF_RATE_LIMIT = {each for each in DOCUMENTED if each[2] == 429}
SCOPES = " ".join(sorted({f"{module}:write" for module in list_modules()}))


@pytest.fixture(scope="module")
def proxy(moto_url):
    with Proxy(moto_url) as started:
        yield started


@pytest.fixture(scope="module")
def local(proxy, tmp_path_factory):
    env = {"AWS_ENDPOINT_URL_DYNAMODB": proxy.url, "NEWS_TABLE": f"news-{free_port()}"}
    with LocalRun(tmp_path_factory.mktemp("run"), **env) as started:
        yield started


def test_the_openapi_document_is_up_to_date(tmp_path):
    code = "from tools.openapi.generator import build_document; print(build_document(), end='')"
    assert output_of(code) == FILE.read_text(), "run make openapi"


def test_every_unsafe_operation_is_secured_and_no_other():
    for operations in OPENAPI["paths"].values():
        for method, operation in operations.items():
            secured = operation.get("security") == [{"token": [f"{operation['tags'][0]}:write"]}]
            assert secured == (method != "get")
            assert {"401", "403"} <= operation["responses"].keys() or not secured


def test_every_reference_resolves():
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', FILE.read_text()):
        target = OPENAPI
        for part in reference.split("/"):
            target = target[part]


def patterns(schema):
    """Yield every pattern in a schema."""
    if isinstance(schema, dict):
        yield from ([schema["pattern"]] if isinstance(schema.get("pattern"), str) else [])
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from patterns(item)


def test_every_pattern_is_valid_in_ecma_262():
    r"""No pattern has Python's `\Z`, which matches a Z in ECMA-262."""
    documented_patterns = set(patterns(OPENAPI))
    assert "^[A-Za-z0-9-]+$" in documented_patterns
    assert not [pattern for pattern in documented_patterns if re.search(r"\\[AZz]|\(\?[P<#i]", pattern)]


@pytest.mark.parametrize("module", list_modules())
def test_no_pattern_of_a_model_accepts_a_trailing_line_break(module):
    types = vars(import_module(f"{module}.model")).values()
    structs = [value for value in types if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    _, schemas = msgspec.json.schema_components(structs)
    assert not [pattern for pattern in patterns(schemas) if pattern.endswith("$")]


class Recorder:
    """Sends requests, validates each response against openapi.json, and records the statuses."""

    def __init__(self, local):
        self.url, self.statuses = local.url, set()
        self.schema = schemathesis.openapi.from_dict(OPENAPI)
        self.tokens = {"writer": local.token(SCOPES), "reader": local.token("news:read"), "anonymous": None}

    def __call__(self, method, target, *, caller="writer", **options):
        headers = options.pop("headers", {})
        if self.tokens[caller] and method != "GET":
            headers = headers | {"Authorization": f"Bearer {self.tokens[caller]}"}
        response = requests.request(method, self.url + target, headers=headers, timeout=30, **options)
        path = documented(target.partition("?")[0])
        self.schema[path][method].validate_response(response)
        self.statuses.add((method, path, response.status_code))
        return response


def documented(target):
    """Return the path in openapi.json that matches a target."""
    patterns = {path: re.sub(r"\{\w+\}", "[^/]+", path) for path in OPENAPI["paths"]}
    return next(path for path, pattern in patterns.items() if re.fullmatch(pattern, target))


def target_of(path):
    """Return a target that matches a path in openapi.json, with a new id."""
    return re.sub(r"\{\w+\}", str(uuid4()), path)


def test_every_documented_status_occurs_and_every_response_is_documented(local, proxy):
    send = Recorder(local)
    send("GET", "/health?x=1")
    send("GET", "/health")
    send("GET", "/health?deep=1")  # 503 if a busy machine takes more than a second
    for module in list_modules():
        import_module(f"support.{module}_cases").send_every_request(send, proxy)
    proxy.fault = lambda *_: throttled()
    send("GET", "/health?deep=1")
    proxy.fault = lambda *_: None
    for method, path in {each[:2] for each in DOCUMENTED}:
        send(method, f"{target_of(path)}?x={'x' * 5000}")
        send(method, target_of(path), headers={"X-Long": "x" * 9000})
    assert send.statuses == DOCUMENTED - OF_RATE_LIMIT


def test_a_request_beyond_the_rate_limit_gets_a_documented_response(local, proxy, valkey, tmp_path):
    send = Recorder(local)
    env = {"AWS_ENDPOINT_URL_DYNAMODB": proxy.url, "NEWS_TABLE": f"news-{free_port()}", "RATE_LIMIT": "1"}
    with LocalRun(tmp_path, **env) as limited:
        send.url = limited.url
        for method, path, _ in OF_RATE_LIMIT:
            while send(method, target_of(path)).status_code != 429:
                pass
    assert OF_RATE_LIMIT <= send.statuses <= DOCUMENTED
    assert {path for _, path, _ in DOCUMENTED - OF_RATE_LIMIT} - {path for _, path, _ in OF_RATE_LIMIT} == {
        "/health"
    }


def test_generated_requests_get_documented_responses(local, tmp_path):
    """All checks of Schemathesis: no 5xx, and no undocumented status, header or body."""
    operations = sum(len(methods) for methods in OPENAPI["paths"].values())
    record = tmp_path / "har.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(FILE), "--url", local.url]
    command += ["--checks", "all", "--max-examples", str(CASES // operations), "--workers", "1"]
    command += ["--header", f"Authorization: Bearer {local.token(SCOPES)}", "--request-timeout", "30"]
    command += ["--report", "har", "--report-har-path", str(record), "--continue-on-failure"]
    env = (
        CLEAN
        | UNMEASURED
        | {
            "SCHEMATHESIS_HOOKS": "support.fuzz_hooks",
            "PYTHONPATH": str(ROOT / "tests"),
            "NO_COLOR": "1",
        }
    )
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads(record.read_text())["log"]["entries"]
    statuses = Counter(entry["response"]["status"] for entry in entries)
    print(f"\n{len(entries)} requests, by status: {dict(sorted(statuses.items()))}")
    assert len(entries) >= CASES
    assert max(statuses) < 500
