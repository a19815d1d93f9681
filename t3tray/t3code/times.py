"""Times as T3 Code writes them: ISO-8601 in UTC with a `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from t3tray.domain.times import EPOCH


def moment(text: object) -> datetime | None:
    """Return the time, timezone-aware; None for an empty or invalid text. A damaged row may contain anything."""
    if not text or not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is UTC:
            return found
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # OverflowError: the first or last year, with an offset beyond it.
        return None


def needed_moment(text: str) -> datetime:
    """Return the time, or the epoch for an invalid text, so that the thread is listed last and not lost."""
    return moment(text) or EPOCH
