"""Times of others, made into ours on every system: some hold anything, and Windows' C library knows none before 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# With room for what is added to a time or taken from it.
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


def from_ms(ms: float) -> datetime:
    """This time, in ms since the epoch, in UTC; the first or the last that a calendar has where it is beyond that."""
    try:
        return min(max(exact_from_ms(ms), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if ms < 0 else _LAST


def exact_from_ms(ms: float) -> datetime:
    """The same. Raises OverflowError for a number that is no time."""
    return EPOCH + timedelta(milliseconds=ms)


def local(at: datetime) -> datetime:
    """This time in the user's time zone; as it is where the system cannot say that."""
    try:
        return at.astimezone()
    except (OSError, OverflowError, ValueError):
        return at


def dated(at: datetime, form: str = "%B %Y, %H:%M") -> str:
    """The day of the month without a zero before it, then the rest as `form` says: `strftime` has no portable code for it."""
    there = local(at)
    return f"{there.day} {there:{form}}"
