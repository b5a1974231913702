"""An HTTP proxy in front of DynamoDB that injects faults before or after a request is processed."""

import json
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import requests

from support.http_server import HttpServer

DROP_RESPONSE = "lost"
"""Returned by a fault: forward the request and drop the response."""


class StubResponse(NamedTuple):
    """Returned by a fault: send this response. Its Content-Length may be longer than the body."""

    status: int
    body: bytes
    headers: dict = {}  # noqa: RUF012


class PartialBatch(NamedTuple):
    """Returned by a fault: forward `body` and report `left` as unprocessed."""

    body: bytes
    left: dict


class Proxy(HttpServer):
    """Forwards requests unless `fault(operation, request)` returns a fault, or a status and a body.

    Attributes:
        operations: names of the received operations.
        items_read: sum of the ScannedCount of all queries.
    """

    request_queue_size = 128  # a connection that finds the queue full waits for a second

    def __init__(self, target):
        super().__init__(ProxyHandler)
        self.target, self.fault, self.faults, self.operations = target, lambda *_: None, 0, []
        self.items_read = 0

    def split(self, table, taken, left):
        """Return a fault that processes part of a batch and leaves the rest unprocessed."""
        body = json.dumps({"RequestItems": {table: taken}}).encode()
        return PartialBatch(body, {table: left} if left else {})

    def handle_error(self, *_):
        """Ignore connections closed by killed clients."""


class ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.session = requests.Session()

    def finish(self):
        self.session.close()
        super().finish()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.operations.append(operation)
        fault = self.server.fault(operation, json.loads(body))
        if fault:
            self.server.faults += 1
        if fault == DROP_RESPONSE:
            self.forward(body)
            self.close_connection = True
            return
        headers = {}
        if isinstance(fault, PartialBatch):
            status, response = self.forward(fault.body)
            if status == 200:
                response = json.dumps({"UnprocessedItems": fault.left}).encode()
        else:
            status, response, *extra = fault or self.forward(body)
            headers |= extra[0] if extra else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(response)))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(response)

    def forward(self, body):
        headers = {name: value for name, value in self.headers.items() if name != "Content-Length"}
        response = self.session.post(self.server.target, body, headers=headers, timeout=10)
        if b'"ScannedCount"' in response.content:
            self.server.items_read += response.json()["ScannedCount"]
        return response.status_code, response.content

    def log_message(self, *_):
        pass


def throttled(code="ProvisionedThroughputExceededException"):
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "by design"}
    return 400, json.dumps(body).encode()
