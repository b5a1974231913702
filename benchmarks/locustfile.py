"""The users that `make load` simulates: readers, and writers that delete what they create.

Locust runs this file in an environment of its own. Variables: HOST is the base URL (default: the service of
`make run`); TOKEN authorizes writes (default: a token of `make token`, created with the interpreter PYTHON).
Without a token there are no writers.
"""

import os
import random
import subprocess
import sys
import time
import uuid
from pathlib import Path

from locust import HttpUser, between, task

sys.path.insert(0, str(Path(__file__).parent.parent))

from tools.local import run_env

CATEGORIES = ("science", "technology", "business", "world")
TOKEN_SECONDS = 600
HOST = os.environ.get("HOST") or "http://" + run_env.read().get("BIND", "127.0.0.1:8000")


class Tokens:
    """Provides a valid token to all writers."""

    created_at = float("-inf")
    token = ""

    def get(self):
        if time.monotonic() - self.created_at > TOKEN_SECONDS:
            self.created_at = time.monotonic()
            self.token = os.environ.get("TOKEN") or self._create()
        return self.token

    def _create(self):
        command = [os.environ.get("PYTHON", sys.executable), "-m", "tools.local.token"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()


TOKENS = Tokens()


class Reader(HttpUser):
    """Reads lists and the items in them."""

    host = HOST
    weight = 9
    wait_time = between(0.05, 0.2)
    ids = ()

    @task(6)
    def read_list(self):
        response = self.client.get("/news/", name="/news/")
        if response.ok:
            self.ids = [item["id"] for item in response.json()["items"]]

    @task(2)
    def read_category(self):
        query = {"category": random.choice(CATEGORIES), "limit": 10}
        self.client.get("/news/", params=query, name="/news/?category=")

    @task(4)
    def read_item(self):
        if self.ids:
            request = self.client.get(
                f"/news/{random.choice(self.ids)}", name="/news/<id>", catch_response=True
            )
            with request as response:  # a writer may have deleted the item
                if response.status_code == 404:
                    response.success()


class Writer(HttpUser):
    """Creates, replaces and deletes an item, so the table does not change."""

    host = HOST
    weight = 1 if TOKENS.get() else 0
    wait_time = between(0.5, 1)

    @task
    def write(self):
        headers = {"Authorization": f"Bearer {TOKENS.get()}"}
        item = {"title": "Load", "source": "load.example.com", "category": random.choice(CATEGORIES)}
        url = f"https://load.example.com/{uuid.uuid4()}"
        created = self.client.post("/news/", json=item | {"url": url}, headers=headers, name="/news/")
        if created.status_code != 201:
            return
        url, if_match = created.headers["Location"], {"If-Match": created.headers["ETag"]}
        self.client.put(url, json=item, headers=headers | if_match, name="/news/<id>")
        self.client.delete(url, headers=headers, name="/news/<id>")
