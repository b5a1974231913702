"""`make smoke` and operations that belong to no module."""

import json
from http.server import BaseHTTPRequestHandler

from support.http_server import HttpServer
from tools.smoke.run import run

OPERATION = {"responses": {"200": {"description": "found"}}}
NEEDS_ID = OPERATION | {"parameters": [{"in": "query", "name": "id", "required": True}]}
DOCUMENT = {
    "paths": {
        "/health": {"get": OPERATION},
        "/statistics": {"get": OPERATION},
        "/missing": {"get": OPERATION},
        "/search": {"get": NEEDS_ID},
        "/jobs/": {"post": OPERATION},
    }
}


class Service(BaseHTTPRequestHandler):
    """A service without modules and without /missing."""

    def do_GET(self):
        self.send_response_only(404 if self.path == "/missing" else 200)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(json.dumps(DOCUMENT).encode())

    def log_message(self, *_):
        pass


def test_they_are_read_or_listed(capsys):
    with HttpServer(Service) as server:
        assert not run(server.url)
    assert capsys.readouterr().out.splitlines() == [
        "ok       health",
        "FAILED   GET /missing: GET /missing: 404 instead of 200",
        "skipped  GET /search: not an operation that this test knows",
        "ok       GET /statistics",
        "skipped  POST /jobs/: not an operation that this test knows",
        f"smoke: 1 of 5 checks failed at {server.url}",
    ]
