"""The rate limit (RateLimitPerMinute): the functions get it with a cache that counts, and only then."""

from collections.abc import Iterator

from deploy.network_parameters import VALID
from tools.deploy.template import ResolvedTemplate


def limited_functions(template) -> Iterator[str]:
    """Yield functions with a limit that no cache counts, or without the limit of the parameters."""
    for parameters in VALID:
        resolved = ResolvedTemplate(template, **parameters)
        for name, function in resolved.of_type("Lambda::Function").items():
            variables = function["Environment"]["Variables"]
            if "RATE_LIMIT" in variables and "REDIS_URL" not in variables:
                yield f"{name}: RATE_LIMIT without REDIS_URL"
            expected = parameters.get("RateLimitPerMinute") if "REDIS_URL" in variables else None
            if variables.get("RATE_LIMIT") != expected:
                yield f"{name}: RATE_LIMIT is {variables.get('RATE_LIMIT')}, not {expected}"


def counting_users(template) -> Iterator[str]:
    """Yield users of the cache that cannot count requests, or may although there is no limit."""
    for limit in ("0", "60"):
        resolved = ResolvedTemplate(template, RateLimitPerMinute=limit)
        for name, user in resolved.of_type("ElastiCache::User").items():
            if ("+incr" in user["AccessString"].split()) is (limit == "0"):
                yield f"{name}: with RateLimitPerMinute={limit}, it may use {user['AccessString']}"
