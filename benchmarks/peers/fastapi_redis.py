"""FastAPI and Mangum with one Redis GET whose bytes are the response body.

See https://fastapi.tiangolo.com/advanced/response-directly/ and https://mangum.fastapiexpert.com/.
"""

import os

import redis.asyncio
from fastapi import FastAPI, Response
from mangum import Mangum

app = FastAPI()
cache = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/news/")
async def index():
    return Response(await cache.get("page"), media_type="application/json")


handler = Mangum(app, lifespan="off")
