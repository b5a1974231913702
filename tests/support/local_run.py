"""A `make run` of a test's own, in a folder of its own."""

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from support.environment import CLEAN, ROOT
from tools.local.processes import free_port


class LocalRun:
    """Starts `python -m tools.local.run` on a free port, and stops it."""

    def __init__(self, folder, root=ROOT, **env):
        self.folder = folder
        self.bind = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.bind}"
        self.environment = {"LOCAL": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.local.run"],
            cwd=root,
            env=CLEAN | {"LOCAL": str(folder), "BIND": self.bind} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read)

    def __enter__(self):
        self.wait_until_up()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGTERM)

    def wait_until_up(self):
        """Return what was said until the service was up."""
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                self.reader.start()  # else the run would wait for somebody who reads its log
                return said
        raise AssertionError("".join(said))

    def lines_from(self, text):
        """What is said, from the next line on that holds the text; to wait for one too long is an error."""
        return itertools.dropwhile(
            lambda line: text not in line, iter(lambda: self.said.get(timeout=60), None)
        )

    def _read(self):
        for line in self.process.stdout:
            self.said.put(line)
        self.said.put(None)

    def rest(self):
        """All that is said until the run ends."""
        said = "".join(iter(lambda: self.said.get(timeout=60), None))
        self.reader.join()
        self.process.stdout.close()
        return said

    def token(self, scope="news:write"):
        """What `make token` prints for this run."""
        return subprocess.run(
            [sys.executable, "-m", "tools.local.token", "--scope", scope],
            cwd=ROOT,
            env=CLEAN | self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def writer(self):
        """For `requests`: adds a token to what changes something, so that reads stay anonymous."""
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
        """The processes that this run started and that are alive, by their command, Linux only."""
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

    def none_left(self):
        """Whether all of them end within a few seconds."""
        deadline = time.monotonic() + 20
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.processes()


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
