"""Frozen pictures of the app's state, as both faces (window and command line) show it. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.core.domain.cursor import Cursor
from t3tray.core.domain.journal import Entry
from t3tray.core.domain.reaper import ReaperState
from t3tray.core.domain.receipt import Receipt
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.thread import Thread
from t3tray.core.domain.verdict import Verdict


@dataclass(frozen=True)
class ThreadRow:
    """One line of the list."""

    thread: Thread
    session_id: str | None
    verdict: Verdict
    reaper: ReaperState


@dataclass(frozen=True)
class Overview:
    """Everything the list, the tray icon and the menu need. `rows` are sorted: what needs attention first, then newest."""

    server: ServerStatus
    rows: tuple[ThreadRow, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ThreadDetails:
    """Everything known of one thread. `journal` is oldest first."""

    row: ThreadRow
    cursor: Cursor | None
    journal: tuple[Entry, ...]
    receipt: Receipt | None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resumption:
    """What a resume came to. It says the verdict; nothing was changed unless the verdict is resumable."""

    thread: Thread
    session_id: str | None
    verdict: Verdict
    receipt: Receipt


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    ok: bool
    detail: str
