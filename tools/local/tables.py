"""`make create-tables`: create missing tables from their definitions."""

import sys
from importlib import import_module
from pathlib import Path

from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from shared.config import Settings, SettingsError
from shared.dynamodb.tables import bind
from tools.local import run_env

ROOT = Path(__file__).parent.parent.parent


def _load_model(module: str) -> type[Model]:
    """Return the PynamoDB model that a module's table.py defines."""
    table = import_module(f"{module}.table")
    classes = [each for each in vars(table).values() if isinstance(each, type) and issubclass(each, Model)]
    [model] = [each for each in classes if each.__module__ == table.__name__]
    return model


TABLES = {path.parent.name: _load_model(path.parent.name) for path in sorted(ROOT.glob("*/table.py"))}
"""The PynamoDB model of each module that has a table: every `<module>/table.py`."""

LOCAL_NAMES = {f"{module.upper()}_TABLE": module for module in TABLES}
"""The setting of each table, and the name of the table in a local run."""


def create_tables(settings: Settings) -> list[str]:
    """Create missing tables in the stage's DynamoDB, and return their names."""
    created = []
    for module, model in TABLES.items():
        name = settings.table(module)
        table = bind(model, name, settings)
        if not table.exists():
            table.create_table(wait=True)
            created.append(name)
    return created


def main() -> None:
    """Create the tables in the DynamoDB of the environment or of the current run."""
    run_env.load()
    try:
        settings = Settings.from_env()
        created = create_tables(settings)
    except (SettingsError, PynamoDBException) as error:
        sys.exit(f"tables: {error}")
    for module in TABLES:
        name = settings.table(module)
        print(f"tables: {name} {'created' if name in created else 'exists'}")


if __name__ == "__main__":
    main()
