"""Commands that build artifacts, code that runs in one, and the files in it."""

import json
import re
import subprocess
import sys

from support.environment import CLEAN, ROOT
from support.event_builders import Request, http_api_2
from support.lambda_emulator import HERE
from support.project_copy import WITHOUT_COVERAGE
from tools.package.wheels import PLATFORMS

OTHER_ARCH = next(arch for arch in PLATFORMS if arch != HERE)

WRITER = {"jwt": {"claims": {"sub": "7", "scope": "news:write"}, "scopes": ["news:write"]}}
ITEM = {"title": "t", "url": "https://example.com/t", "source": "s", "category": "c"}
CREATE = http_api_2(
    Request("POST", "/news/", "", (("Content-Type", "application/json"),), json.dumps(ITEM).encode()),
    authorizer=WRITER,
)
HEALTH = http_api_2(Request(path="/health"))
LIST = http_api_2(Request(path="/news/"))

HANDLE_EVENTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from functions.news import handler
print(json.dumps([handler(event, None) for event in json.load(sys.stdin)]))
"""


def package(*arguments, **env):
    """Run the builder in this folder."""
    command = [sys.executable, "-m", "tools.package.builder", *arguments]
    return subprocess.run(command, cwd=ROOT, env=CLEAN | env, capture_output=True, text=True, check=False)


def make(folder, *arguments):
    """Run make with a restrictive umask."""
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(
        command, cwd=folder, env=WITHOUT_COVERAGE, umask=0o077, capture_output=True, text=True, check=False
    )


def run_isolated(python, code, folder, *arguments, stdin=None, **env):
    """Run code in Lambda's Python with only its standard library and the folder."""
    settings = {"AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "STAGE": "dev"}
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.run(
        [python, "-I", "-S", "-c", code, folder, *arguments],
        env=settings | secrets | env,
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def invoke_handler(python, folder, *events, **env):
    return json.loads(run_isolated(python, HANDLE_EVENTS, folder, stdin=json.dumps(events), **env))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def locked(lock):
    """Return the packages of a lock file that Lambda's Python on Linux needs."""
    names = re.findall(
        r"^([a-z0-9.-]+)==\S+(?! ; python_full_version < '3.11)", lock.read_text(), re.MULTILINE
    )
    return {name.replace("-", "_") for name in names} - {"async_timeout"}
