"""The events of every request: `GET /news/` of a browser that accepts gzip."""

from tests.support.event_builders import Request, http_api_2, rest_api

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"

REQUEST = Request(
    path="/news/",
    headers=(
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Accept-Language", "en-GB,en;q=0.9"),
        ("User-Agent", BROWSER),
        ("X-Amzn-Trace-Id", "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"),
    ),
)

EVENT = http_api_2(REQUEST)

CHALICE_EVENT = rest_api(REQUEST)
"""Chalice deploys a REST API with a resource for each route, and selects the view by that resource."""
CHALICE_EVENT["requestContext"]["resourcePath"] = "/news"
