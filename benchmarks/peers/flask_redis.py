"""Flask and serverless-wsgi with one Redis GET whose bytes are the response body."""

import os

import redis
import serverless_wsgi
from flask import Flask, Response

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/news/")
def index():
    return Response(cache.get("page"), content_type="application/json")


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
