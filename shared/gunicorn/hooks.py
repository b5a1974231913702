"""The configuration file of gunicorn: options, the logger class and the server hooks.

entrypoint.sh passes this module in `--config`, and adds the options that depend on the environment. gunicorn
reads the names that match its settings: https://docs.gunicorn.org/en/stable/settings.html
"""

import logging
import os
import shutil
import traceback
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from gunicorn import glogging

import shared.socket_poll  # noqa: F401  # before gevent replaces `select.poll`
from shared.config import Settings
from shared.constants import MULTIPROC_DIR
from shared.observability.logs import init_logs

log = logging.getLogger(__name__)

SHARED_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # nosec B108

worker_class = "shared.gunicorn.worker.Worker"
logger_class = "shared.gunicorn.hooks.Logger"
loglevel = "warning"
control_socket_disable = True
worker_connections = 800
"""Below the usual limit of 1,024 open files."""

keepalive = 75
"""Longer than the idle timeout of a load balancer (60 s on AWS), which must close a connection first."""

limit_request_fields = 64
"""Bounds the memory of a connection."""

forwarder_headers = ""
"""No client header can set a WSGI variable such as SCRIPT_NAME."""

worker_tmp_dir = SHARED_MEMORY
"""For the files by which workers report that they are alive. A disk can be slow or read-only."""


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Writes the messages of gunicorn to the log of the service, in the same format."""

    def setup(self, cfg: Any) -> None:
        """Replace the handlers of gunicorn with those of the root logger."""
        super().setup(cfg)
        settings = Settings.from_env()
        init_logs(settings.log_level, as_json=settings.log_json)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        # The first traceback imports modules on Python 3.15, which would fail once no file can be opened.
        traceback.format_stack()


def pre_request(_worker: Any, req: Any) -> None:
    """Correct two differences between gunicorn and RFC 9110.

    The HTTP version of a response must not exceed the version that the server supports (section 2.5).
    `Connection` is a list, in which `close` may be one of several options (section 7.6.1).
    """
    req.version = min(req.version, (1, 1))
    for name, value in req.headers:
        if name == "CONNECTION" and "close" in [option.strip().lower() for option in value.split(",")]:
            req.force_close()


def when_ready(_server: Any) -> None:
    """Create the folder in which the workers share their metrics, in shared memory if possible."""
    if not Settings.from_env().metrics_bind:
        return
    try:
        os.environ[MULTIPROC_DIR] = mkdtemp(prefix="metrics-", dir=SHARED_MEMORY)
    except OSError:
        log.exception("metrics are disabled: cannot create their folder")


def pre_fork(server: Any, worker: Any) -> None:
    """Assign the lowest free slot to the worker. The slot names the files of its metrics.

    A later worker in the same slot continues to count in the same files, so that the number of files does not
    grow. If the folder was deleted, it is created again.
    """
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in count() if slot not in taken)
    if folder := os.environ.get(MULTIPROC_DIR):
        try:
            Path(folder).mkdir(mode=0o700, exist_ok=True)
        except OSError:
            log.exception("metrics are unavailable: cannot create their folder")


def on_exit(_server: Any) -> None:
    """Delete the folder of the metrics."""
    if folder := os.environ.get(MULTIPROC_DIR):
        shutil.rmtree(folder, ignore_errors=True)
