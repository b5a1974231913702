"""REDIS_URL: invalid values are one-line errors without the URL, and valid ones connect."""

import json
import logging
import re
import socketserver
import subprocess
import sys
import threading

import pytest

from shared.app import create_app
from shared.cache.redis_client import connect
from support.config_urls import ENV, VALID, error_of, read
from support.environment import CLEAN, ROOT, settings_for
from support.redis_servers import BINARY, REASON, Valkey


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
