"""Moments in UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The time, to the microsecond."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, of fixed width, so that texts sort as times do.

    Raises:
        OverflowError: in UTC it lies outside the years 1 to 9999.
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the Unix epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)
