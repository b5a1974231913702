"""The page at /docs in a real browser: read the contract, and try it.

SCREENSHOT names a file to leave a picture of the page in: docs/images/page.png was made so.
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
from support.local_run import LocalRun

CONTRACT = json.loads((ROOT / "openapi.json").read_text())
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",  # which root in a container has none of
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
        pytest.skip("no Chromium here")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: install Chromium, make -B setup"
    )
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture
def page(browser):
    """A page that must not have anything to complain of, nor ask another server than ours."""
    made = browser.new_page(viewport={"width": 1000, "height": 780})
    made.set_default_timeout(10_000)
    complaints, asked = [], []
    made.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("request", lambda request: asked.append(request.url))
    yield made
    origin = made.evaluate("location.origin")
    made.close()
    assert [said for said in complaints if "status of 4" not in said] == []  # an error that was tried for
    assert [url for url in asked if not url.startswith(origin)] == []


def operation(page, method, path):
    """An operation of the page, unfolded."""
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
    """Send the request, and return the status and the body that the page shows."""
    if body is not None:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table .response")
    body = json.loads(answer.locator(".highlight-code code").first.inner_text())
    return int(answer.locator(".response-col_status").inner_text().split()[0]), body


def test_the_page_shows_every_operation_of_the_contract(page, local):
    page.goto(f"{local.url}/docs")
    page.locator(".opblock").first.wait_for()
    shown = {
        (
            each.get_attribute("class").split("opblock-")[1].split()[0],
            each.locator("[data-path]").inner_text(),
        )
        for each in page.locator(".opblock").all()
    }
    assert {(method, path.replace("\u200b", "")) for method, path in shown} == {
        (method, path) for path, operations in CONTRACT["paths"].items() for method in operations
    }
    if picture := os.environ.get("SCREENSHOT"):
        page.screenshot(path=picture)


def test_trying_it_lists_news(page, local):
    page.goto(f"{local.url}/docs")
    status, answer = execute(operation(page, "get", "/news/"))
    assert status == 200
    assert len(answer["items"]) == 20


def test_trying_it_with_a_pasted_token_creates_an_item(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, local.token())
    status, answer = execute(operation(page, "post", "/news/"), sent("browser"))
    assert (status, answer["url"], answer["version"]) == (201, sent("browser")["url"], 1)


def test_trying_it_shows_the_problem_of_a_bad_item(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, local.token())
    status, answer = execute(operation(page, "post", "/news/"), sent(category="not a word"))
    assert (status, answer["status"], answer["errors"][0]["field"]) == (400, 400, "category")


def test_trying_it_shows_the_problem_of_a_bad_token(page, local):
    page.goto(f"{local.url}/docs")
    paste(page, "not.a.token")
    status, answer = execute(operation(page, "post", "/news/"), sent())
    assert (status, answer["title"]) == (401, "Unauthorized")


def test_behind_a_base_path_trying_it_asks_there(page):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, docs=True))
    service = NewsService(FakeDao(), now=clock())
    setup_route(app, service)
    service.create(sent("behind"))
    server = make_server("127.0.0.1", 0, DispatcherMiddleware(Response("", 404), {"/v1": app}), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/v1/docs")
        status, answer = execute(operation(page, "get", "/news/"))
        assert (status, [each["url"] for each in answer["items"]]) == (200, [sent("behind")["url"]])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
