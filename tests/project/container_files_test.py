"""Dockerfile, .dockerignore and compose.yaml match the project. `make e2e` builds and runs them."""

import fnmatch
import os
import re
import subprocess

import pytest
import yaml

from shared.config import Settings
from support.environment import ROOT
from tools.local.tables import LOCAL_NAMES
from tools.package.python import RUNTIMES

DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENTRYPOINT = (ROOT / "entrypoint.sh").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
COPIED = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)


def test_the_dockerfile_copies_existing_files():
    names = {name for line in COPIED for name in line.split()}
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_image_contains_every_module_and_nothing_that_is_not_served(tmp_path):
    """Runs the command of the Dockerfile that selects the files."""
    [command] = re.findall(
        r"^RUN (mkdir /app .*) \\\n && python -m compileall .* /app$", DOCKERFILE, re.MULTILINE | re.DOTALL
    )
    script = command.replace("\\\n", "").replace("/app", str(tmp_path / "app"))
    subprocess.run(["sh", "-c", script], cwd=ROOT, check=True)
    modules = {path.parent.name for path in ROOT.glob("*/controller.py")}
    assert {path.name for path in (tmp_path / "app").iterdir()} == {
        "entrypoint.sh",
        "functions",
        "openapi.json",
        "shared",
        *modules,
    }
    for file in ("entrypoint.sh", "functions/wsgi.py", "news/dao.py", "shared/web/docs.html"):
        assert (tmp_path / "app" / file).read_bytes() == (ROOT / file).read_bytes()
    assert os.access(tmp_path / "app" / "entrypoint.sh", os.X_OK)


def test_every_image_has_the_supported_python_version():
    versions = re.findall(r"python[:]?(\d\.\d+)", DOCKERFILE)
    assert len(versions) > 5
    assert set(versions) == {RUNTIMES[0]}


def test_the_images_start_the_entry_points_of_the_project():
    assert 'ENTRYPOINT ["/app/entrypoint.sh"]' in DOCKERFILE
    port = re.search(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)[1]
    assert f"BIND=0.0.0.0:{port}" in DOCKERFILE
    assert COMPOSE["services"]["news"]["ports"] == [f"127.0.0.1:${{PORT:-8000}}:{port}"]
    assert "requirements/serve.txt" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


@pytest.mark.parametrize("module", ["news", "search"])
def test_the_image_of_a_module_starts_its_handler(module):
    handler = re.search(r'^CMD \["(\w+)\.handler"\]$', DOCKERFILE, re.MULTILINE)[1]
    command = re.search(rf"^RUN (echo .*) > /artifact/{handler}\.py$", DOCKERFILE, re.MULTILINE)[1]
    written = subprocess.run(
        ["sh", "-c", command], env={"MODULE": module}, capture_output=True, text=True, check=True
    )
    assert written.stdout == f"from functions.{module} import handler\n"


@pytest.mark.parametrize(
    "path",
    [".venv", ".venv-lambda", ".local", ".git", ".env", "node_modules", "build", "tests", "README.md"],
)
def test_the_build_context_excludes_what_no_image_needs(path):
    patterns = [
        line for line in (ROOT / ".dockerignore").read_text().split("\n") if line[:1] not in {"", "#"}
    ]
    assert any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
    assert not any(fnmatch.fnmatch(name, pattern) for name in ("functions", "tools") for pattern in patterns)


def test_compose_uses_known_settings_and_existing_targets():
    services = COMPOSE["services"]
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    assert {services[name]["build"]["target"] for name in ("news", "setup")} <= targets
    settings = Settings.from_env(services["setup"]["environment"])
    assert settings.dynamodb_endpoint == "http://dynamodb:8000"
    known = set(re.findall(r'"([A-Z_]{3,})"', (ROOT / "shared" / "config" / "settings.py").read_text()))
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *LOCAL_NAMES}
    environment = services["news"]["environment"]
    assert set(environment) <= known
    assert {name: environment[name] for name in LOCAL_NAMES} == LOCAL_NAMES


def test_the_stop_grace_period_is_longer_than_the_request_timeout():
    timeout = int(re.search(r"TIMEOUT:=(\d+)", ENTRYPOINT)[1])
    assert int(COMPOSE["services"]["news"]["stop_grace_period"].removesuffix("s")) > timeout


def test_data_is_in_a_volume_and_only_the_service_publishes_a_port():
    services = COMPOSE["services"]
    [volume] = services["dynamodb"]["volumes"]
    assert volume.split(":") == ["data", services["dynamodb"]["command"][-1]]
    assert [name for name, service in services.items() if "ports" in service] == ["news"]
    assert all(port.startswith("127.0.0.1:") for port in services["news"]["ports"])
