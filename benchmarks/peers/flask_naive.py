"""Flask and serverless-wsgi, written without optimization: Redis GET, json.loads, jsonify."""

import json
import os

import redis
import serverless_wsgi
from flask import Flask, jsonify

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/news/")
def index():
    return jsonify(json.loads(cache.get("page")))


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
