"""A deployed API and its OpenAPI document."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

import requests
from jsonschema import Draft202012Validator, FormatChecker

TIMEOUT_SECONDS = 60
"""Limit of a request. It includes a cold start, and the 30 s limit of an HTTP API."""

METHODS = ("get", "put", "post", "delete", "patch")

UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"


class CheckFailed(Exception):
    """The API broke a rule; the message says which."""


class CheckSkipped(Exception):
    """The deployment does not offer what the check examines; the message says why."""


class Module(NamedTuple):
    """The paths of a module in the document: its list, and one item."""

    collection: str
    item: str


class Api:
    """The API at a URL.

    Args:
        url: the address of the root, such as `https://api.example.com/v1`.
        token: an access token for writes, or empty.
        origin: an origin whose pages may call the API, or empty.
        host: the Host header, where the URL has another host, or empty.

    Raises:
        CheckFailed: the API is unreachable, or has no OpenAPI document.
    """

    def __init__(self, url: str, token: str = "", origin: str = "", host: str = "") -> None:
        self.url = url.rstrip("/")
        self.token, self.origin = token, origin
        self._session = requests.Session()
        self._session.trust_env = False  # ~/.netrc could add credentials
        self._session.headers["Accept-Encoding"] = "identity"
        if host:
            self._session.headers["Host"] = host
        response = self.send("GET", "/openapi.json")
        expect(response, 200)
        self.document: dict[str, Any] = parse_json(response)

    def modules(self) -> Iterator[Module]:
        """Yield the modules of the document: each path that ends with a slash, and the path of its items."""
        for path in self.document["paths"]:
            items = [each for each in self.document["paths"] if each.startswith(f"{path}{{")]
            if path.endswith("/") and items:
                yield Module(path, items[0])

    def send(self, method: str, path: str, *, with_token: bool = False, **options: Any) -> requests.Response:
        """Send a request to a path of the document, or to a URL, and return the response.

        Raises:
            CheckFailed: there is no response.
        """
        url = path if path.startswith("http") else self.url + path
        headers = options.pop("headers", {})
        if with_token:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        try:
            return self._session.request(
                method, url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise CheckFailed(f"{method} {url}: {type(error).__name__}") from None

    def location(self, response: requests.Response) -> str:
        """Return the Location header as a URL.

        Raises:
            CheckFailed: there is none, or it is not below the root of the API: it must not get the token.
        """
        url = urljoin(f"{self.url}/", response.headers.get("Location", ""))
        if not url.startswith(f"{self.url}/") or url == f"{self.url}/":
            raise CheckFailed(f"the created item has no Location below {self.url}: {url}")
        return url

    def operation(self, path: str, method: str) -> dict[str, Any] | None:
        """Return an operation of the document, or None."""
        found: dict[str, Any] | None = self.document["paths"].get(path, {}).get(method.lower())
        return found

    def has_parameter(self, path: str, name: str) -> bool:
        """Return whether a list has a query parameter."""
        parameters = (self.operation(path, "GET") or {}).get("parameters", [])
        return any((each["in"], each["name"]) == ("query", name) for each in parameters)

    def other_operations(self) -> Iterator[tuple[str, str, bool]]:
        """Yield method and path of the operations that belong to no module, and whether they need parameters.

        /health and /openapi.json are left out.
        """
        of_modules = {path for module in self.modules() for path in module} | {"/health", "/openapi.json"}
        for path in self.document["paths"].keys() - of_modules:
            for method, operation in self.document["paths"][path].items():
                if method in METHODS:
                    is_required = any(each.get("required") for each in operation.get("parameters", []))
                    yield method.upper(), path, is_required or "{" in path

    def validate(self, response: requests.Response, path: str) -> None:
        """Compare a response with the document.

        Raises:
            CheckFailed: the status, the content type, a header or the body is not as documented.
        """
        method, status = str(response.request.method), str(response.status_code)
        operation = self.operation(path, "GET" if method == "HEAD" else method)
        if operation is None or status not in operation["responses"]:
            raise CheckFailed(f"{method} {path}: status {status} is not documented")
        documented = operation["responses"][status]
        for name, header in documented.get("headers", {}).items():
            # API Gateway's own errors have fewer headers than those of the service.
            if header.get("required") and name not in response.headers and response.ok:
                raise CheckFailed(f"{method} {path}: no header {name}")
        is_gateway_error = not response.ok and "problem" not in response.headers.get("Content-Type", "")
        if "X-Content-Type-Options" not in response.headers and not is_gateway_error:
            raise CheckFailed(f"{method} {path}: no header X-Content-Type-Options")
        if method != "HEAD" and documented.get("content"):
            self._validate_body(response, documented["content"], f"{method} {path}")

    def _validate_body(self, response: requests.Response, content: dict[str, Any], name: str) -> None:
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type not in content:
            raise CheckFailed(f"{name}: content type {media_type!r} is not documented")
        schema = {**content[media_type]["schema"], "components": self.document["components"]}
        body = parse_json(response)
        error = next(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(body), None)
        if error:
            raise CheckFailed(f"{name}: {error.json_path}: {error.message[:120]}")


def parse_json(response: requests.Response) -> Any:
    """Return the parsed body.

    Raises:
        CheckFailed: it is not JSON.
    """
    try:
        return response.json()
    except requests.JSONDecodeError:
        raise CheckFailed(f"{response.request.path_url}: the body is not JSON") from None


def expect(response: requests.Response, *statuses: int) -> None:
    """Raise CheckFailed unless the response has one of the status codes."""
    if response.status_code not in statuses:
        wanted = " or ".join(map(str, statuses))
        request = response.request
        raise CheckFailed(f"{request.method} {request.path_url}: {response.status_code} instead of {wanted}")


def expect_that(condition: object, message: str) -> None:
    """Raise CheckFailed with the message unless the condition is true."""
    if not condition:
        raise CheckFailed(message)
