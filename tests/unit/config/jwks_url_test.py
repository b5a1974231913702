"""AUTH_JWKS: invalid locations are errors, and every accepted one is read."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.auth.jwks import fetch_jwks
from support.config_urls import error_of, read


@pytest.mark.parametrize(
    "url",
    [
        "https:/login.example.com/jwks.json",
        "https:login.example.com",
        "ftp://login.example.com/jwks.json",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:keys.json",
        "https://user:s3cret@login.example.com/jwks.json",
        "https://user:s3cret:443/jwks.json",
        "https://login.example.com/a b",
        "https://login.example.com/jwks#x",
        "https://b\u00fccher.example/jwks",
        "https://[fe80::1%25lo]/jwks",
        "https://login.example.com:65536/",
        "keys",
        ".",
        "x" * 5000,
        "keys.json\0",
    ],
)
def test_an_invalid_jwks_location_is_an_error_that_does_not_quote_it(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("file:keys.json", "keys.json", " keys.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "keys").mkdir()
    assert "s3cret" not in error_of("AUTH_JWKS", url)
    error_of("AUTH_JWKS", " keys.json")


def test_the_error_of_a_plain_http_jwks_url_does_not_quote_it():
    assert "s3cret" not in error_of("AUTH_JWKS", "HTTP://login.example.com/jwks.json?token=s3cret")


class KeyHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def keys_port():
    with ThreadingHTTPServer(("127.0.0.1", 0), KeyHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    "form", ["HTTP://127.0.0.1:{}/Keys.json", "http://LOCALHOST:{}/a%20b?p=B2C_1&q={{}}"]
)
def test_every_accepted_jwks_url_is_fetched(keys_port, form):
    url = form.format(keys_port)
    content = fetch_jwks(read(STAGE="local", AUTH_JWKS=url).auth.jwks)
    assert content.decode() == "/" + url.split("/", 3)[3]


@pytest.mark.parametrize(
    "name", ["keys.json", "my keys.json", "k\u00e9ys.json", "\u9375.json", "https", "a@b"]
)
def test_every_accepted_jwks_file_is_read(tmp_path, monkeypatch, name):
    (tmp_path / name).write_text("{}")
    assert fetch_jwks(read(AUTH_JWKS=str(tmp_path / name)).auth.jwks) == b"{}"
    monkeypatch.chdir(tmp_path)
    assert fetch_jwks(read(AUTH_JWKS=name).auth.jwks) == b"{}"
