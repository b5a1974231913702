"""Times in UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC with a fixed width, so that strings sort like times.

    Raises:
        OverflowError: the time in UTC is outside the years 1 to 9999.
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the Unix epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)
