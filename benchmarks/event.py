"""The event of every request: `GET /news/` of a browser through an HTTP API."""

from tests.support.event_builders import Request, http_api_2

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"

EVENT = http_api_2(
    Request(
        path="/news/",
        headers=(
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Accept-Language", "en-GB,en;q=0.9"),
            ("User-Agent", BROWSER),
            ("X-Amzn-Trace-Id", "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"),
        ),
    )
)
