"""The gevent worker: concurrent requests do not block each other, and share connections."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from msgspec.structs import replace

from news.service import NewsService
from shared.cache.keys import generation_key, hash_tags
from support import token_issuer
from support.cache_harness import OLD_GENERATION
from support.environment import settings_for, table_settings
from support.fakes import sent
from support.gunicorn_server import GunicornServer
from support.python_script import output_of
from support.raw_http import WAIT_SECONDS, connect, get
from support.waiting import wait_until
from tools.local.processes import free_port
from tools.local.tables import create_tables


class SlowDynamoDb(BaseHTTPRequestHandler):
    """Responds when the test sets `released`."""

    protocol_version = "HTTP/1.1"
    received, released = threading.Semaphore(0), threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.received.release()
        self.released.wait(WAIT_SECONDS)
        body = b'{"Items": [], "Count": 0, "ScannedCount": 0}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def slow_dynamodb():
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowDynamoDb) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            SlowDynamoDb.released.set()
            server.shutdown()


def test_requests_that_wait_for_dynamodb_do_not_block_others(tmp_path):
    with (
        slow_dynamodb() as url,
        GunicornServer(tmp_path, AWS_ENDPOINT_URL_DYNAMODB=url) as server,
        ThreadPoolExecutor(4) as clients,
    ):
        waiting = [clients.submit(requests.get, f"{server.url}/news/", timeout=60) for _ in range(4)]
        for _ in range(4):  # all of them concurrently, in one worker
            assert SlowDynamoDb.received.acquire(timeout=WAIT_SECONDS)
        assert requests.get(f"{server.url}/health", timeout=WAIT_SECONDS).status_code == 200
        assert not any(request.done() for request in waiting)
        SlowDynamoDb.released.set()
        assert {request.result().status_code for request in waiting} == {200}


def test_a_request_that_waits_for_the_jwks_does_not_block_others(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT_SECONDS)
        auth = {
            "AUTH_ISSUER": token_issuer.ISSUER,
            "AUTH_AUDIENCE": token_issuer.AUDIENCE,
            "AUTH_JWKS": f"https://127.0.0.1:{silent.getsockname()[1]}/jwks",
        }
        with GunicornServer(tmp_path, **auth) as server, ThreadPoolExecutor(1) as client:
            headers = {"Authorization": f"Bearer {token_issuer.token()}"}
            writing = client.submit(
                requests.post, f"{server.url}/news/", json=sent(), headers=headers, timeout=60
            )
            connection, _ = silent.accept()
            assert requests.get(f"{server.url}/health", timeout=WAIT_SECONDS).status_code == 200
            assert not writing.done()
            connection.close()
            assert writing.result().status_code == 503


def test_connections_to_redis_are_shared_and_returned(tmp_path, moto_url, valkey):
    settings = settings_for(moto_url)
    create_tables(settings)
    NewsService.from_settings(settings).create_many([sent()])
    stage = {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, "REDIS_URL": valkey.url, **table_settings(settings)}
    with (
        GunicornServer(tmp_path, **stage) as server,
        ThreadPoolExecutor(32) as clients,
        valkey.client() as redis,
    ):

        def read(_):
            return requests.get(f"{server.url}/news/", timeout=60).headers["X-Cache"]

        (tag,) = hash_tags(replace(settings, stage="dev"), "news")
        redis.set(generation_key(tag), OLD_GENERATION)  # so the entry stays fresh until the test ends
        read(None)
        for _ in range(5):
            list(clients.map(read, range(64)))
        assert len(redis.client_list()) < 64  # the limit of the pool
        assert read(None) == "HIT"


def test_pipelined_requests_do_not_block_others(tmp_path):
    count = 20_000  # takes some seconds
    received = bytearray()

    def read(connection):
        with suppress(OSError):
            while data := connection.recv(65_536):
                received.extend(data)

    def send(connection):
        with suppress(OSError):
            connection.sendall(get(b"/health") * count)

    with GunicornServer(tmp_path) as server, connect(server.bind) as pipelining:
        threads = [threading.Thread(target=task, args=(pipelining,)) for task in (read, send)]
        for thread in threads:
            thread.start()
        wait_until(lambda: received)
        assert requests.get(f"{server.url}/health", timeout=WAIT_SECONDS).status_code == 200
        assert received.count(b"HTTP/1.1 200") < count / 2
        pipelining.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def test_gevent_patches_the_standard_library_before_other_imports(tmp_path):
    with GunicornServer(tmp_path, METRICS_BIND=f"127.0.0.1:{free_port()}") as server:
        assert requests.get(f"{server.url}/health?deep=1", timeout=WAIT_SECONDS).status_code == 503
        assert requests.get(f"{server.url}/health", timeout=WAIT_SECONDS).status_code == 200
    assert "MonkeyPatchWarning" not in server.log.read_text()


def test_the_arbiter_does_not_import_the_app():
    script = """if True:
        import sys, shared.gunicorn.hooks, shared.gunicorn.worker
        print(*{"flask", "redis", "pynamodb", "prometheus_client", "urllib3"} & sys.modules.keys())
    """
    assert output_of(script).split() == []


def test_a_worker_polls_connections_to_redis_without_gevent():
    script = """if True:
        import shared.gunicorn.hooks
        from gevent import monkey
        monkey.patch_all()
        from shared.socket_poll import poll
        print(poll.__module__)
    """
    assert output_of(script) == "select\n"
