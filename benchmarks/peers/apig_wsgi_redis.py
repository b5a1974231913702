"""Flask and apig-wsgi with one Redis GET whose bytes are the response body.

See https://github.com/adamchainz/apig-wsgi.
"""

import os

import redis
from apig_wsgi import make_lambda_handler
from flask import Flask, Response

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/news/")
def index():
    return Response(cache.get("page"), content_type="application/json")


handler = make_lambda_handler(app)
