"""Times as T3 Code writes them: ISO-8601 in UTC with a `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from t3tray.domain.times import EPOCH


def moment(text: object) -> datetime | None:
    """The time, aware; None where there is none or it cannot be read. A damaged row may hold anything."""
    if not text or not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is UTC:
            return found
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # An OverflowError: the first or the last year, with an offset that leads out of it.
        return None


def needed_moment(text: str) -> datetime:
    """The time; the beginning of all times where it cannot be read, so that the thread is listed last and not lost."""
    return moment(text) or EPOCH
