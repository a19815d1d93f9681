"""Dates as people write them, in local time."""

from __future__ import annotations

from datetime import datetime

from t3tray.domain.times import local


def dated(at: datetime, form: str = "%B %Y, %H:%M") -> str:
    """The day of the month without a zero before it, then the rest as `form` says: `strftime` has no portable code for it."""
    there = local(at)
    return f"{there.day} {there:{form}}"
