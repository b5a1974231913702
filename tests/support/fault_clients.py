"""Clients that write while faults are injected, and record the outcome of each write."""

import itertools
import threading
import time
from collections import Counter

import requests

from news.dao import NewsDao
from news.service import NewsService
from shared.errors import Unavailable
from support import token_issuer
from support.fakes import etag, sent

UNKNOWN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""Errors after which it is unknown whether the request was processed."""


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
