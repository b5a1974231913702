"""What a client does with a deployed stack, through its API."""

import json
from http import HTTPStatus

from deploy.aws_emulator import Gateway
from support.fakes import sent

WRITER = {"iss": "https://login.example.com/", "aud": "news", "scope": "news:read news:write", "sub": "7"}
"""The claims of a token that may write, of the issuer and for the audience that stacks are deployed with."""


def check_deployed_api(stack, surroundings, number, *, has_cache):
    """Create, read and list through what is deployed, with its permissions; be refused without a token."""
    surroundings.know(stack)
    miss, hit = ("MISS", "HIT") if has_cache else ("BYPASS", "BYPASS")
    with Gateway(stack, surroundings) as api:
        assert api.ask("POST", "/news", sent(number))["statusCode"] == HTTPStatus.UNAUTHORIZED
        reader = WRITER | {"scope": "news:read"}
        assert api.ask("POST", "/news", sent(number), reader)["statusCode"] == HTTPStatus.FORBIDDEN
        created = api.ask("POST", "/news/", sent(number), WRITER)
        assert created["statusCode"] == HTTPStatus.CREATED
        place = created["headers"]["Location"]
        for path in (place, "/news", "/news/?category=science", "/news?source=example.com"):
            answers = [api.ask("GET", path) for _ in range(2)]
            assert [(each["statusCode"], each["headers"]["X-Cache"]) for each in answers] == [
                (200, miss),
                (200, hit),
            ]
        match = [("If-Match", created["headers"]["ETag"])]
        changed = api.ask("PUT", place, sent(number, title="New"), WRITER, headers=match)
        assert changed["statusCode"] == HTTPStatus.OK
        assert api.ask("GET", place)["headers"]["X-Cache"] == miss
        checks = {"dynamodb": "ok"} | ({"redis": "ok"} if has_cache else {})
        assert json.loads(api.ask("GET", "/health?deep=1")["body"]) == {"status": "ok", "checks": checks}
        assert api.ask("GET", "/nothing")["statusCode"] == HTTPStatus.NOT_FOUND
    assert surroundings.elasticache.refusals == []
