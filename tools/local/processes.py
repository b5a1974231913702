"""Child processes that end with their parent, even when that is killed."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_SECONDS = 10
"""Seconds until a process that does not end is killed."""

START_SECONDS = 30
"""Seconds in which a server must accept connections."""

PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""


class StartError(Exception):
    """A process could not be started. The message is one line."""


class Processes:
    """Started processes, stopped in reverse order when the context ends."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._started):
            _stop(process)

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process that does not receive the terminal's Ctrl-C.

        Args:
            command: the program and its arguments.
            env: variables in addition to those of this process.
            log: a file for its output; None is this process's output.
            folder: its working folder; None is this process's.
        """
        with contextlib.ExitStack() as files:
            output = files.enter_context(log.open("wb")) if log else None
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        self._started.append(process)
        return process


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until a server accepts connections on a port of 127.0.0.1.

    Raises:
        StartError: it ended, or did not accept any in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise StartError(f"{process.args!r} did not start")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Terminate a process, and kill the processes that it leaves behind."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_with_parent() -> None:
    """In the new process: receive SIGTERM when the parent dies, even by kill -9."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
