"""The Swagger UI page at /docs in Chromium.

SCREENSHOT names a file for a screenshot of the page, such as docs/images/page.png.
"""

import json
import os
import shutil
from threading import Thread

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from support.environment import ROOT
from support.fakes import FakeDao, clock, sent

OPENAPI = json.loads((ROOT / "openapi.json").read_text())
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",  # root has no sandbox in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: install Chromium, then run make -B setup"
    )
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser):
    """A page that fails the test if it logs an error, or sends a request to another host."""
    made = browser.new_page(viewport={"width": 1000, "height": 780})
    made.set_default_timeout(10_000)
    messages, urls = [], []
    made.on(
        "console",
        lambda message: messages.append(message.text) if message.type in {"error", "warning"} else None,
    )
    made.on("pageerror", lambda error: messages.append(str(error)))
    made.on("request", lambda request: urls.append(request.url))
    yield made
    origin = made.evaluate("location.origin")
    made.close()
    assert [text for text in messages if "status of 4" not in text] == []  # an error that the test expects
    assert [url for url in urls if not url.startswith(origin)] == []


def operation(page, method, path):
    """Expand an operation, and return its block."""
    block = page.locator(f'.opblock-{method}:has([data-path="{path}"])')
    block.locator(".opblock-summary-control").click()
    return block


def paste(page, token):
    """Authorize with a token."""
    page.locator(".scheme-container .authorize").click()
    page.locator("#auth-bearer-value").fill(token)
    page.locator(".modal-ux .authorize").click()
    page.locator(".modal-ux .btn-done").click()


def execute(block, body=None):
    """Send the request, and return the status and the body on the page."""
    if body is not None:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    block.locator("button.execute").click()
    response = block.locator(".live-responses-table .response")
    body = json.loads(response.locator(".highlight-code code").first.inner_text())
    return int(response.locator(".response-col_status").inner_text().split()[0]), body


def test_the_page_shows_every_operation(page, local):
    page.goto(f"{local.url}/docs")
    page.locator(".opblock").first.wait_for()
    shown = {
        (
            block.get_attribute("class").split("opblock-")[1].split()[0],
            block.locator("[data-path]").inner_text(),
        )
        for block in page.locator(".opblock").all()
    }
    assert {(method, path.replace("\u200b", "")) for method, path in shown} == {
        (method, path) for path, operations in OPENAPI["paths"].items() for method in operations
    }
    if picture := os.environ.get("SCREENSHOT"):
        page.screenshot(path=picture)


def test_trying_it_lists_news(page, local):
    page.goto(f"{local.url}/docs")
    status, body = execute(operation(page, "get", "/news/"))
    assert status == 200
    assert len(body["items"]) == 20


def test_trying_it_with_a_pasted_token_creates_an_item(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, local.token())
    status, body = execute(operation(page, "post", "/news/"), sent("browser"))
    assert (status, body["url"], body["version"]) == (201, sent("browser")["url"], 1)


def test_trying_it_shows_the_problem_of_a_bad_item(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, local.token())
    status, body = execute(operation(page, "post", "/news/"), sent(category="not a word"))
    assert (status, body["status"], body["errors"][0]["field"]) == (400, 400, "category")


def test_trying_it_shows_the_problem_of_a_bad_token(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, "not.a.token")
    status, body = execute(operation(page, "post", "/news/"), sent())
    assert (status, body["title"]) == (401, "Unauthorized")


def test_behind_a_base_path_requests_have_the_prefix(page):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, docs=True))
    service = NewsService(FakeDao(), now=clock())
    setup_route(app, service)
    service.create(sent("behind"))
    server = make_server("127.0.0.1", 0, DispatcherMiddleware(Response("", 404), {"/v1": app}), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/v1/docs")
        status, body = execute(operation(page, "get", "/news/"))
        assert (status, [item["url"] for item in body["items"]]) == (200, [sent("behind")["url"]])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
