"""What a setting may look like: each takes the text, or raises ValueError, which says what it must be."""

import re
from collections.abc import Callable
from importlib.util import find_spec

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_FEED_SHARDS = 64
MAX_PORT = 65535


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(what)
        return text

    return parse


stage = _matching(r"[a-z][a-z0-9-]{0,31}", "a stage's name such as local, dev or prod")
region = _matching(r"[a-z]{2,}(-[a-z0-9]+)+", "an AWS region such as eu-central-1")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
table = _matching(r"[A-Za-z0-9_.-]{3,255}", "the name of a DynamoDB table (3 to 255 of A-Z a-z 0-9 _ . -)")
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html: small letters only
iam_user = _matching(r"[a-z][a-z0-9-]{0,39}", "the id of an ElastiCache user, in small letters")
iam_cache = _matching(r"[a-z][a-z0-9-]{0,39}", "the name of an ElastiCache cache, in small letters")


def base_path(text: str) -> str:
    """Return a path without its outer slashes, as an API mapping's key has it; `/` stays, and is the root.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
    """
    segment = r"(?!\.{1,2}(/|$))[A-Za-z0-9$_.+!*'()-]+"
    if not re.fullmatch(rf"/|/?{segment}(/{segment})*/?", text):
        raise ValueError("a path such as v1 or shop/v1, or / for the root")
    return text.strip("/") or "/"


def yes_or_no(text: str) -> bool:
    """A switch."""
    if text not in {"yes", "no"}:
        raise ValueError("one of yes, no")
    return text == "yes"


def log_level(text: str) -> str:
    """A level, in capitals."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def is_json(text: str) -> bool:
    """The form of a log: whether it is JSON."""
    if text not in {"json", "text"}:
        raise ValueError("one of json, text")
    return text == "json"


def metrics_path(text: str) -> str:
    """The path at which Prometheus finds the metrics."""
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", text):
        raise ValueError("a path such as /metrics")
    return text


def metrics_bind(text: str) -> str:
    """The address and port at which Prometheus finds the metrics."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host) or not _is_port(port):
        raise ValueError("an address and port such as 127.0.0.1:9464")
    if find_spec("prometheus_client") is None:
        raise ValueError("possible here: prometheus-client is not installed")
    return text


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) <= MAX_PORT


def feed_shards(text: str) -> int:
    """A number of shards."""
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > MAX_FEED_SHARDS:
        raise ValueError(f"a number from 1 to {MAX_FEED_SHARDS}")
    return int(text)
