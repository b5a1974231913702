"""Create the tables that are missing, from their definitions."""

import sys

from pynamodb.exceptions import PynamoDBException

from news.table import NewsRow
from shared.config import Settings, SettingsError
from shared.dynamodb import bind
from tools import local_env


def create_tables(settings: Settings) -> list[str]:
    """Create what is missing in the stage's DynamoDB, and return the names of the new tables."""
    created = []
    for model, name in ((NewsRow, settings.news_table),):
        table = bind(model, name, settings)
        if not table.exists():
            table.create_table(wait=True)
            created.append(name)
    return created


def main() -> None:
    """Create them in the DynamoDB that the environment, or the local run that is up, names."""
    local_env.load()
    try:
        settings = Settings.from_env()
        created = create_tables(settings)
    except (SettingsError, PynamoDBException) as error:
        sys.exit(f"tables: {error}")
    print(f"tables: created {', '.join(created)}" if created else f"tables: {settings.news_table} is there")


if __name__ == "__main__":
    main()
