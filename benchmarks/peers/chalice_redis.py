"""AWS Chalice with one Redis GET whose bytes are the response body. It knows REST API events only.

See https://aws.github.io/chalice/topics/views.html.
"""

import os

import redis
from chalice import Chalice, Response

app = Chalice(app_name="news")
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.route("/news")
def index():
    return Response(cache.get("page").decode(), {"Content-Type": "application/json"})


handler = app
