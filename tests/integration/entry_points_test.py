"""The entry points: what importing one leaves behind, and what it takes to answer from the cache."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.event import EVENT
from support.cache_harness import GENERATION, OLD_GENERATION, InstrumentedDao, make_app
from support.environment import CLEAN, ROOT
from support.fault_proxy import FaultProxy
from tools.local.tables import LOCAL_NAMES

ENV = (
    CLEAN
    | LOCAL_NAMES
    | {
        "STAGE": "local",
        "AWS_REGION": "us-east-1",
        "PATH": os.environ["PATH"],
        "EVENT": json.dumps(EVENT),
    }
)
ENTRIES = sorted(path.stem for path in (ROOT / "functions").glob("[a-z]*.py"))


def said(script, **env):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=ENV | env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_point_leaves_the_collector_of_garbage_on(entry):
    script = f"""if True:
        import gc, functions.{entry}
        print(gc.isenabled(), gc.get_freeze_count() > 10_000)
    """
    assert said(script).strip() == "True True"


def test_a_cached_get_imports_the_web_framework_the_cache_and_nothing_else(valkey):
    script = """if True:
        import json, os, sys
        before = set(sys.modules)
        from functions.news import handler
        answer = handler(json.loads(os.environ["EVENT"]), None)
        packages = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(answer["headers"]["X-Cache"], *sorted(packages - sys.stdlib_module_names))
    """
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    make_app(InstrumentedDao(), valkey.url).test_client().get("/news/")
    with FaultProxy(valkey.port) as proxy:
        found = said(script, REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0").split()
        assert proxy.round_trips == 1
    ours = {"functions", "news", "shared"}
    framework = {"blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}
    if_installed = {"cryptography", "typing_extensions"}  # which redis-py tries, and no artefact has
    assert found[0] == "HIT"
    assert set(found[1:]) - if_installed == ours | framework | {"msgspec", "redis", "serverless_wsgi"}


@pytest.mark.parametrize(("preload", "loaded"), [("yes", True), ("no", False)])
def test_the_aws_sdk_is_loaded_at_the_start_only_where_that_is_asked_for(preload, loaded):
    script = """if True:
        import sys, functions.news
        print("pynamodb" in sys.modules)
    """
    assert said(script, PRELOAD=preload).strip() == str(loaded)
