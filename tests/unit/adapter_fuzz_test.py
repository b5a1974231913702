"""Fuzzing of the Lambda adapter and the cursor decoder: only declared exceptions are raised.

FUZZ_SECONDS is the time for each atheris target. `make fuzz` sets it; without it, atheris does not run.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lambda_adapter.events import NotHttp
from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.environment import CLEAN, ROOT
from support.event_builders import ENCODERS, Request, parse_response

SECONDS = os.environ.get("FUZZ_SECONDS")
handler = make_handler(sample_apps.mirror_app())

samples = [encode(Request("POST", "/a", "b=1", (("Cookie", "a=1"),), b"x")) for encode in ENCODERS.values()]
names = st.sampled_from(sorted({name for event in samples for name in (*event, *event["requestContext"])}))
texts = st.text(max_size=8) | st.sampled_from(["2.0", "1.0", "/", "GET", "%", "\ud800", "\x00", "a\r\nb"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(names | texts, children, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(names, values) | values)
def test_any_event_gets_a_response_or_raises_not_http(event):
    try:
        response = handler(event, None)
    except NotHttp:
        return
    assert parse_response(response).status in {200, 400}
    json.dumps(response, ensure_ascii=False).encode()


@pytest.mark.skipif(not SECONDS, reason="atheris runs in `make fuzz`")
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="no atheris for this Python or machine")
@pytest.mark.parametrize("target", ["adapter", "cursor"])
def test_atheris_finds_no_undeclared_exception(target, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "support.atheris_targets", target, SECONDS],
        cwd=tmp_path,  # where atheris writes its findings
        env=CLEAN | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [runs] = re.findall(r"number_of_executed_units: (\d+)", done.stderr)
    print(f"\natheris, {target}: {runs} runs in {SECONDS} s, nothing found")
    assert int(runs) > 0
