"""A proxy in front of the AWS emulator that records the calls of a deployment tool, by IAM action."""

import http.client
import re
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, parse_qsl, urlsplit

import botocore.session

HOP_HEADERS = {"connection", "content-length", "keep-alive", "transfer-encoding"}

S3_ACTIONS = {
    "AbortMultipartUpload": "DeleteObject",  # has the method and path of DeleteObject
    "CopyObject": "PutObject",  # has the method and path of PutObject
    "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
"""IAM actions of S3 operations that have another name.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""


class CallRecorder:
    """The proxy.

    Attributes:
        url: its address.
        actions: the IAM actions of the calls, such as `s3:PutObject`.
    """

    def __init__(self, port):
        self.actions = set()
        handler = type("Handler", (_Handler,), {"port": port, "actions": self.actions})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self._read_body()
        self.actions.add(iam_action(self.command, self.path, self.headers, body))
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_HEADERS:
                upstream.putheader(name, value)
        upstream.putheader("Content-Length", str(len(body)))
        upstream.putheader("X-Forwarded-Proto", "https")  # as on AWS: bucket policies deny plain HTTP
        upstream.endheaders(body)
        with upstream.getresponse() as response, suppress(BrokenPipeError):
            self._respond(response)
        upstream.close()

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = forward  # noqa: N815  # names of the base class

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _respond(self, response):
        content = response.read()
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        is_head = self.command == "HEAD"
        self.send_header(
            "Content-Length", response.getheader("Content-Length", 0) if is_head else len(content)
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def iam_action(method, path, headers, body):
    """Return the IAM action of a request of the AWS API."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([\w-]+)/", headers.get("Authorization", ""))
    service = scope[1]
    if service == "apigateway":
        return f"apigateway:{method}"
    if "X-Amz-Target" in headers:
        return f"{service}:{headers['X-Amz-Target'].rpartition('.')[2]}"
    form = parse_qs(body.decode(errors="replace")) if service != "s3" else {}
    operation = form["Action"][0] if "Action" in form else rest_operation(service, method, path)
    return f"{service}:{S3_ACTIONS.get(operation, operation) if service == 's3' else operation}"


def rest_operation(service, method, path):
    """Return the operation of a REST request, by botocore's model of the service."""
    url = urlsplit(path)
    query = parse_qsl(url.query, keep_blank_values=True)
    matching = [
        (len(fixed), name)
        for name, (verb, pattern, fixed) in _rest_operations(service).items()
        if verb == method and re.fullmatch(pattern, url.path.rstrip("/") or "/") and set(fixed) <= {*query}
    ]
    return max(matching, default=(0, "unknown"), key=lambda each: each[0])[1]


@cache
def _rest_operations(service):
    """Return method, pattern of the path, and fixed parameters of each operation."""
    model = botocore.session.get_session().get_service_model(service)
    found = {}
    for name in model.operation_names:
        binding = model.operation_model(name).http
        path, _, query = binding["requestUri"].partition("?")
        fixed = parse_qsl(query, keep_blank_values=True)
        pattern = re.sub(r"\\\{\w+(\\\+)?\\\}", lambda each: ".+" if each[1] else "[^/]+", re.escape(path))
        found[name] = (binding["method"], pattern, fixed)
    return found
