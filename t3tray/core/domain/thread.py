"""A thread: one visible conversation, wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Which program shows the thread."""

    T3CODE = "t3code"
    T3TRAY = "t3tray"


@dataclass(frozen=True)
class Thread:
    """One conversation as its source shows it. `directory` is absolute; times are aware and in UTC."""

    id: str
    title: str
    directory: str
    source: Source
    created_at: datetime
    last_activity_at: datetime
    archived_at: datetime | None = None
    draft: str = ""
