"""Moments in UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, to the microsecond."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, of fixed width, so that texts sort as times do.

    Raises:
        OverflowError: in UTC it lies outside the years 1 to 9999.
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
