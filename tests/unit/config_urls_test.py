"""URL settings: each accepted URL works, each other one is a one-line error that never quotes it."""

import contextlib
import json
import logging
import random
import re
import socketserver
import subprocess
import sys
import threading
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from urllib.request import Request

import pytest
from botocore.utils import is_valid_uri

from news.dao import NewsDao
from shared.app import create_app
from shared.auth.jwks import fetch_jwks
from shared.cache.redis_client import connect
from shared.config import Settings, SettingsError
from shared.config.urls import parse_endpoint_url, parse_jwks_location, parse_origins, parse_redis_url
from support.environment import CLEAN, ROOT, settings_for
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.tables import LOCAL_NAMES, create_tables

ENV = LOCAL_NAMES | {"STAGE": "dev", "AWS_REGION": "eu-central-1"}
AUTH = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "news"}
WHITESPACE_AND_CONTROLS = [
    chr(code)
    for code in range(1, 0x110000)
    if chr(code).isspace() or unicodedata.category(chr(code)) in {"Cc", "Zl", "Zp", "Zs"}
]
"""Unicode's White_Space, and both ranges of control characters, but NUL, which no variable can contain."""

VALID = {
    "REDIS_URL": "redis://user:secret@cache.example.com:6379/0",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4567",
    "AUTH_JWKS": "https://login.example.com/jwks.json",
    "CORS_ORIGINS": "https://app.example.com",
    "AUTH_ISSUER": "https://login.example.com/",
    "AUTH_AUDIENCE": "news",
    "NEWS_TABLE": "news",
    "STAGE": "dev",
    "AWS_REGION": "eu-central-1",
    "BASE_PATH": "v1",
    "REDIS_IAM_USER": "news-user",
}


def read(**env):
    """Read the settings and a table name, as an entry point does."""
    settings = Settings.from_env(ENV | AUTH | {"AUTH_JWKS": "https://h/"} | env)
    settings.table("news")
    return settings


def error_of(name, value):
    with pytest.raises(SettingsError) as error:
        read(**{name: value})
    [line] = str(error.value).splitlines()
    assert line.startswith(f"{name}: ")
    return line


@pytest.mark.parametrize("name", VALID)
def test_whitespace_and_control_characters_are_errors_at_any_place(name):
    value = VALID[name]
    for character in WHITESPACE_AND_CONTROLS:
        error_of(name, character + value)
        error_of(name, value + character)
        # Spaces separate origins.
        middle = (
            value.replace("://", f"://{character}")
            if name == "CORS_ORIGINS"
            else value[:-1] + character + value[-1]
        )
        error_of(name, middle)


@pytest.mark.parametrize(
    "url",
    [
        "redis:host",
        "redis:/host",
        "redis:127.0.0.1:6379",
        "redis//host",
        "http://host:6379",
        "redis+tls://host",
        "redis://host:",
        "redis://host:+1",
        "redis://host:1_000",
        "redis://host:\u0661\u0662",
        "redis://host:65536",
        "redis://host:" + "1" * 5000,
        "redis://host:6379/+1",
        "redis://host:6379/\u0661",
        "redis://h%6fst",
        "redis://b\u00fccher.example",
        "redis://a..b",
        "redis://.a",
        "redis://-a",
        "redis://" + "a" * 64,
        "redis://" + ".".join(["a" * 60] * 5),
        "redis://[fe80::1%25eth0]:6379",
        "redis://[::1",
        "redis://[::1]6379",
        "redis://[nonsense]",
        "redis://:p\u00e4ss@host",
        "redis://:%ff@host",
        "redis://:pa/ss@host",
        "redis://:pa#ss@host",
        "redis://:pa?ss@host",
        "redis://user:s3cret:6379",
        "redis://host?password=s3cret",
        "unix://:foobared/var/run/redis.sock",
        "unix://run/redis.sock",
        "unix:/run/redis.sock",
        "unix://host:6379/run/redis.sock",
        "unix://s3cret@host/run/redis.sock",
        "unix:///",
        "unix:///run/",
        "unix://@",
        "unix://:s3cret@",
        "unix://?db=1",
        "unix:///run/%00redis.sock",
        "unix:///run/%0aredis.sock",
        "unix:///run/%ff.sock",
        "unix:///run/" + "r" * 103,
        "unix:///run/redis.sock?db=\u0661",
        "unix:///run/redis.sock?password=s3cret",
    ],
)
def test_an_invalid_redis_url_is_an_error_that_does_not_quote_it(url):
    line = error_of("REDIS_URL", url)
    assert line.startswith("REDIS_URL: must be a URL such as redis://127.0.0.1:6379/0")
    assert not re.search("s3cret|foobared|ss@", line)


@pytest.mark.parametrize(
    ("url", "normalized"),
    [
        ("REDISS://User:Secret@Cache.example.com:6379/0", "rediss://User:Secret@Cache.example.com:6379/0"),
        ("Redis://my_cache", "redis://my_cache"),
        ("UNIX:///run/Redis.sock?db=1", "unix:///run/Redis.sock?db=1"),
        ("unix://:secret@/run/redis%20cache.sock", "unix://:secret@/run/redis%20cache.sock"),
        ("redis://[2001:db8::1]:6379/", "redis://[2001:db8::1]:6379/"),
        ("redis://user:p%40%2F%25@h", "redis://user:p%40%2F%25@h"),
    ],
)
def test_the_scheme_of_a_redis_url_becomes_lowercase(url, normalized):
    settings = read(REDIS_URL=url)
    assert settings.redis_url == normalized
    connect(settings).make_connection()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Start a Valkey server with a password and a Unix socket."""
    if not BINARY:
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("v")
    with Valkey(folder, "--unixsocket", f"{folder}/my cache.sock") as server:
        with server.client() as client:
            client.acl_setuser("admin", enabled=True, passwords=["+p@/:%"], commands=["+@all"], keys=["*"])
        yield server, folder


@pytest.mark.parametrize(
    "form",
    [
        "REDIS://127.0.0.1:{port}",
        "redis://LOCALHOST:{port}/15",
        "redis://admin:p%40%2F%3a%25@127.0.0.1:{port}/0",
        "redis://admin:p@/127.0.0.1",
        "UNIX://{folder}/my%20cache.sock?db=3",
        "unix://admin:p%40%2F:%25@{folder}/my%20cache.sock",
        "unix://{folder}/my cache.sock",
    ],
)
def test_every_accepted_redis_url_connects(cache, form):
    server, folder = cache
    url = form.format(port=server.port, folder=folder)
    if " " in url or "@/127" in url:
        error_of("REDIS_URL", url)
        return
    client = connect(read(REDIS_URL=url))
    assert client.execute(lambda replies: replies[0], ("PING",)) == b"PONG"


PARTS = (
    "redis:// REDISS:// unix:// Http:// HTTPS:// redis: file:// ://",
    "   @ u@ :p@ u:p%40@ u:%ff@ u:p@x@ u:p/x@ [@ u:\u00fc@",
    " h h a.b A_b h-1 -a a..b 127.0.0.1 999 [::1] [::ffff:1.2.3.4] [::1%25lo] [ h%41 xn--a \u00fc \u0663",
    "    : :0 :1 :65535 :65536 :+1 :1_0 :\u0661",
    "    / /0 /15 /123456 // /run/x /run/x/ /a/../b /%00 /%ff /\u2028 /x\x1f \\",
    "      ? ?db=1 ?password=p # #x",
)
"""Valid, invalid and empty forms of each part of a URL."""


def accepted(parse):
    """Yield the URLs that a parser accepts, of many random ones."""
    chosen = random.Random(7)
    for _ in range(50_000):
        with contextlib.suppress(ValueError):
            yield parse("".join(chosen.choice(part.split(" ")) for part in PARTS))


def test_redis_py_accepts_every_accepted_url():
    urls = set(accepted(parse_redis_url))
    assert {url.split(":")[0] for url in urls} == {"redis", "rediss", "unix"}
    for url in urls:
        connection = connect(read(REDIS_URL=url)).make_connection()
        if url.startswith("unix"):
            assert connection.path.encode().startswith(b"/")
        else:
            assert connection.host.encode("idna")
        "".join(filter(None, [connection.username, connection.password])).encode()


def test_botocore_accepts_every_accepted_endpoint():
    urls = set(accepted(parse_endpoint_url))
    assert len(urls) > 50
    assert [url for url in urls if not is_valid_uri(url)] == []


def test_urllib_accepts_every_accepted_jwks_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    requests = {url: Request(url) for url in accepted(parse_jwks_location)}
    assert len(requests) > 50
    for url, request in requests.items():
        assert (request.type, request.host) == urlsplit(url)[:2]


def test_every_accepted_origin_is_in_the_form_that_browsers_send():
    origins = set(accepted(parse_origins))
    assert len(origins) > 20
    for [origin] in origins:
        assert re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin)
        assert not re.search(r"^http:.*:80$|^https:.*:443$", origin)


@pytest.mark.parametrize(
    "url",
    [
        "http:/127.0.0.1:4567",
        "http:127.0.0.1",
        "ftp://127.0.0.1",
        "http://u:s3cret@127.0.0.1:4567",
        "http://u:s3cret:4567",
        "http://my_table:8000",
        "http://127.0.0.1:4567/path?x",
        "http://127.0.0.1:4567#x",
        "http://127.0.0.1:",
        "http://[fe80::1%25lo]:4567",
        "http://b\u00fccher.example",
        "http://" + ".".join(["a" * 60] * 5),
    ],
)
def test_an_invalid_endpoint_is_an_error_that_does_not_quote_it(url):
    assert "s3cret" not in error_of("AWS_ENDPOINT_URL_DYNAMODB", url)


@pytest.mark.parametrize(
    "change", [str.upper, "{}/".format, lambda url: url.replace("127.0.0.1", "LocalHost")]
)
def test_every_accepted_endpoint_works(moto_url, change):
    settings = settings_for(read(AWS_ENDPOINT_URL_DYNAMODB=change(moto_url)).dynamodb_endpoint)
    assert create_tables(settings)
    assert NewsDao(settings).find("x") is None


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


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("HTTPS://app.example.com", ["https://app.example.com"]),
        (
            "https://a.example.com:443, http://b.example.com:80",
            ["https://a.example.com", "http://b.example.com"],
        ),
        ("http://localhost:3000,http://[::1]:3000", ["http://localhost:3000", "http://[::1]:3000"]),
    ],
)
def test_origins_are_normalized_as_browsers_send_them(text, origins):
    assert list(read(CORS_ORIGINS=text).cors_origins) == origins


@pytest.mark.parametrize(
    "text",
    [
        "https:app.example.com",
        "https://a:65536",
        "https://a:0",
        "https://a/",
        "https://u@a",
        "https://a,",
        "*,https://a",
    ],
)
def test_an_origin_that_no_browser_sends_is_an_error(text):
    error_of("CORS_ORIGINS", text)


def test_the_repr_of_settings_hides_the_redis_url():
    assert "secret" not in repr(read(REDIS_URL=VALID["REDIS_URL"]))


class ErrorServer(socketserver.StreamRequestHandler):
    """A Redis server that replies with an error to every command."""

    def handle(self):
        while self.rfile.readline():
            self.wfile.write(b"-ERR unknown command\r\n")


def test_a_password_appears_in_no_log_if_redis_replies_with_errors(caplog):
    caplog.set_level(logging.DEBUG)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ErrorServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"redis://user:s3cret@127.0.0.1:{server.server_address[1]}/0"
        client = create_app(settings_for(None, redis_url=url, log_level="DEBUG")).test_client()
        deep = client.get("/health?deep=1")
        server.shutdown()
    assert json.loads(deep.data)["checks"]["redis"] != "ok"
    assert "health check: redis" in caplog.text
    assert "s3cret" not in caplog.text + deep.text


@pytest.mark.parametrize("url", ["unix://:s3cret/var/run/redis.sock", "redis://user:s3cret:6379"])
@pytest.mark.parametrize(
    "command",
    ["shared.config", "tools.local.run", "tools.local.tables", "tools.local.import_news", "functions.wsgi"],
)
def test_no_command_prints_an_invalid_redis_url(tmp_path, url, command):
    arguments = ["README.md"] if command == "tools.local.import_news" else []
    process = subprocess.run(
        [sys.executable, "-m", command, *arguments],
        cwd=ROOT,
        env=CLEAN | ENV | {"REDIS_URL": url, "LOCAL": str(tmp_path), "BIND": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 1
    assert "REDIS_URL: must be a URL such as" in process.stderr
    assert "s3cret" not in process.stdout + process.stderr
