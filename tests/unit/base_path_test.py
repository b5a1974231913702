"""BASE_PATH: its spellings, whole segments, the name of a module, and gunicorn."""

import pytest
import requests

from support.entry_points import ENTRY_POINTS, recorded_paths
from support.gunicorn_server import GunicornServer
from support.local_run import LocalRun
from support.mount_cases import CUSTOM, EXECUTE_API
from support.sample_news import news_app

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
    with GunicornServer(tmp_path, BASE_PATH="/") as server:
        statuses = [
            requests.get(server.url + path, timeout=10).status_code for path in ("/health", "/v1/health")
        ]
    assert statuses == [200, 404]
