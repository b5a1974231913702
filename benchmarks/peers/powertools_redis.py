"""Powertools for AWS Lambda: its HTTP API resolver, and one Redis GET whose bytes are the response body.

See https://docs.aws.amazon.com/powertools/python/latest/core/event_handler/api_gateway/.
"""

import os

import redis
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

app = APIGatewayHttpResolver()
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/news/")
def index():
    return Response(200, "application/json", cache.get("page").decode())


def handler(event, context):
    return app.resolve(event, context)
