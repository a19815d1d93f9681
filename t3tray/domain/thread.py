"""A thread: one visible conversation, whichever program shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


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


def matching(prefix: str, threads: Iterable[Thread]) -> tuple[Thread, ...]:
    """Return the thread with this id, else all whose id begins so; none for an empty prefix."""
    found = tuple(thread for thread in threads if prefix and thread.id.startswith(prefix))
    return tuple(thread for thread in found if thread.id == prefix)[:1] or found
