"""Requests that a client sends to a deployed API, with the expected responses."""

import json
from http import HTTPStatus

from deploy.stand_in.api_gateway import ApiGateway
from support.fakes import sent

WRITER = {"iss": "https://login.example.com/", "aud": "news", "scope": "news:read news:write", "sub": "7"}
"""Claims of a token with the write scope, from the issuer and for the audience of the deployed stacks."""


def check_deployed_api(stack, lambda_environment, number, *, has_cache):
    """Create, read, list and replace an item, with the deployed permissions."""
    lambda_environment.add_caches(stack)
    miss, hit = ("MISS", "HIT") if has_cache else ("BYPASS", "BYPASS")
    with ApiGateway(stack, lambda_environment) as api:
        assert api.request("POST", "/news", sent(number))["statusCode"] == HTTPStatus.UNAUTHORIZED
        reader = WRITER | {"scope": "news:read"}
        assert api.request("POST", "/news", sent(number), reader)["statusCode"] == HTTPStatus.FORBIDDEN
        created = api.request("POST", "/news/", sent(number), WRITER)
        assert created["statusCode"] == HTTPStatus.CREATED
        location = created["headers"]["Location"]
        for path in (location, "/news", "/news/?category=science", "/news?source=example.com"):
            responses = [api.request("GET", path) for _ in range(2)]
            assert [(each["statusCode"], each["headers"]["X-Cache"]) for each in responses] == [
                (200, miss),
                (200, hit),
            ]
        match = [("If-Match", created["headers"]["ETag"])]
        replaced = api.request("PUT", location, sent(number, title="New"), WRITER, headers=match)
        assert replaced["statusCode"] == HTTPStatus.OK
        assert api.request("GET", location)["headers"]["X-Cache"] == miss
        checks = {"dynamodb": "ok"} | ({"redis": "ok"} if has_cache else {})
        health = json.loads(api.request("GET", "/health?deep=1")["body"])
        assert health == {"status": "ok", "checks": checks}
        assert api.request("GET", "/nothing")["statusCode"] == HTTPStatus.NOT_FOUND
    assert lambda_environment.elasticache.refusals == []
