"""Parsers of setting values: each returns the parsed value, or raises ValueError with the expected format.

The message is a predicate such as `must be one of yes, no`, since SettingsError prepends the variable's name.

`msgspec.convert` with `Meta(pattern=...)` would save no line: each of the 9 parsers that are only a pattern
would become a type alias, and `pattern_parser` (9 lines) a function that replaces the errors, which show
the pattern instead of an example. And `python -m shared.config` must run before packages are installed.
"""

import re
from collections.abc import Callable
from importlib.util import find_spec

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_PORT = 65535


def pattern_parser(pattern: str, expected: str) -> Callable[[str], str]:
    """Return a parser that accepts texts that match a pattern as a whole."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {expected}")
        return text

    return parse


def number_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of a number within limits."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"0|[1-9][0-9]{0,6}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"must be a number from {minimum} to {maximum}")
        return int(text)

    return parse


parse_cache_shards = number_parser(1, 16)
parse_feed_shards = number_parser(1, 64)
parse_rate_limit = number_parser(0, 1_000_000)
parse_stage = pattern_parser(r"[a-z][a-z0-9-]{0,31}", "a stage name such as local, dev or prod")
parse_region = pattern_parser(r"[a-z]{2,}(-[a-z0-9]+)+", "an AWS region such as eu-central-1")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
parse_table_name = pattern_parser(
    r"[A-Za-z0-9_.-]{3,255}", "a DynamoDB table name: 3 to 255 of A-Z a-z 0-9 _ . -"
)
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html: lowercase only
parse_iam_user = pattern_parser(r"[a-z][a-z0-9-]{0,39}", "the id of an ElastiCache user, in lowercase")
parse_iam_cache = pattern_parser(r"[a-z][a-z0-9-]{0,39}", "the name of an ElastiCache cache, in lowercase")
parse_metrics_path = pattern_parser(r"(/[A-Za-z0-9._-]+)+", "a path such as /metrics")


def parse_base_path(text: str) -> str:
    """Return a path without outer slashes, as in the key of an API mapping; `/` is the root.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
    """
    segment = r"(?!\.{1,2}(/|$))[A-Za-z0-9$_.+!*'()-]+"
    if not re.fullmatch(rf"/|/?{segment}(/{segment})*/?", text):
        raise ValueError("must be a path such as v1 or shop/v1, or / for the root")
    return text.strip("/") or "/"


def parse_yes_or_no(text: str) -> bool:
    """Return True for `yes`, and False for `no`."""
    if text not in {"yes", "no"}:
        raise ValueError("must be one of yes, no")
    return text == "yes"


def parse_log_level(text: str) -> str:
    """Return one of Python's log levels, in uppercase."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def parse_log_format(text: str) -> bool:
    """Return True for `json`, and False for `text`."""
    if text not in {"json", "text"}:
        raise ValueError("must be one of json, text")
    return text == "json"


def parse_metrics_bind(text: str) -> str:
    """Return the address and port of the metrics for Prometheus.

    Raises:
        ValueError: The format is invalid, or prometheus-client is not installed.
    """
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host) or not _is_port(port):
        raise ValueError("must be an address and port such as 127.0.0.1:9464")
    if find_spec("prometheus_client") is None:
        raise ValueError("requires prometheus-client, which is not installed")
    return text


def parse_bind(text: str) -> str:
    """Return the address and port, or the socket, on which gunicorn listens."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch("unix:.+", text) and (not host or not _is_port(port)):
        raise ValueError("must be an address and port such as 127.0.0.1:8000, or unix:PATH")
    return text


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) <= MAX_PORT
