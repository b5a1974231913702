"""Requests and DAO calls for the tests that cover every module."""

from news.dao import NewsDao
from news.model import NewsFilter
from support.dynamodb_proxy import throttled
from support.fakes import etag, sent, stored

MISSING = "/news/00000000-0000-5000-8000-000000000001"


def send_every_request(send, proxy):
    """Send requests that get every response in the OpenAPI document."""
    item = send("POST", "/news/", json=sent("openapi")).json()
    url, match = f"/news/{item['id']}", {"If-Match": etag(item)}
    send("POST", "/news/", json=sent("openapi"))
    send("POST", "/news/", json=sent("openapi", title="Other"))
    send("GET", url)
    send("GET", "/news/?limit=1")
    for target in (url, "/news/"):
        send("GET", target, headers={"If-None-Match": "*"})
    send("GET", MISSING)
    for method, target, headers in (("POST", "/news/", {}), ("PUT", url, match), ("DELETE", url, match)):
        for caller in ("anonymous", "reader"):
            send(method, target, caller=caller, json=sent(), headers=headers)
        send(method, f"{target}?x=1", headers=headers)
    for method, target in (("POST", "/news/"), ("PUT", url)):
        send(method, target, data="{}", headers=match)
        send(method, target, data=b" " * 70_000, headers=match | {"Content-Type": "application/json"})
    for target in ("/news/", url):
        send("GET", f"{target}?x=1")
    send("PUT", url, json=sent("openapi"))
    send("PUT", MISSING, json=sent(), headers=match)
    send("PUT", url, json=sent("openapi"), headers=match)
    send("PUT", url, json=sent("openapi"), headers=match)
    send("DELETE", url, headers=match)
    proxy.fault = lambda *_: throttled()
    try:
        send("GET", "/news/")
        send("GET", url)
        send("POST", "/news/", json=sent("down"))
        send("PUT", url, json=sent("openapi"), headers=match)
        send("DELETE", url, headers=match)
    finally:
        proxy.fault = lambda *_: None
    send("DELETE", url)
    send("DELETE", url)


def calls(settings):
    """Return a DAO, and a call of each of its methods by name."""
    dao = NewsDao(settings)
    item = stored(1)
    filters = [NewsFilter(), NewsFilter(category="science"), NewsFilter(source="example.com")]
    return dao, {
        "add": lambda: dao.add(item),
        "find": lambda: dao.find(item.id),
        "find_many": lambda: dao.find_many([item.id]),
        "add_many": lambda: dao.add_many([stored(2)]),
        "page": lambda: [dao.page(each, None, 1) for each in filters],
        "replace": lambda: dao.replace(stored(1, version=2)),
        "delete": lambda: [dao.delete(item.id, stored(1, version=2)), dao.delete(stored(2).id, None)],
        "ping": dao.ping,
    }
