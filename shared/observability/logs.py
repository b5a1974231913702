"""The log of the process: JSON for machines or text for a person, one record per line on standard error.

The lines of requests are built in log_formats.py.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from shared.observability.context import request_context

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

QUIET_LOGGERS = ("botocore", "pynamodb", "urllib3")
"""Libraries that log their configuration at INFO and the requests that they send at DEBUG."""

STANDARD_ATTRIBUTES = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})
"""The attributes of every log record. All others come from `extra`."""


def init_logs(level: str, *, as_json: bool) -> None:
    """Configure the root logger. A second call replaces the configuration of the first."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, StderrHandler) or type(handler).__module__.startswith("awslambdaric"):
            root.removeHandler(handler)  # the handler of Lambda's runtime would write every line again
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(TEXT_FORMAT))
    root.addHandler(handler)
    root.setLevel(level)
    for library in QUIET_LOGGERS:
        logging.getLogger(library).setLevel(logging.WARNING)


def write_line(line: str) -> None:
    """Write a line, which ends with a newline, to standard error. Ignore a closed or broken stream."""
    try:
        sys.stderr.buffer.write(line.encode())
        sys.stderr.buffer.flush()
    except (OSError, ValueError):  # a broken pipe, a closed file
        pass


class StderrHandler(logging.Handler):
    """Writes to the current `sys.stderr`, which Lambda's runtime and tests replace."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            write_line(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  # a record that cannot be formatted must not fail its caller
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object, with the ids of the current request and the fields of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON text, in ASCII. Values that JSON cannot represent are converted with `str`."""
        ctx = request_context()
        fields: dict[str, object] = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "logger": record.name,
            "request_id": ctx.request_id or None,
            "trace_id": ctx.trace_id or None,
        }
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = self.formatException(record.exc_info)
            fields["exception_name"] = record.exc_info[0].__name__
        extra = vars(record).keys() - STANDARD_ATTRIBUTES - fields.keys()
        fields |= {name: vars(record)[name] for name in sorted(extra)}
        return json.dumps({name: value for name, value in fields.items() if value is not None}, default=str)
