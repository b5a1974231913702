"""An embedded DynamoDB for local runs and tests: moto's server behind one lock."""

from collections.abc import Iterable
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

backend = DomainDispatcherApplication(create_backend_app)
lock = Lock()


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request at a time: moto's conditional writes are not atomic across threads."""
    with lock:
        return [b"".join(backend(environ, start_response))]
