"""An embedded DynamoDB for local runs and tests: moto's server behind one lock."""

from collections.abc import Iterable
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


def one_at_a_time(app: WSGIApplication) -> WSGIApplication:
    """The app, asked one request at a time: moto's conditional writes are not atomic across threads."""
    lock = Lock()

    def locked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with lock:
            return [b"".join(app(environ, start_response))]

    return locked


app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
