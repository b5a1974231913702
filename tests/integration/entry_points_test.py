"""Entry points: the state after the import, and the imports of a cached GET."""

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.event import EVENT
from support.cache_harness import GENERATION, OLD_GENERATION, InstrumentedDao, make_app
from support.environment import CLEAN, ROOT
from support.fault_proxy import FaultProxy
from support.python_script import output_of
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


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_point_leaves_the_garbage_collector_enabled(entry):
    script = f"""if True:
        import gc, functions.{entry}
        print(gc.isenabled(), gc.get_freeze_count() > 10_000)
    """
    assert output_of(script, ENV).strip() == "True True"


IF_INSTALLED = {"cryptography", "typing_extensions"}
"""Packages that redis-py tries to import. No artifact contains them."""


def modules_of_a_hit(valkey, **changes):
    """Return the modules that are imported for a cached GET, apart from those of the standard library."""
    script = """if True:
        import json, os, sys
        before = set(sys.modules)
        from functions.news import handler
        response = handler(json.loads(os.environ["EVENT"]), None)
        print(response["headers"]["X-Cache"], *sorted(set(sys.modules) - before))
    """
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    make_app(InstrumentedDao(), valkey.url).test_client().get("/news/")
    with FaultProxy(valkey.port) as proxy:
        env = ENV | {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"} | changes
        printed = output_of(script, env).split()
        assert proxy.round_trips == 1
    assert printed[0] == "HIT"
    others = sys.stdlib_module_names | IF_INSTALLED
    modules = {name for name in printed[1:] if name.partition(".")[0] not in others}
    return {name for name in modules if not name.startswith("_")}


def test_a_cached_get_imports_only_the_web_framework_and_the_cache_client(valkey):
    packages = {name.partition(".")[0] for name in modules_of_a_hit(valkey)}
    ours = {"functions", "news", "shared"}
    framework = {"blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}
    assert packages == ours | framework | {"msgspec", "redis", "serverless_wsgi"}


@pytest.mark.skipif(not hasattr(sys, "set_lazy_imports"), reason="lazy imports need Python 3.15")
def test_with_lazy_imports_a_cached_get_imports_these_modules_only(valkey):
    modules = modules_of_a_hit(valkey, AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
    assert sorted(modules) == (Path(__file__).parent / "modules_of_a_hit.txt").read_text().split()


@pytest.mark.skipif(not hasattr(sys, "set_lazy_imports"), reason="lazy imports need Python 3.15")
@pytest.mark.parametrize(
    ("initialization", "is_lazy"),
    [("on-demand", True), ("snap-start", False), ("provisioned-concurrency", False), ("", False)],
)
def test_imports_are_lazy_only_where_the_first_request_waits(initialization, is_lazy):
    script = """if True:
        import sys, functions.news
        print("redis.asyncio" in sys.modules, sys.get_lazy_imports())
    """
    env = {"AWS_LAMBDA_INITIALIZATION_TYPE": initialization, "REDIS_URL": "redis://127.0.0.1"}
    assert output_of(script, ENV | env).split() == [str(not is_lazy), "all" if is_lazy else "normal"]


@pytest.mark.parametrize(("preload", "is_imported"), [("yes", True), ("no", False)])
def test_the_aws_sdk_is_imported_at_startup_only_with_preload(preload, is_imported):
    script = """if True:
        import sys, functions.news
        print("pynamodb" in sys.modules)
    """
    assert output_of(script, ENV | {"PRELOAD": preload}).strip() == str(is_imported)
