"""Runs `make run` in a temporary folder."""

import itertools
import os
import queue
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

from support.environment import CLEAN, ROOT, UNMEASURED
from tools.local.processes import free_port


class LocalRun:
    """A context manager that runs `python -m tools.local.run` on a free port.

    Its processes count for coverage only if `measured`.
    """

    def __init__(self, folder, root=ROOT, *, measured=False, **env):
        self.folder = folder
        self.bind = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.bind}"
        self.environment = {"LOCAL": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.local.run"],
            cwd=root,
            env=CLEAN | ({} if measured else UNMEASURED) | {"LOCAL": str(folder), "BIND": self.bind} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read)

    def __enter__(self):
        self.wait_until_up()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGTERM)

    def wait_until_up(self):
        """Return the output until the service is up."""
        output = ""
        for line in self.process.stdout:
            output += line
            if "Ctrl-C" in line:
                self.reader.start()  # otherwise the run would block on a full pipe
                return output
        raise AssertionError(output)

    def lines_from(self, text):
        """Yield the output from the next line on that contains a text. Waiting too long is an error."""
        return itertools.dropwhile(
            lambda line: text not in line, iter(lambda: self.output.get(timeout=60), None)
        )

    def _read(self):
        for line in self.process.stdout:
            self.output.put(line)
        self.output.put(None)

    def rest(self):
        """Return the output until the run ends."""
        output = "".join(iter(lambda: self.output.get(timeout=60), None))
        self.reader.join()
        self.process.stdout.close()
        return output

    def token(self, scope="news:write"):
        """Return a token of `make token` for this run."""
        return subprocess.run(
            [sys.executable, "-m", "tools.local.token", "--scope", scope],
            cwd=ROOT,
            env=CLEAN | self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def writer(self):
        """Return an `auth` argument of requests that adds a token to write requests only."""
        token = self.token()

        def add(request):
            if request.method not in {"GET", "HEAD", "OPTIONS"}:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        return add

    def stop(self, with_signal):
        """Send a signal and return the exit code."""
        self.process.send_signal(with_signal)
        code = self.process.wait(20)
        if self.reader.ident:
            self.reader.join()
        self.process.stdout.close()
        return code

    def processes(self):
        """Return the commands of the living processes of this run by process id. Linux only."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"LOCAL={self.folder}".encode() in environment and command:
                found[int(folder.name)] = command
        return found

    def has_ended(self):
        """Return whether all processes of this run end within some seconds. Linux only."""
        deadline = time.monotonic() + 20
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.processes()


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def failed_start(folder, **env):
    """Return the one-line error of a run that does not start."""
    process = subprocess.run(
        [sys.executable, "-m", "tools.local.run"],
        cwd=ROOT,
        env=CLEAN | {"LOCAL": str(folder), "BIND": f"127.0.0.1:{free_port()}"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (1, "")
    [line] = process.stderr.splitlines()
    return line


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)
