"""Where the log goes, and how it is written: JSON for machines, or text for a person, on standard error.

JSON is written by Powertools' formatter, but for the lines of requests: see log_formats.py. It takes as
long to import as all of the log may add to a cold start, and so it is imported with the first line.
"""

import json
import logging
import sys
from functools import cached_property, partial
from typing import TYPE_CHECKING

from shared.observability.context import request_context

if TYPE_CHECKING:
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

QUIET = ("botocore", "pynamodb", "urllib3")
"""Libraries that tell at INFO how they found their settings, and at DEBUG what they send and get."""


def init_logs(level: str, *, as_json: bool) -> None:
    """Set up the log of this process; once more, where that has been done before."""
    root = logging.getLogger()
    for each in root.handlers[:]:
        if isinstance(each, StderrHandler) or type(each).__module__.startswith("awslambdaric"):
            root.removeHandler(each)  # Lambda's own would write every line a second time
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(TEXT))
    root.addHandler(handler)
    root.setLevel(level)
    for library in QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)


def load_formatter() -> None:
    """Import what formats messages, before there may be no file descriptor left to import it with."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonFormatter):
            handler.formatter.powertools  # noqa: B018  # it is imported when it is first used


def write(line: str) -> None:
    """Write a whole line to standard error; that nobody reads it is no reason to fail."""
    try:
        sys.stderr.buffer.write(line.encode())
        sys.stderr.buffer.flush()
    except (OSError, ValueError):  # a broken pipe, a closed file
        pass


class StderrHandler(logging.Handler):
    """Writes to what is standard error by then: Lambda's runtime and tests exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  # what can't be formatted must not fail who logs it
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the ids of the request in which it is written."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it as Powertools does."""
        record.logger = record.name
        record.request_id = request_context().request_id or None
        record.trace_id = request_context().trace_id or None
        return self.powertools.format(record)

    @cached_property
    def powertools(self) -> "LambdaPowertoolsFormatter":
        """The formatter that does the work."""
        from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415  # see above

        return LambdaPowertoolsFormatter(
            json_serializer=partial(json.dumps, default=str),  # in ASCII, so that it holds any text
            json_deserializer=str,  # a message that happens to be JSON is a message all the same
            serialize_stacktrace=False,  # the text of the exception has it
            use_rfc3339=True,
            utc=True,
            xray_trace_id=None,  # it is our trace_id
        )
