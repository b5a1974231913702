"""Validate the settings before a server starts: `python -m shared.config`."""

import sys
from pathlib import Path

from shared.config.gunicorn import validate_gunicorn_settings
from shared.config.settings import Settings, SettingsError

ROOT = Path(__file__).parent.parent.parent


def main() -> None:
    """Exit with code 1 and a one-line error if a setting is missing or invalid."""
    try:
        settings = Settings.from_env()
        for file in sorted(ROOT.glob("*/table.py")):
            settings.table(file.parent.name)
        validate_gunicorn_settings()
    except SettingsError as error:
        sys.exit(f"settings: {error}")


if __name__ == "__main__":
    main()
