"""Moments as text, the way every record of the vault holds them."""

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    """UTC, ISO 8601 to the microsecond, so that texts sort as times do. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
