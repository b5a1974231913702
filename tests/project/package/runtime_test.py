"""Artifacts run in Lambda's Python and runtime: DynamoDB, the cache and the verifier."""

import json
import subprocess

import pytest
from botocore.session import Session

from support.artifacts import CREATE, HEALTH, LIST, invoke_handler, locked, run_isolated
from support.environment import ROOT, settings_for
from support.event_builders import Request, http_api_2
from support.lambda_emulator import HERE, invoke, make_runtime
from tools.local.lambda_runtime import serving
from tools.local.tables import create_tables
from tools.package.builder import build

ENDPOINTS = """
import sys
sys.path.insert(0, sys.argv[1])
from botocore.session import Session
for region in sys.argv[2:]:
    client = Session().create_client("dynamodb", region_name=region)
    print(client.meta.endpoint_url, client.meta.partition)
"""

SIGN_IN = """
import sys
sys.path.insert(0, sys.argv[1])
from shared.config import Settings
from shared.cache.redis_iam import IamCredentials
print(*IamCredentials(Settings.from_env()).get_credentials())
"""

VERIFIER = """
import sys
sys.path.insert(0, sys.argv[1])
import shared.auth.tokens
print("ready")
"""


def test_artifact_creates_and_lists_news(python, unpacked, moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, "NEWS_TABLE": settings.table("news")}
    created, listed = invoke_handler(python, unpacked, CREATE, LIST, **env)
    assert created["statusCode"] == 201
    assert json.loads(listed["body"])["items"] == [json.loads(created["body"])]


def test_artifact_finds_dynamodb_endpoints_in_every_partition(python, unpacked):
    regions = ["eu-central-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "xx-new-1", "local"]
    clients = [Session().create_client("dynamodb", region_name=region) for region in regions]
    expected = [f"{each.meta.endpoint_url} {each.meta.partition}" for each in clients]
    assert run_isolated(python, ENDPOINTS, unpacked, *regions).splitlines() == expected


def test_artifact_signs_cache_tokens(python, unpacked):
    url = "rediss://news.serverless.euc1.cache.amazonaws.com:6379"
    env = {"REDIS_URL": url, "REDIS_IAM_USER": "news-user", "REDIS_IAM_CACHE": "news"}
    user, token = run_isolated(python, SIGN_IN, unpacked, **env).split()
    assert user == "news-user"
    assert token.startswith("news/?Action=connect&User=news-user&ResourceType=ServerlessCache&")


def test_artifact_runs_in_lambdas_runtime(python, unpacked, moto_url, valkey, tmp_path):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {
        "AWS_ENDPOINT_URL_DYNAMODB": moto_url,
        "NEWS_TABLE": settings.table("news"),
        "REDIS_URL": valkey.url,
    }
    runtime = make_runtime(unpacked, tmp_path / "runtime")
    with serving("functions.news.handler", env=env, log=tmp_path / "log", runtime=runtime) as url:
        _, created = invoke(url, CREATE)
        item = http_api_2(Request(path=created["headers"]["Location"]))
        read = [invoke(url, item)[1] for _ in range(2)]
    assert [each["headers"]["X-Cache"] for each in read] == ["MISS", "HIT"]
    assert read[0]["body"] == read[1]["body"] == created["body"]


def test_lambdas_runtime_imports_only_from_the_artifact(python, unpacked, tmp_path):
    runtime = make_runtime(unpacked, tmp_path / "runtime")
    with serving("functions.wsgi.app", log=tmp_path / "log", runtime=runtime) as url:
        status, response = invoke(url, HEALTH)
    assert (status, response["errorType"]) == (502, "Runtime.ImportModuleError")


def test_artifact_with_verifier_contains_pyjwt(python, unpacked, tmp_path):
    build("news", HERE, tmp_path / "news", verifier=True)
    installed = {path.name.split("-")[0] for path in (tmp_path / "news").glob("*.dist-info")}
    assert installed == locked(ROOT / "requirements.txt") | {"cffi", "cryptography", "pycparser", "pyjwt"}
    assert run_isolated(python, VERIFIER, tmp_path / "news") == "ready\n"
    with pytest.raises(subprocess.CalledProcessError):
        run_isolated(python, VERIFIER, unpacked)
