"""URL settings: each accepted URL works, each other one is a one-line error that never quotes it."""

import contextlib
import os
import random
import re
import unicodedata
from urllib.parse import urlsplit
from urllib.request import Request

import pytest
from botocore.utils import is_valid_uri

from news.dao import NewsDao
from shared.cache.redis_client import connect
from shared.config.urls import parse_endpoint_url, parse_jwks_location, parse_origins, parse_redis_url
from support.config_urls import VALID, error_of, read
from support.environment import settings_for
from tools.local.tables import create_tables

WHITESPACE_AND_CONTROLS = [
    chr(code)
    for code in range(1, 0x110000)
    if chr(code).isspace() or unicodedata.category(chr(code)) in {"Cc", "Zl", "Zp", "Zs"}
]
"""Unicode's White_Space, and both ranges of control characters, but NUL, which no variable can contain."""


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


def test_redis_py_accepts_every_accepted_url(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # to load the CA certificates takes 30 ms for each URL
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
