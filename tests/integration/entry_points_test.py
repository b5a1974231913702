"""Entry points: the state after the import, and the imports of a cached GET."""

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


def output_of(script, **env):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=ENV | env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_point_leaves_the_garbage_collector_enabled(entry):
    script = f"""if True:
        import gc, functions.{entry}
        print(gc.isenabled(), gc.get_freeze_count() > 10_000)
    """
    assert output_of(script).strip() == "True True"


def test_a_cached_get_imports_only_the_web_framework_and_the_cache_client(valkey):
    script = """if True:
        import json, os, sys
        before = set(sys.modules)
        from functions.news import handler
        response = handler(json.loads(os.environ["EVENT"]), None)
        packages = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(response["headers"]["X-Cache"], *sorted(packages - sys.stdlib_module_names))
    """
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    make_app(InstrumentedDao(), valkey.url).test_client().get("/news/")
    with FaultProxy(valkey.port) as proxy:
        printed = output_of(script, REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0").split()
        assert proxy.round_trips == 1
    ours = {"functions", "news", "shared"}
    framework = {"blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}
    if_installed = {
        "cryptography",
        "typing_extensions",
    }  # redis-py tries to import these; no artifact contains them
    assert printed[0] == "HIT"
    assert set(printed[1:]) - if_installed == ours | framework | {"msgspec", "redis", "serverless_wsgi"}


@pytest.mark.parametrize(("preload", "is_imported"), [("yes", True), ("no", False)])
def test_the_aws_sdk_is_imported_at_startup_only_with_preload(preload, is_imported):
    script = """if True:
        import sys, functions.news
        print("pynamodb" in sys.modules)
    """
    assert output_of(script, PRELOAD=preload).strip() == str(is_imported)
