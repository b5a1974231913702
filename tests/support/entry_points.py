"""Every entry point of an app: gunicorn, and Lambda with each source of events."""

import json

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
from support.sample_apps import CONTEXT

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


def recorded_paths(app):
    """Return a list that records SCRIPT_NAME and PATH_INFO of each request to an app."""
    paths = []
    wsgi_app = app.wsgi_app

    def recorder(environ, start_response):
        paths.append((environ["SCRIPT_NAME"], environ["PATH_INFO"]))
        return wsgi_app(environ, start_response)

    app.wsgi_app = recorder
    return paths
