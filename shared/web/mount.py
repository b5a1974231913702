"""Where the app is mounted: which part of a request's path is SCRIPT_NAME, and which is PATH_INFO (PEP 3333).

One rule for every entry point: BASE_PATH is split off where the path starts with it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def split_prefix(path: str, prefix: str) -> tuple[str, str]:
    """Return the prefix and the path below it, or an empty text and the path as it is.

    A prefix ends with a segment: `/api` is none of `/apix`.
    """
    if prefix and f"{path}/".startswith(f"{prefix}/"):
        return prefix, path[len(prefix) :] or "/"
    return "", path


class Mount:
    """The public place of an app.

    Attributes:
        base_path: BASE_PATH as the start of a path, e.g. `/v1`; empty where it is not set, and at the root.
        is_root: whether BASE_PATH is `/`: the app is at the root of every host.
    """

    def __init__(self, app: Flask, base_path: str) -> None:
        name = base_path.strip("/")
        self.base_path = f"/{name}" if name else ""
        self.is_root = bool(base_path) and not name
        self._url_map = app.url_map
        self._first_segments = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}

    def split(self, path: str, prefix: str) -> tuple[str, str]:
        """Split off a prefix that may be there, as split_prefix does.

        Where routes of the app start with the same segment, as with a stage called `news`, it is no prefix if
        only the whole path has a route.
        """
        root, rest = split_prefix(path, prefix)
        if root and root.split("/")[1] in self._first_segments and self._has_route(path):
            return (root, rest) if self._has_route(rest) else ("", path)
        return root, rest

    def _has_route(self, path: str) -> bool:
        return bool(self._url_map.bind("").allowed_methods(path))


def mount(app: Flask, base_path: str) -> None:
    """Serve an app below BASE_PATH as well as at the root, on a server that passes the whole path on.

    A load balancer's health check asks the root, whatever the public place is.
    """
    place = Mount(app, base_path)
    inner = app.wsgi_app
    if not place.base_path:
        return

    def mounted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        root, environ["PATH_INFO"] = place.split(environ["PATH_INFO"], place.base_path)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + root
        return inner(environ, start_response)

    app.wsgi_app = mounted  # type: ignore[method-assign]
