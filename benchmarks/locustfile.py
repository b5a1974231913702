"""What `make load` sends: people who read, and some who write and take away what they have written.

Run by locust, in an environment of its own. HOST is whom to ask, else the run that is up; TOKEN is what to
write with, else one of `make token`, where the run takes such (PYTHON makes it). Without one, nobody writes.
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

from tools.local import run_env as local_env

CATEGORIES = ("science", "technology", "business", "world")
TOKEN_SECONDS = 600
HOST = os.environ.get("HOST") or "http://" + local_env.read().get("BIND", "127.0.0.1:8000")


class Tokens:
    """A token that is valid, for all writers."""

    made_at = float("-inf")
    token = ""

    def get(self):
        if time.monotonic() - self.made_at > TOKEN_SECONDS:
            self.made_at = time.monotonic()
            self.token = os.environ.get("TOKEN") or self._made()
        return self.token

    def _made(self):
        command = [os.environ.get("PYTHON", sys.executable), "-m", "tools.local.token"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()


TOKENS = Tokens()


class Reader(HttpUser):
    """Looks at lists, and at what is in them."""

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
            found = self.client.get(
                f"/news/{random.choice(self.ids)}", name="/news/<id>", catch_response=True
            )
            with found as response:  # a writer may have removed it meanwhile
                if response.status_code == 404:
                    response.success()


class Writer(HttpUser):
    """Creates an item, replaces it, and removes it: the table is as before."""

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
        place, tag = created.headers["Location"], {"If-Match": created.headers["ETag"]}
        self.client.put(place, json=item, headers=headers | tag, name="/news/<id>")
        self.client.delete(place, headers=headers, name="/news/<id>")
