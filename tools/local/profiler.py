"""The service with a profile of each request on standard error, for `make run PROFILE=yes`.

Its worker is sync, because a profile under gevent would mix concurrent requests. werkzeug's
ProfilerMiddleware cannot replace it: it prints milliseconds, and nine of the ten most expensive functions of
a cached GET take less than half of one.
"""

import cProfile
import sys
import sysconfig
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from types import CodeType
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.test import run_wsgi_app

from functions.wsgi import app as service

TOP = 10
OURS, PYTHON = f"{Path(__file__).parent.parent.parent}/", f"{sysconfig.get_path('stdlib')}/"


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request and print its profile."""
    profile = cProfile.Profile()
    body, status, headers = profile.runcall(run_wsgi_app, service, environ, buffered=True)
    print(_report(profile, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}: {status}"), file=sys.stderr)
    start_response(status, list(headers))
    return body


def _report(profile: cProfile.Profile, request: str) -> str:
    """Return the functions with the most time of their own, in microseconds. Profiling itself takes time."""
    entries = sorted(profile.getstats(), key=attrgetter("inlinetime"), reverse=True)
    total = sum(each.inlinetime for each in entries)
    lines = [f"{request}, {total * 1e6:.0f} µs", "     own   in all   calls"]
    for each in entries[:TOP]:
        times = f"{each.inlinetime * 1e6:8.0f} {each.totaltime * 1e6:8.0f} {each.callcount:7}"
        lines.append(f"{times}  {_name(each.code)}")
    return "\n".join(lines)


def _name(code: CodeType | str) -> str:
    if isinstance(code, str):  # not written in Python
        return code
    file = code.co_filename.rpartition("site-packages/")[2].removeprefix(OURS).removeprefix(PYTHON)
    return f"{file}:{code.co_firstlineno} {code.co_qualname}"
