"""Coverage-guided fuzzing of the Lambda adapter and the cursor decoder with atheris, for `make fuzz`.

    python -m support.atheris_targets adapter|cursor SECONDS

The exit code is 0, or 77 if atheris finds an undeclared exception.
"""

import base64
import contextlib
import json
import logging
import sys

import atheris

with atheris.instrument_imports(include=["shared", "serverless_wsgi"]):
    from shared import pagination as cursor
    from shared.errors import InvalidInput
    from shared.lambda_adapter.events import NotHttp
    from shared.lambda_adapter.handler import make_handler
    from support.event_builders import ENCODERS, Request
    from support.sample_apps import mirror_app

handler = make_handler(mirror_app())
EVENTS = [
    encode(Request("POST", "/a%20b", "c=1", (("Cookie", "d=1"),), b"e")) for encode in ENCODERS.values()
]


def fuzz_adapter(data):
    """Send a valid event with one part replaced, or any JSON."""
    provider = atheris.FuzzedDataProvider(data)
    event = json.loads(json.dumps(provider.PickValueInList(EVENTS)))
    parent = event["requestContext"] if provider.ConsumeBool() else event
    name = provider.PickValueInList(sorted(parent))
    text = provider.ConsumeUnicode(provider.ConsumeIntInRange(0, 200))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if provider.ConsumeBool():
        parent[name] = value
    elif isinstance(parent[name], dict):
        parent[name][text[:20]] = value
    else:
        event = value
    try:
        response = handler(event, None)
    except NotHttp:
        return
    if response:
        json.dumps(response, ensure_ascii=False).encode()


def fuzz_cursor(data):
    """Decode any text, any bytes in base64, and any sort key in a valid cursor."""
    provider = atheris.FuzzedDataProvider(data)
    choice = provider.ConsumeIntInRange(0, 2)
    if choice == 0:
        text = provider.ConsumeUnicode(600)
    elif choice == 1:
        text = base64.urlsafe_b64encode(provider.ConsumeBytes(400)).decode().rstrip("=")
    else:
        text = cursor.encode({}, provider.ConsumeUnicodeNoSurrogates(400))
    with contextlib.suppress(InvalidInput):
        cursor.decode(text, {}, "[a-z]+")


if __name__ == "__main__":
    logging.disable()
    target = {"adapter": fuzz_adapter, "cursor": fuzz_cursor}[sys.argv[1]]
    options = [f"-max_total_time={sys.argv[2]}", "-max_len=1024", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()
