"""Run the checks against a deployed API, and print a line for each.

    python -m tools.smoke.run URL

The variable TOKEN may contain an access token, and ORIGIN an origin whose pages may call the API. The exit
code is 1 if a check failed.
"""

import os
import sys
from collections.abc import Callable, Collection
from functools import partial

from tools.smoke import reads, writes
from tools.smoke.api import Api, CheckFailed, CheckSkipped


def main() -> None:
    """Check the API at the URL of the command line."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("http://", "https://")):  # noqa: PLR2004
        sys.exit("smoke: set URL: make smoke URL=https://abc123.execute-api.eu-central-1.amazonaws.com")
    sys.exit(not run(sys.argv[1], os.environ.get("TOKEN", ""), os.environ.get("ORIGIN", "")))


def run(url: str, token: str = "", origin: str = "", host: str = "", skip: Collection[str] = ()) -> bool:
    """Check an API, print the report, and return True if no check failed.

    Args:
        url: the address of its root.
        token: an access token with the scopes of all modules, or empty.
        origin: an origin whose pages may call the API, or empty.
        host: the Host header, where the URL has another host, or empty.
        skip: names of checks to leave out.
    """
    try:
        api = Api(url, token, origin, host)
    except CheckFailed as error:
        print(f"FAILED   openapi.json: {error}", flush=True)
        return False
    checks = [(name, check) for name, check in _checks(api) if name not in skip]
    failed = sum(not _passes(name, check) for name, check in checks)
    print(f"smoke: {failed} of {len(checks)} checks failed at {url}", flush=True)
    return failed == 0


def _checks(api: Api) -> list[tuple[str, Callable[[], None]]]:
    found: list[tuple[str, Callable[[], None]]] = [("health", partial(reads.check_health, api))]
    for module in api.modules():
        for check in (*reads.CHECKS, writes.check_writes_need_a_token, *writes.CHECKS):
            label = check.__name__.removeprefix("check_").replace("_", " ")
            found.append((f"{module.collection} {label}", partial(check, api, module)))
    for method, path, needs_parameters in sorted(api.other_operations()):
        is_checked = method == "GET" and not needs_parameters
        found.append(
            (f"{method} {path}", partial(reads.check_get, api, path) if is_checked else _skip_operation)
        )
    return found


def _skip_operation() -> None:
    raise CheckSkipped("not an operation that this test knows")


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except CheckSkipped as reason:
        print(f"skipped  {name}: {reason}", flush=True)
    except (CheckFailed, KeyError, ValueError) as error:
        print(f"FAILED   {name}: {error}", flush=True)
        return False
    else:
        print(f"ok       {name}", flush=True)
    return True


if __name__ == "__main__":
    main()
