"""Frozen pictures of the app's state, as both faces (window and command line) show it. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.core.domain.alarm import Alarm
from t3tray.core.domain.ask import Ask
from t3tray.core.domain.cursor import Cursor
from t3tray.core.domain.journal import Entry
from t3tray.core.domain.reaper import ReaperState
from t3tray.core.domain.receipt import Receipt
from t3tray.core.domain.remedy import Remedy
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.split import Candidate, Served
from t3tray.core.domain.thread import Source, Thread
from t3tray.core.domain.verdict import Verdict
from t3tray.core.t3code.threads import T3Thread

__all__ = [
    "Finding",
    "Look",
    "Overview",
    "Resumption",
    "SourceView",
    "T3Thread",
    "ThreadDetails",
    "ThreadRow",
]


@dataclass(frozen=True)
class ThreadRow:
    """One line of the list. `t3` is what T3 Code says of a thread of its own, `served` which sessions did, in order."""

    thread: Thread
    session_id: str | None
    verdict: Verdict
    reaper: ReaperState
    t3: T3Thread | None = None
    served: tuple[Served, ...] = ()


@dataclass(frozen=True)
class SourceView:
    """Where threads come from: a program's data, its form, and a sentence on how it is read."""

    source: Source
    path: str
    form: str
    why: str
    threads: int


@dataclass(frozen=True)
class Look:
    """How the user wants it to look. `appearance`: system, light or dark; `tray_icon`, its own colour: auto, light or dark."""

    appearance: str = "system"
    tray_icon: str = "auto"


@dataclass(frozen=True)
class Overview:
    """Everything the list, the tray icon and the menu need. `rows` are sorted: what needs attention first, then newest.

    `foreign` are T3 Code's threads of other providers: they are listed, without a verdict. `alarms` are those nobody has seen,
    `asks` what waits for the user on the running server. `guarded` are the ids of the threads that the guard watches over.
    `server_stays`: the server is ours and goes on running when this app ends. `banner`: a line above everything, where this is
    no usual world.
    """

    server: ServerStatus
    rows: tuple[ThreadRow, ...] = ()
    foreign: tuple[T3Thread, ...] = ()
    sources: tuple[SourceView, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    warnings: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()
    guarded: frozenset[str] = frozenset()
    server_stays: bool = False
    look: Look = Look()
    banner: str = ""


@dataclass(frozen=True)
class ThreadDetails:
    """Everything known of one thread; all of it oldest first. `offered` is what can be chosen now, the best first.

    `choices` are the sessions that it could be bound to, the fullest first.
    """

    row: ThreadRow
    cursor: Cursor | None
    journal: tuple[Entry, ...]
    receipt: Receipt | None
    candidates: tuple[Candidate, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    offered: tuple[Remedy, ...] = ()
    choices: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Resumption:
    """What a resume came to. It says the verdict; nothing was changed unless the verdict is resumable."""

    thread: Thread
    session_id: str | None
    verdict: Verdict
    receipt: Receipt


@dataclass(frozen=True)
class Finding:
    """One entry of the doctor's report; `table` are lines below it."""

    name: str
    ok: bool
    detail: str
    table: tuple[str, ...] = ()
