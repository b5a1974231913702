"""The path prefix of the app: SCRIPT_NAME, PATH_INFO and links, by one rule for every entry point."""

import json
from http import HTTPStatus

import pytest
import requests
from werkzeug.test import Client

from shared.lambda_adapter.handler import make_handler
from shared.web.mount import mount
from support.event_builders import (
    Request,
    alb,
    alb_multi_value,
    function_url,
    http_api_1,
    http_api_2,
    parse_response,
    rest_api,
)
from support.fakes import sent
from support.local_run import LocalRun
from support.sample_apps import CONTEXT
from support.sample_news import news_app

CUSTOM = "api.example.com"
EXECUTE_API = "abc123.execute-api.eu-central-1.amazonaws.com"
BASE_PATHS = ("", "/", "api", "v1/api")

SCOPE = {"scope": "news:write"}


class Gunicorn:
    """The entry point outside Lambda: it passes on whole paths, without a stage."""

    def __init__(self, app, base_path):
        mount(app, base_path)
        self.client = Client(app)

    def get(self, host, _stage, path):
        return self.client.get(path, query_string="limit=1", base_url=f"https://{host}")


class Lambda:
    """The Lambda handler with events of one source, with the path as the source sends it."""

    def __init__(self, encode, app, base_path):
        self.encode = encode
        self.handler = make_handler(app, base_path)

    def get(self, host, stage, path):
        event = self.encode(Request(path=path, query="limit=1", host=host))
        return self.send(event, stage, path)

    def post(self, host, stage, path):
        body = json.dumps(sent()).encode()
        headers = (("Content-Type", "application/json"),)
        event = self.encode(Request("POST", path, headers=headers, body=body, host=host))
        return self.send(event, stage, path)

    def send(self, event, stage, path):
        event["rawPath" if "rawPath" in event else "path"] = path
        context = event["requestContext"]
        if "elb" not in context:
            context["stage"] = stage
            context["authorizer"] = {"jwt": {"claims": SCOPE}} if "http" in context else {"claims": SCOPE}
        return parse_response(self.handler(event, CONTEXT))


ENTRY_POINTS = {
    "HTTP API 2.0": lambda *args: Lambda(http_api_2, *args),
    "HTTP API 1.0": lambda *args: Lambda(http_api_1, *args),
    "REST API": lambda *args: Lambda(rest_api, *args),
    "Function URL": lambda *args: Lambda(function_url, *args),
    "ALB": lambda *args: Lambda(alb, *args),
    "ALB, multi-value": lambda *args: Lambda(alb_multi_value, *args),
    "gunicorn": Gunicorn,
}

# The host is API Gateway's own (aws) or a custom domain (own); the path is the one in the event. CloudFront
# with an origin path sends API Gateway's own host and adds the stage: the public path is the one without the
# stage, which BASE_PATH `/`, `api` and `v1/api` represent.
# A result is SCRIPT_NAME and PATH_INFO, separated by a colon.
TABLE = """
host  stage     path               unset               /               api                 v1/api

[HTTP API 2.0]
aws   $default  /news/             :/news/             :/news/         :/news/             :/news/
aws   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
aws   $default  /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
aws   dev       /dev/news/         /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /dev/api/news/     /dev:/api/news/     :/api/news/     /api:/news/         /dev:/api/news/
aws   dev       /dev/v1/api/news/  /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/news/        /news:/news/        :/news/         /news:/news/        /news:/news/
aws   news      /news/x            /news:/x            :/x             /news:/x            /news:/x
aws   api       /api/news/         /api:/news/         :/news/         /api:/news/         /api:/news/
aws   api       /api/api/news/     /api:/api/news/     :/api/news/     /api:/news/         /api:/api/news/
own   $default  /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         /v1/api:/api/news/
own   dev       /dev/news/         :/news/             :/news/         /api:/news/         /v1/api:/news/
own   dev       /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   dev       /dev/v1/api/news/  :/v1/api/news/      :/v1/api/news/  /api:/v1/api/news/  /v1/api:/news/
own   news      /news/news/        :/news/             :/news/         /api:/news/         /v1/api:/news/
own   news      /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   news      /news/x            :/news/x            :/news/x        /api:/news/x        /v1/api:/news/x
own   news      /news/health       :/health            :/health        /api:/health        /v1/api:/health
own   api       /api/news/         :/news/             :/news/         /api:/news/         /v1/api:/news/

[HTTP API 1.0]
aws   $default  /news/             :/news/             :/news/         :/news/             :/news/
aws   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
aws   dev       /dev/news/         /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /dev/v1/api/news/  /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/news/        /news:/news/        :/news/         /news:/news/        /news:/news/
own   $default  /news/             :/news/             :/news/         :/news/             :/news/
own   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
own   dev       /dev/news/         :/news/             :/news/         :/news/             :/news/
own   dev       /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
own   api       /api/news/         :/news/             :/news/         /api:/news/         :/news/
own   news      /news/             :/news/             :/news/         :/news/             :/news/

[REST API]
aws   dev       /news/             /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /api/news/         /dev:/api/news/     :/api/news/     /api:/news/         /dev:/api/news/
aws   dev       /v1/api/news/      /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/             /news:/news/        :/news/         /news:/news/        /news:/news/
own   dev       /news/             :/news/             :/news/         :/news/             :/news/
own   dev       /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
own   dev       /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
own   news      /news/             :/news/             :/news/         :/news/             :/news/
"""
WHOLE_PATHS = """
/news/         :/news/         :/news/         :/news/         :/news/
/api/news/     :/api/news/     :/api/news/     /api:/news/     :/api/news/
/v1/api/news/  :/v1/api/news/  :/v1/api/news/  :/v1/api/news/  /v1/api:/news/
"""
"""The same for the entry points without a stage, for every host."""


def rows():
    """Return entry point, host, stage, path, BASE_PATH, SCRIPT_NAME and PATH_INFO of each row."""
    lines = TABLE.strip().splitlines()[1:]
    for name in ("Function URL", "ALB", "ALB, multi-value", "gunicorn"):
        lines.append(f"[{name}]")
        for host in ("aws", "own"):
            lines += [f"{host} $default {line}" for line in WHOLE_PATHS.strip().splitlines()]
    cases = []
    entry_point = ""
    for line in filter(None, lines):
        if line.startswith("["):
            entry_point = line.strip("[]")
            continue
        host, stage, path, *results = line.split()
        for name in (CUSTOM,) if host == "own" else (EXECUTE_API, EXECUTE_API.upper() + ":443"):
            expected = zip(BASE_PATHS, results, strict=True)
            cases += [
                (entry_point, name, stage, path, base_path, *result.split(":"))
                for base_path, result in expected
            ]
    return cases


def recorded_paths(app):
    """Return a list that records SCRIPT_NAME and PATH_INFO of each request to an app."""
    paths = []
    wsgi_app = app.wsgi_app

    def recorder(environ, start_response):
        paths.append((environ["SCRIPT_NAME"], environ["PATH_INFO"]))
        return wsgi_app(environ, start_response)

    app.wsgi_app = recorder
    return paths


@pytest.mark.parametrize(("entry_point", "host", "stage", "path", "base_path", "root", "rest"), rows())
def test_every_entry_point_mounts_the_app_by_the_same_rule(
    entry_point, host, stage, path, base_path, root, rest
):
    app = news_app(items=2)
    paths = recorded_paths(app)
    response = ENTRY_POINTS[entry_point](app, base_path).get(host, stage, path)
    assert paths == [(root, rest)]
    link = {name.lower(): value for name, value in response.headers.items()}.get("link", "")
    assert link.partition("?")[0] == (f"<{root}/news/" if rest == "/news/" else "")


@pytest.mark.parametrize("entry_point", ["HTTP API 2.0", "HTTP API 1.0", "REST API"])
@pytest.mark.parametrize(
    ("base_path", "root"), [("", "/prod"), ("/", ""), ("api", "/api"), ("v1/api", "/prod")]
)
def test_location_of_a_new_item_starts_with_the_public_prefix(base_path, root, entry_point):
    prefix = "" if entry_point == "REST API" else "/prod"
    path = f"{prefix}/api/news/" if base_path == "api" else f"{prefix}/news/"
    response = ENTRY_POINTS[entry_point](news_app(), base_path).post(EXECUTE_API, "prod", path)
    assert response.status == HTTPStatus.CREATED
    assert response.headers["location"].startswith(f"{root}/news/")


GATEWAY_HOSTS = [
    "abc123.execute-api.us-east-1.amazonaws.com",
    "ABC123.Execute-API.us-east-1.amazonaws.com",
    "abc123.execute-api.us-east-1.amazonaws.com:443",
    "abc123.execute-api.us-east-1.amazonaws.com.",
    "abc123.execute-api.cn-north-1.amazonaws.com.cn",
    "vpce-0a1b-2c3d.execute-api.us-east-1.vpce.amazonaws.com",
    "abc123-vpce-0a1b.execute-api.us-east-1.amazonaws.com",
]
OTHER_HOSTS = [
    "api.example.com",
    "execute-api.example.com",
    "api.execute-api-docs.example.com",
    "d1.cloudfront.net",
]


@pytest.mark.parametrize(
    ("host", "root"),
    [*((host, "/prod") for host in GATEWAY_HOSTS), *((host, "") for host in OTHER_HOSTS)],
)
@pytest.mark.parametrize("entry_point", ["HTTP API 2.0", "HTTP API 1.0", "REST API"])
def test_every_spelling_of_the_api_gateway_host_is_recognized(entry_point, host, root):
    app = news_app()
    paths = recorded_paths(app)
    path = "/news/" if entry_point == "REST API" else "/prod/news/"
    ENTRY_POINTS[entry_point](app, "").get(host, "prod", path)
    assert paths == [(root, "/news/")]


EDGES = [
    ("/api", "/api", "/"),
    ("/api/", "/api", "/"),
    ("/api//news", "/api", "//news"),
    ("//api/news", "", "//api/news"),
    ("/apix/news", "", "/apix/news"),
    ("/ap", "", "/ap"),
    ("/API/news", "", "/API/news"),
    ("/api/api/news", "/api", "/api/news"),
    ("/v1/api/news", "", "/v1/api/news"),
    ("/", "", "/"),
    ("/health", "", "/health"),
    ("/api/health", "/api", "/health"),
    ("/api/../news", "/api", "/../news"),
]
ENCODED = [
    ("/%61pi/news", "/api", "/news"),
    ("/api%2Fnews", "/api", "/news"),
    ("/api/%C3%A4%3F", "/api", "/\xc3\xa4?"),
    ("/api%78/news", "", "/apix/news"),
    ("/%2561pi/news", "", "/%61pi/news"),
]


@pytest.mark.parametrize(
    ("entry_point", "path", "root", "rest"),
    [
        *(
            (name, *edge)
            for name in ENTRY_POINTS
            for edge in EDGES
            if edge[0][:2] != "//" or name != "gunicorn"
        ),
        *((name, *edge) for name in ENTRY_POINTS if "HTTP API" not in name for edge in ENCODED),
        ("HTTP API 1.0", "/%61pi/news", "", "/%61pi/news"),
        ("HTTP API 1.0", "/api/ä?", "/api", "/\xc3\xa4?"),
        ("HTTP API 2.0", "/api/ä?", "/api", "/\xc3\xa4?"),
    ],
)
def test_base_path_matches_whole_segments_of_the_decoded_path(entry_point, path, root, rest):
    app = news_app()
    paths = recorded_paths(app)
    host = EXECUTE_API if entry_point.startswith("HTTP API") else CUSTOM
    ENTRY_POINTS[entry_point](app, "api").get(host, "$default", path)
    assert paths == [(root, rest)]


@pytest.mark.parametrize("base_path", ["v1", "/v1", "v1/", "/v1/"])
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_spelling_of_base_path_is_the_same(entry_point, base_path):
    app = news_app()
    paths = recorded_paths(app)
    ENTRY_POINTS[entry_point](app, base_path).get(CUSTOM, "$default", "/v1/news/")
    assert paths == [("/v1", "/news/")]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_base_path_with_the_name_of_a_module_serves_the_module(entry_point):
    app = news_app()
    paths = recorded_paths(app)
    client = ENTRY_POINTS[entry_point](app, "news")
    for path in ("/news/news/", "/news/news/x", "/news/health", "/news/", "/news/x"):
        client.get(CUSTOM, "$default", path)
    root = "/news" if entry_point == "HTTP API 2.0" else ""  # whose events never contain the mapping key
    below = [("/news", "/news/"), ("/news", "/news/x"), ("/news", "/health")]
    assert paths == [*below, (root, "/news/"), (root, "/news/x")]


def test_gunicorn_serves_below_base_path_and_at_the_root(tmp_path):
    """Load balancers request /health at the root."""
    with LocalRun(tmp_path, BASE_PATH="/v1/") as run:
        paths = ["/health", "/v1/health", "/v1/news/", "/v1/news", "/v1/news/x", "/v1x/health", "/v1"]
        responses = [requests.get(run.url + path, timeout=10) for path in paths]
        pages = [requests.get(run.url + path, timeout=10) for path in ("/news/?limit=1", "/v1/news/?limit=1")]
    assert [response.status_code for response in responses] == [200, 200, 200, 200, 404, 404, 404]
    links = [page.links["next"]["url"].partition("?")[0] for page in pages]
    assert links == ["/news/", "/v1/news/"]


def test_gunicorn_at_the_root_has_no_other_prefix(tmp_path):
    with LocalRun(tmp_path, BASE_PATH="/") as run:
        statuses = [
            requests.get(run.url + path, timeout=10).status_code for path in ("/health", "/v1/health")
        ]
    assert statuses == [200, 404]
