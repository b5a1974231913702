"""What the tests of all modules ask of news: every answer of its routes, every call of its dao."""

from news.dao import NewsDao
from news.model import NewsFilter
from support.dynamodb_proxy import throttled
from support.fakes import etag, sent, stored

NOBODY = "/news/00000000-0000-5000-8000-000000000001"


def ask_everything(ask, proxy):
    """Requests that between them have every answer that is in the contract."""
    item = ask("POST", "/news/", json=sent("contract")).json()
    place, match = f"/news/{item['id']}", {"If-Match": etag(item)}
    ask("POST", "/news/", json=sent("contract"))
    ask("POST", "/news/", json=sent("contract", title="Other"))
    ask("GET", place)
    ask("GET", "/news/?limit=1")
    for target in (place, "/news/"):
        ask("GET", target, headers={"If-None-Match": "*"})
    ask("GET", NOBODY)
    for method, target, headers in (("POST", "/news/", {}), ("PUT", place, match), ("DELETE", place, match)):
        for who in ("nobody", "reader"):
            ask(method, target, who=who, json=sent(), headers=headers)
        ask(method, f"{target}?x=1", headers=headers)
    for method, target in (("POST", "/news/"), ("PUT", place)):
        ask(method, target, data="{}", headers=match)
        ask(method, target, data=b" " * 70_000, headers=match | {"Content-Type": "application/json"})
    for target in ("/news/", place):
        ask("GET", f"{target}?x=1")
    ask("PUT", place, json=sent("contract"))
    ask("PUT", NOBODY, json=sent(), headers=match)
    ask("PUT", place, json=sent("contract"), headers=match)
    ask("PUT", place, json=sent("contract"), headers=match)
    ask("DELETE", place, headers=match)
    proxy.fault = lambda *_: throttled()
    try:
        ask("GET", "/news/")
        ask("GET", place)
        ask("POST", "/news/", json=sent("down"))
        ask("PUT", place, json=sent("contract"), headers=match)
        ask("DELETE", place, headers=match)
    finally:
        proxy.fault = lambda *_: None
    ask("DELETE", place)
    ask("DELETE", place)


def calls(settings):
    """The dao, and a call of each of its methods, by name."""
    dao = NewsDao(settings)
    item = stored(1)
    lists = [NewsFilter(), NewsFilter(category="science"), NewsFilter(source="example.com")]
    return dao, {
        "add": lambda: dao.add(item),
        "find": lambda: dao.find(item.id),
        "find_many": lambda: dao.find_many([item.id]),
        "add_many": lambda: dao.add_many([stored(2)]),
        "page": lambda: [dao.page(wanted, None, 1) for wanted in lists],
        "replace": lambda: dao.replace(stored(1, version=2)),
        "remove": lambda: [dao.remove(item.id, stored(1, version=2)), dao.remove(stored(2).id, None)],
        "check": dao.check,
    }
