"""gunicorn's settings that are code: the logger class and the server hooks.

entrypoint.sh names this module in `--config`, and gunicorn takes what is called like one of its settings.
https://docs.gunicorn.org/en/stable/settings.html#server-hooks
"""

import logging
import os
import shutil
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from gunicorn import glogging

from shared.config import Settings
from shared.constants import MULTIPROC_DIR
from shared.observability.logs import init_logs

log = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108  # mkdtemp makes a folder there that nobody else may enter


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Writes gunicorn's own messages to the log of the service, in its format."""

    def setup(self, cfg: Any) -> None:
        """Replace gunicorn's handlers by those of the root logger."""
        super().setup(cfg)
        settings = Settings.from_env()
        init_logs(settings.log_level, as_json=settings.log_json)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def pre_request(_worker: Any, req: Any) -> None:
    """Correct two things that gunicorn reads differently from the RFCs.

    The response has no higher version than the server conforms to (RFC 9110, section 2.5), and `Connection`
    is a list, in which `close` need not be alone (RFC 9110, section 7.6.1).
    """
    req.version = min(req.version, (1, 1))
    for name, value in req.headers:
        if name == "CONNECTION" and "close" in [option.strip().lower() for option in value.split(",")]:
            req.force_close()


def when_ready(_server: Any) -> None:
    """Create the folder in which the workers share their metrics, in memory where that is possible."""
    if not Settings.from_env().metrics_bind:
        return
    try:
        parent = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
        os.environ[MULTIPROC_DIR] = mkdtemp(prefix="metrics-", dir=parent)
    except OSError:
        log.exception("metrics are off: there is no folder for them")


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no other worker has: it names the files of its metrics.

    A later worker with that number goes on counting in the same files, so that there are as many files as
    workers at one time. A folder that was deleted meanwhile is created again.
    """
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in count() if slot not in taken)
    if folder := os.environ.get(MULTIPROC_DIR):
        try:
            Path(folder).mkdir(mode=0o700, exist_ok=True)
        except OSError:
            log.exception("metrics are lost: their folder is gone")


def on_exit(_server: Any) -> None:
    """Remove the folder of the metrics."""
    if folder := os.environ.get(MULTIPROC_DIR):
        shutil.rmtree(folder, ignore_errors=True)
