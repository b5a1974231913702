"""Coverage-guided fuzz of the Lambda guard and of the cursor decoder, with atheris: for `make fuzz`.

    python -m atheris_targets guard|cursor SECONDS

Ends with 0 where nothing was raised but what is declared, and with 77 where atheris finds more.
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
    from support.event_builders import ENCODERS, Sent
    from support.sample_apps import mirror_app

handler = make_handler(mirror_app())
EVENTS = [encode(Sent("POST", "/a%20b", "c=1", (("Cookie", "d=1"),), b"e")) for encode in ENCODERS.values()]


def guard(data):
    """An event as it might come, with a part of it replaced, or any JSON at all."""
    given = atheris.FuzzedDataProvider(data)
    event = json.loads(json.dumps(given.PickValueInList(EVENTS)))
    place = event["requestContext"] if given.ConsumeBool() else event
    name = given.PickValueInList(sorted(place))
    text = given.ConsumeUnicode(given.ConsumeIntInRange(0, 200))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if given.ConsumeBool():
        place[name] = value
    elif isinstance(place[name], dict):
        place[name][text[:20]] = value
    else:
        event = value
    try:
        answer = handler(event, None)
    except NotHttp:
        return
    if answer:
        json.dumps(answer, ensure_ascii=False).encode()


def decode(data):
    """Any text as a cursor, any bytes in base64, and any position after what a cursor begins with."""
    given = atheris.FuzzedDataProvider(data)
    kind = given.ConsumeIntInRange(0, 2)
    if kind == 0:
        text = given.ConsumeUnicode(600)
    elif kind == 1:
        text = base64.urlsafe_b64encode(given.ConsumeBytes(400)).decode().rstrip("=")
    else:
        text = cursor.encode({}, given.ConsumeUnicodeNoSurrogates(400))
    with contextlib.suppress(InvalidInput):
        cursor.decode(text, {}, "[a-z]+")


if __name__ == "__main__":
    logging.disable()
    target = {"guard": guard, "cursor": decode}[sys.argv[1]]
    options = [f"-max_total_time={sys.argv[2]}", "-max_len=1024", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()
