"""`make prune STAGE=prod`: list the published versions that nothing needs; DELETE=yes deletes them.

Lambda stores every published version until it is deleted, and bills the snapshot of each one with SnapStart.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import DeployError
from tools.versions.functions import Function, find_functions, lambda_client

KEPT = 3
"""Number of versions before the live one to keep for rollbacks. 0: before the cache is removed."""


def main() -> None:
    """Print what is kept and what is deleted, and delete it if that was asked for."""
    arguments = _parse_arguments()
    try:
        for function in find_functions(arguments.stage, arguments.module):
            unneeded = unneeded_versions(function, arguments.keep)
            kept = [each for each in function.versions if each not in unneeded]
            verb = "deletes" if arguments.delete else "would delete"
            print(f"{function.name}: keeps {_numbers(kept)}; {verb} {_numbers(unneeded)}")
            if arguments.delete:
                delete_versions(function, unneeded)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(f"prune: {error}")
    if not arguments.delete:
        print("Nothing was deleted: DELETE=yes deletes.")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make prune", usage=f"make prune STAGE=prod [MODULE=news] [KEEP={KEPT}] [DELETE=yes]"
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--module", help="only the function of this module")
    parser.add_argument("--keep", type=_not_negative, default=KEPT)
    parser.add_argument("--delete", action="store_true")
    return parser.parse_args()


def unneeded_versions(function: Function, keep: int) -> list[int]:
    """Return the versions before the live one that no alias uses, without the newest `keep`.

    A version that is newer than the live one is never among them: after a rollback, the stack names it.
    """
    older = [each for each in function.versions if each < function.live and each not in function.in_use]
    return older[: max(0, len(older) - keep)]


def delete_versions(function: Function, versions: list[int]) -> None:
    """Delete published versions."""
    client = lambda_client()
    for version in versions:
        client.delete_function(FunctionName=function.name, Qualifier=str(version))


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _numbers(versions: list[int]) -> str:
    return ", ".join(map(str, versions)) or "none"


if __name__ == "__main__":
    main()
