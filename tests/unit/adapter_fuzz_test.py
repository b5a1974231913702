"""The Lambda guard and the cursor decoder on anything: no exception but the declared ones.

FUZZ_SECONDS is how long atheris takes for each; `make fuzz` sets it, and without it atheris does not run.
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
from support.event_builders import ENCODERS, Sent, got_from

SECONDS = os.environ.get("FUZZ_SECONDS")
handler = make_handler(sample_apps.mirror_app())

samples = [encode(Sent("POST", "/a", "b=1", (("Cookie", "a=1"),), b"x")) for encode in ENCODERS.values()]
names = st.sampled_from(sorted({name for event in samples for name in (*event, *event["requestContext"])}))
texts = st.text(max_size=8) | st.sampled_from(["2.0", "1.0", "/", "GET", "%", "\ud800", "\x00", "a\r\nb"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(names | texts, children, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(names, values) | values)
def test_an_event_made_of_anything_is_answered_or_refused(event):
    try:
        answer = handler(event, None)
    except NotHttp:
        return
    assert got_from(answer).status in {200, 400}
    json.dumps(answer, ensure_ascii=False).encode()


@pytest.mark.skipif(not SECONDS, reason="atheris runs in `make fuzz`")
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="no atheris for this Python or machine")
@pytest.mark.parametrize("target", ["guard", "cursor"])
def test_atheris_finds_no_other_exception(target, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "atheris_targets", target, SECONDS],
        cwd=tmp_path,  # where it leaves what it found
        env=CLEAN | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [runs] = re.findall(r"number_of_executed_units: (\d+)", done.stderr)
    print(f"\natheris, {target}: {runs} runs in {SECONDS} s, nothing found")
    assert int(runs) > 0
