"""Files of news, and the command of `make import`."""

import json
import subprocess
import sys

from news.dao import NewsDao
from news.model import NewsFilter
from support.environment import CLEAN, ROOT, table_settings
from support.fakes import sent
from support.waiting import wait_until


def write(path, lines):
    text = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(b"\n".join(text) + b"\n")
    return path


def command(path):
    return [sys.executable, "-m", "tools.local.import_news", str(path)]


def environment(settings):
    return CLEAN | {
        "STAGE": "local",
        "AWS_REGION": settings.region,
        **table_settings(settings),
        "AWS_ENDPOINT_URL_DYNAMODB": settings.dynamodb_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def run(arguments, env, **options):
    return subprocess.run(
        arguments, cwd=ROOT, env=env, capture_output=True, text=True, check=False, **options
    )


def ids(settings):
    dao, found, after = NewsDao(settings), [], None
    while True:
        items, after = dao.page(NewsFilter(), after, 100)
        found += [item.id for item in items]
        if after is None:
            return found


BOM = b"\xef\xbb\xbf"


def line(n):
    return json.dumps(sent(n)).encode() + b"\n"


def wait_for_items(settings):
    """Wait until an import has stored items."""
    dao = NewsDao(settings)
    wait_until(lambda: dao.page(NewsFilter(), None, 1)[0])
