"""The path prefix of the app: splits a request path into SCRIPT_NAME and PATH_INFO (PEP 3333).

All entry points follow one rule: if the path starts with BASE_PATH, BASE_PATH is SCRIPT_NAME.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def split_prefix(path: str, prefix: str) -> tuple[str, str]:
    """Return the prefix and the rest of the path, or an empty string and the whole path.

    A prefix is a number of whole segments: `/api` is not a prefix of `/apix`.
    """
    if prefix and f"{path}/".startswith(f"{prefix}/"):
        return prefix, path[len(prefix) :] or "/"
    return "", path


class Mount:
    """The public path prefix of an app.

    Attributes:
        base_path: BASE_PATH with a leading slash, such as `/v1`; empty if it is not set or `/`.
        is_root: whether BASE_PATH is `/`: the app is at the root of every host.
    """

    def __init__(self, app: Flask, base_path: str) -> None:
        name = base_path.strip("/")
        self.base_path = f"/{name}" if name else ""
        self.is_root = bool(base_path) and not name
        self._url_map = app.url_map
        self._first_segments = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}

    def split(self, path: str, prefix: str) -> tuple[str, str]:
        """Split off an optional prefix, as `split_prefix` does.

        If routes of the app start with the same segment, such as with a stage named `news`, and only the
        whole path has a route, the segment is not a prefix.
        """
        root, rest = split_prefix(path, prefix)
        if root and root.split("/")[1] in self._first_segments and self._has_route(path):
            return (root, rest) if self._has_route(rest) else ("", path)
        return root, rest

    def _has_route(self, path: str) -> bool:
        return bool(self._url_map.bind("").allowed_methods(path))


def mount(app: Flask, base_path: str) -> None:
    """Serve an app both under BASE_PATH and at the root, on a server that passes on the whole path.

    The health checks of load balancers use the root.
    """
    mounted = Mount(app, base_path)
    wsgi_app = app.wsgi_app
    if not mounted.base_path:
        return

    def mounted_app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        root, environ["PATH_INFO"] = mounted.split(environ["PATH_INFO"], mounted.base_path)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + root
        return wsgi_app(environ, start_response)

    app.wsgi_app = mounted_app  # type: ignore[method-assign]
