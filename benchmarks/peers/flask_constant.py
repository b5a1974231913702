"""Flask and serverless-wsgi with a constant answer: what neither a cold start nor gunicorn can be below."""

import os
from pathlib import Path

import serverless_wsgi
from flask import Flask, Response

app = Flask(__name__)
page = Path(os.environ["PAGE"]).read_bytes()


@app.get("/news/")
def index():
    return Response(page, content_type="application/json")


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
