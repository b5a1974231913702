"""A server before a DynamoDB that makes it fail by order: before a request lands, or after it has."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import requests

LOST = "lost"
"""What a fault returns to have the request carried out and its answer dropped."""


class Reply(NamedTuple):
    """A reply to send; a Content-Length among its headers may promise more than the body has."""

    status: int
    body: bytes
    headers: dict = {}  # noqa: RUF012


class Partly(NamedTuple):
    """What a fault returns to have another body carried out, and the rest reported as unprocessed."""

    body: bytes
    left: dict


class Proxy(ThreadingHTTPServer):
    """Hands requests on, unless `fault(operation, request)` returns LOST, or a reply: status and body.

    `seen` has the operations, `items_read` counts the items that queries went through.
    """

    request_queue_size = 128  # a connection that finds the queue full waits for a second

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Forward)
        self.target, self.fault, self.faults, self.seen = target, lambda *_: None, 0, []
        self.items_read = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.thread.join()

    def split(self, table, taken, left):
        """The answer to a batch of which a part is carried out, and the other part left unprocessed."""
        return Partly(json.dumps({"RequestItems": {table: taken}}).encode(), {table: left} if left else {})

    def handle_error(self, *_):
        """A client that was killed has closed its connection: nothing to tell."""


class Forward(BaseHTTPRequestHandler):
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
        self.server.seen.append(operation)
        fault = self.server.fault(operation, json.loads(body))
        if fault:
            self.server.faults += 1
        if fault == LOST:
            self.forward(body)
            self.close_connection = True
            return
        headers = {}
        if isinstance(fault, Partly):
            status, answer = self.forward(fault.body)
            if status == 200:
                answer = json.dumps({"UnprocessedItems": fault.left}).encode()
        else:
            status, answer, *more = fault or self.forward(body)
            headers |= more[0] if more else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(answer)))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(answer)

    def forward(self, body):
        headers = {name: value for name, value in self.headers.items() if name != "Content-Length"}
        answer = self.session.post(self.server.target, body, headers=headers, timeout=10)
        if b'"ScannedCount"' in answer.content:
            self.server.items_read += answer.json()["ScannedCount"]
        return answer.status_code, answer.content

    def log_message(self, *_):
        pass


def throttled(kind="ProvisionedThroughputExceededException"):
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "by design"}
    return 400, json.dumps(body).encode()
