"""A thread: one visible conversation, whichever program shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.errors import ThreadNotFound, UsageError

_SHOWN = 5


class Source(StrEnum):
    """The program that shows the thread."""

    T3CODE = "t3code"
    T3TRAY = "t3tray"


class Thread(Struct, frozen=True):
    """One conversation as its source shows it. `directory` is absolute; times are aware and in UTC."""

    id: str
    title: str
    directory: str
    source: Source
    created_at: datetime
    last_activity_at: datetime
    archived_at: datetime | None = None
    draft: str = ""


def named(prefix: str, threads: Iterable[Thread]) -> Thread:
    """Return the thread with this id, or the only one whose id begins so. Raises ThreadNotFound, UsageError for several."""
    if not prefix:
        raise UsageError("A thread is named by its id or by the beginning of its id.")
    found = [thread for thread in threads if thread.id.startswith(prefix)]
    exact = [thread for thread in found if thread.id == prefix]
    if not found:
        raise ThreadNotFound(f"There is no thread “{prefix}”.", "`t3tray threads` lists them.")
    if len(found) > 1 and not exact:
        listed = ", ".join(f"{thread.id} ({thread.title})" for thread in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(f"“{prefix}” is the beginning of {len(found)} threads: {listed}{more}.", "Give more of the id.")
    return (exact or found)[0]
