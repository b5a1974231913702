"""The path prefix of the app: SCRIPT_NAME, PATH_INFO and links, by one rule for every entry point."""

from http import HTTPStatus

import pytest

from support.entry_points import ENTRY_POINTS, recorded_paths
from support.mount_cases import EXECUTE_API, rows
from support.sample_news import news_app


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
