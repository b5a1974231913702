"""Settings of gunicorn. entrypoint.sh passes them on as options, and has their defaults."""

import os
from collections.abc import Callable, Mapping

from shared.config import parsers
from shared.config.settings import SettingsError, read

PARSERS: dict[str, Callable[[str], object]] = {
    "BIND": parsers.parse_bind,
    "WORKERS": parsers.number_parser(1, 256),
    "TIMEOUT": parsers.number_parser(1, 3600),
    "LIMIT_REQUEST_FIELD_SIZE": parsers.number_parser(256, 65536),
    "MAX_REQUESTS": parsers.number_parser(0, 9_999_999),
    "RELOAD": parsers.parse_yes_or_no,
    "PROFILE": parsers.parse_yes_or_no,
}


def validate_gunicorn_settings(env: Mapping[str, str] = os.environ) -> None:
    """Validate the settings of gunicorn.

    Raises:
        SettingsError: A setting is invalid.
    """
    for name, parse in PARSERS.items():
        read(env, name, parse, None)
    metrics_bind = env.get("METRICS_BIND", "")
    if metrics_bind and metrics_bind.rpartition(":")[2] == env.get("BIND", "").rpartition(":")[2]:
        raise SettingsError(f"METRICS_BIND: must have another port than BIND, got {metrics_bind!r}")
