"""A running service, in Lambda's runtime or under gunicorn, whose Redis and DynamoDB can fail."""

import sys
from contextlib import ExitStack

import requests

from news.dao import NewsDao
from news.service import NewsService
from support import token_issuer
from support.dynamodb_proxy import Proxy
from support.environment import ROOT, settings_for
from support.event_builders import Request, http_api_2, parse_response
from support.fakes import sent
from support.lambda_emulator import invoke
from support.log_lines import parse_request_log, sum_metric
from support.redis_servers import Valkey
from tools.local.lambda_runtime import serving
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES, create_tables


class Run:
    """A running service with a Redis and a DynamoDB that can fail, and its log."""

    def __init__(self, entry_point, dynamodb_url, folder):
        self.entry_point, self.folder, self.log = entry_point, folder, folder / "log"
        self.proxy = Proxy(dynamodb_url)
        self.settings = settings_for(self.proxy.url)

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
            create_tables(self.settings)
            NewsService(NewsDao(self.settings)).create(sent(1))
            self.valkey = stack.enter_context(Valkey(self.folder))
            self.environment = LOCAL_NAMES | {
                "AWS_REGION": self.settings.region,
                "AWS_ENDPOINT_URL_DYNAMODB": self.proxy.url,
                "NEWS_TABLE": self.settings.table("news"),
                "REDIS_URL": self.valkey.url,
                "STAGE": "test",
            }
            getattr(self, f"start_{self.entry_point}")(stack)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start_lambda(self, stack):
        url = stack.enter_context(serving("functions.news.handler", env=self.environment, log=self.log))

        def send(method, target, body=b"", headers=()):
            path, _, query = target.partition("?")
            _, event = invoke(url, http_api_2(Request(method, path, query, headers=headers, body=body)))
            return parse_response(event).status

        self.send = send

    def start_gunicorn(self, stack, **more):
        auth = token_issuer.auth_settings(self.folder / "jwks.json")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        tokens = {"AUTH_ISSUER": auth.issuer, "AUTH_AUDIENCE": auth.audience, "AUTH_JWKS": auth.jwks}
        env = self.environment | tokens | more | {"BIND": f"127.0.0.1:{port}", "PYTHON": sys.executable}
        server = stack.enter_context(Processes()).start([str(ROOT / "entrypoint.sh")], env, self.log)
        wait_for_port(server, port)
        session = stack.enter_context(requests.Session())

        def send(method, target, body=b"", headers=()):
            response = session.request(
                method, self.url + target, data=body, headers=dict(headers), timeout=10
            )
            return response.status_code

        self.send = send

    def requests(self):
        return parse_request_log(self.log.read_text())

    def sum_metric(self, name):
        return sum_metric(self.requests(), name)
