"""Settings that are references to Secrets Manager and Systems Manager, on moto's server."""

import subprocess
import sys

import boto3
import pytest
from moto.server import ThreadedMotoServer

from shared.config import Settings, SettingsError
from support.config_values import REQUIRED
from support.environment import ROOT

URL = "rediss://user:secret-1@cache.example.com:6379/0"


@pytest.fixture(scope="module")
def endpoint():
    """The URL of an AWS with a secret and a parameter."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    access = {"endpoint_url": url, "region_name": "eu-central-1"}
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    secrets = boto3.client("secretsmanager", **access, **keys)
    secrets.create_secret(Name="news/dev/redis-url", SecretString=URL)
    secrets.create_secret(Name="news/dev/binary", SecretBinary=b"x")
    ssm = boto3.client("ssm", **access, **keys)
    ssm.put_parameter(Name="/news/dev/redis-url", Value=URL, Type="SecureString")
    ssm.put_parameter(Name="/news/dev/level", Value="debug", Type="String")
    yield url
    server.stop()


@pytest.fixture
def aws(endpoint, monkeypatch):
    """The endpoint and credentials, as Lambda sets them: in the environment."""
    variables = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def read(**variables):
    return Settings.from_env(REQUIRED | variables)


@pytest.mark.parametrize("reference", ["secretsmanager:news/dev/redis-url", "ssm:/news/dev/redis-url"])
def test_a_reference_is_resolved(aws, reference):
    assert read(REDIS_URL=reference).redis_url == read(REDIS_URL=URL).redis_url


def test_every_setting_can_be_a_reference(aws):
    assert read(LOG_LEVEL="ssm:/news/dev/level").log_level == "DEBUG"
    assert read(NEWS_TABLE="ssm:/news/dev/level").table("news") == "debug"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("secretsmanager:news/dev/no-such", "cannot read secretsmanager:news/dev/no-such: An error occurred"),
        ("ssm:/news/dev/no-such", "cannot read ssm:/news/dev/no-such: An error occurred"),
        ("secretsmanager:news/dev/binary", "secretsmanager:news/dev/binary has no text"),
        ("ssm:/news/dev/level", "must be a URL such as redis"),
    ],
)
def test_an_unusable_reference_is_an_error_that_names_the_setting(aws, reference, reason):
    with pytest.raises(SettingsError) as error:
        read(REDIS_URL=reference)
    assert str(error.value).startswith(f"REDIS_URL: {reason}")
    assert "debug" not in str(error.value)


def test_a_server_does_not_start_with_a_reference_that_nobody_can_read(aws):
    env = REQUIRED | aws | {"REDIS_URL": "ssm:/news/dev/no-such"}
    command = [sys.executable, "-m", "shared.config"]
    start = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert start.returncode == 1
    assert start.stderr.startswith("settings: REDIS_URL: cannot read ssm:/news/dev/no-such: ")
    assert start.stderr.count("\n") == 1


def test_without_a_reference_the_aws_sdk_is_not_imported():
    code = "import sys; import shared.config as c; c.Settings.from_env(); sys.exit('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=REQUIRED, check=False, timeout=60)
    assert done.returncode == 0
