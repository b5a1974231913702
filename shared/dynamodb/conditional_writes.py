"""Writes of items that have a version, each with the condition that prevents a lost update.

The version alone does not identify a state: an item that was deleted and created again has version 1 again.
The conditions therefore include `created_at`.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from pynamodb.attributes import UnicodeAttribute, VersionAttribute
from pynamodb.models import Model

from shared.dynamodb.errors import database_errors
from shared.dynamodb.tables import TimestampAttribute
from shared.errors import Conflict, DomainError, Stale


class VersionedRecord(Model):
    """Base class of the records of a table whose items have versions. The partition key is `id`."""

    id = UnicodeAttribute(hash_key=True)
    created_at = TimestampAttribute()
    updated_at = TimestampAttribute()
    version = VersionAttribute()


class VersionedItem(Protocol):
    """A state of a stored item, as a DAO returns it."""

    @property
    def version(self) -> int:
        """The number of the state, from 1."""

    @property
    def created_at(self) -> datetime:
        """The time at which the item was created."""


def add_record(record: VersionedRecord) -> None:
    """Store a new item, in version 1.

    Raises:
        Conflict: an item with this id exists.
    """
    del record.attribute_values["version"]  # PynamoDB then requires that no item exists, and stores 1
    with _errors(type(record), Conflict(f"The item {record.id} exists.")):
        record.save()


def replace_record(record: VersionedRecord) -> None:
    """Store the next version of an item.

    Args:
        record: the item with its new version, and the `created_at` of the stored item.

    Raises:
        Stale: the stored item does not have the previous version, or was deleted and created again.
    """
    record.version -= 1  # PynamoDB compares it with the table, and stores the next
    with _errors(type(record), Stale(f"The item {record.id} was changed concurrently.")):
        record.save(type(record).created_at == record.created_at)


def delete_record(model: type[VersionedRecord], item_id: str, stored: VersionedItem | None) -> None:
    """Delete an item.

    Args:
        model: a model bound to a table.
        item_id: its id.
        stored: the state that the item must have; None matches every state.

    Raises:
        Stale: the item does not exist, or has another state.
    """
    with _errors(model, Stale(f"The item {item_id} was changed concurrently.")):
        if stored is None:
            model(item_id).delete(model.id.exists(), add_version_condition=False)
        else:
            model(item_id, version=stored.version).delete(model.created_at == stored.created_at)


def _errors(model: type[VersionedRecord], on_condition_failed: DomainError) -> AbstractContextManager[None]:
    return database_errors(model.Meta.table_name, on_condition_failed)
