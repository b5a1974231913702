"""`make rollback STAGE=prod`: point the alias `live` to the version before the one that is live."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import DeployError
from tools.versions.functions import ALIAS, Function, VersionError, find_functions, lambda_client


def main() -> None:
    """Roll back one function, and print the versions."""
    parser = argparse.ArgumentParser(prog="make rollback", usage="make rollback STAGE=prod [MODULE=news]")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--module", help="required if the stage has several functions")
    arguments = parser.parse_args()
    try:
        function = _choose(find_functions(arguments.stage, arguments.module))
        version = previous_version(function)
        roll_back(function, version)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(f"rollback: {error}")
    print(f"{function.name}: {ALIAS} points to version {version}, was {function.live}")
    print("A deployment that publishes a version moves it again: correct the code before you deploy.")


def _choose(functions: list[Function]) -> Function:
    if len(functions) > 1:
        modules = ", ".join(sorted(each.module for each in functions))
        raise VersionError(f"set MODULE to one of: {modules}")
    return functions[0]


def previous_version(function: Function) -> int:
    """Return the newest version that is older than the live one.

    Raises:
        VersionError: there is none.
    """
    older = [each for each in function.versions if each < function.live]
    if not older:
        raise VersionError(f"{function.name}: no version before {function.live} exists")
    return older[-1]


def roll_back(function: Function, version: int) -> None:
    """Send all requests to a version, and end a gradual deployment's traffic shift."""
    lambda_client().update_alias(
        FunctionName=function.name,
        Name=ALIAS,
        FunctionVersion=str(version),
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


if __name__ == "__main__":
    main()
