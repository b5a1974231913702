"""A proxy in front of a custom domain of the AWS emulator.

API Gateway passes a path with a trailing slash to the route `/news/{proxy+}`. The emulator does not on a
custom domain; on its own domain it removes the slash. So the proxy removes it.
"""

from http.server import BaseHTTPRequestHandler

import requests

from support.http_server import HttpServer

NOT_FORWARDED = {"connection", "content-encoding", "content-length", "transfer-encoding"}


def slash_proxy(emulator_url):
    """Return the server, which forwards requests to an emulator with their Host header."""
    return HttpServer(type("Handler", (_Handler,), {"upstream": emulator_url}))


class _Handler(BaseHTTPRequestHandler):
    def forward(self):
        path, mark, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"{self.upstream}{path.rstrip('/')}{mark}{query}"
        response = requests.request(
            self.command, url, headers=dict(self.headers), data=body, timeout=60, allow_redirects=False
        )
        self.send_response_only(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = forward  # noqa: N815  # names of the base class

    def log_message(self, *_):
        pass
