"""Convert times of other programs safely: some contain any number, and Windows' C library knows none before 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# With room for adding to a time and subtracting from it.
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


def from_ms(ms: float) -> datetime:
    """Convert ms since the epoch to UTC; clipped to the range of the calendar."""
    try:
        return min(max(exact_from_ms(ms), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if ms < 0 else _LAST


def exact_from_ms(ms: float) -> datetime:
    """Convert ms since the epoch to UTC. Raises OverflowError for a number outside the calendar."""
    return EPOCH + timedelta(milliseconds=ms)


def local(at: datetime) -> datetime:
    """Convert to the user's time zone; unchanged if the system cannot do that."""
    try:
        return at.astimezone()
    except (OSError, OverflowError, ValueError):
        return at


def dated(at: datetime, form: str = "%B %Y, %H:%M") -> str:
    """The day of the month without a zero before it, then the rest as `form` says: `strftime` has no portable code for it."""
    there = local(at)
    return f"{there.day} {there:{form}}"
