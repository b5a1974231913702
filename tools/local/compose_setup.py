"""The setup step of compose.yaml: create missing tables and the key that signs tokens."""

import sys
import time

from pynamodb.exceptions import PynamoDBException

from shared.config import Settings, SettingsError
from tools.local import run_env
from tools.local.tables import create_tables
from tools.local.token import make_key, private_key_file

WAIT_SECONDS = 60
"""Seconds to wait until DynamoDB is up."""


def main() -> None:
    """Create what is missing and keep what exists."""
    try:
        created = _create_tables(Settings.from_env())
    except (SettingsError, PynamoDBException) as error:
        sys.exit(f"setup: {error}")
    if not private_key_file().exists():
        run_env.save(make_key())
    print(f"setup: created {', '.join(created)}" if created else "setup: nothing to do")


def _create_tables(settings: Settings) -> list[str]:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return create_tables(settings)
        except PynamoDBException:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


if __name__ == "__main__":
    main()
