"""Frozen states of the app, as both window and command line show them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import compress
from operator import attrgetter, is_not

from t3tray.domain.alarm import Alarm
from t3tray.domain.cursor import Cursor
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.guard_state import NO_GUARD, GuardState
from t3tray.domain.journal import Entry, put_away
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.receipt import Receipt
from t3tray.domain.remedy import Remedy
from t3tray.domain.restore import Restore
from t3tray.domain.server import ServerStatus
from t3tray.domain.split import Candidate, Served
from t3tray.domain.t3code_side import NextMessage, NextReason
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.settings.definitions import Settings


@dataclass(frozen=True)
class ThreadRow:
    """One row of the list. `t3`: T3 Code's data on one of its threads. `served`: which sessions served it, in order.

    `session_directory`: the session's folder, if it differs from the thread's. `remedies`: what can be chosen, best first, as far
    as known; the details know exactly. `next_message`: where the next message typed in T3 Code goes. `is_half_mended`: T3 Code's
    side still has to be repaired; it is recent, and the user has not chosen to leave it.
    """

    thread: Thread
    session_id: str | None
    verdict: Verdict
    reaper: ReaperState
    t3: T3Thread | None = None
    served: tuple[Served, ...] = ()
    session_directory: str | None = None
    remedies: tuple[Remedy, ...] = ()
    next_message: NextMessage | None = None
    is_half_mended: bool = False

    @property
    def is_t3_side_fine(self) -> bool:
        """Whether there is nothing to report of T3 Code's side, or there is none."""
        return self.next_message is None or self.next_message.is_fine

    @property
    def goes_on_in_t3(self) -> bool:
        """Whether a message typed in T3 Code would carry the conversation now."""
        return self.verdict.kind is Kind.RESUMABLE and (self.next_message is None or self.next_message.kind is Kind.RESUMABLE)

    @property
    def is_archived(self) -> bool:
        return self.thread.archived_at is not None

    @property
    def next_session(self) -> str | None:
        """Session that the next message goes to; of a thread of T3 Code the one that T3 Code names."""
        return self.t3.session_id if self.t3 else self.session_id

    @property
    def is_working(self) -> bool:
        """Whether a turn runs in it, here or in T3 Code; not a finished one that T3 Code still waits for."""
        if self.next_message is not None and self.next_message.reason is NextReason.STUCK:
            return False
        return self.verdict.reason is Reason.BUSY or self.reaper.phase is ReaperPhase.ACTIVE

    @property
    def waits_in_t3(self) -> bool:
        """Whether T3 Code waits for the user in it."""
        return self.t3 is not None and (self.t3.awaits_approval or self.t3.awaits_answer)

    @cached_property
    def is_notable(self) -> bool:
        """Whether the icon, the menu or a notification may have to report something of it; few threads are."""
        if self.is_archived:
            return False
        is_trouble = self.verdict.kind is not Kind.RESUMABLE or self.is_half_mended
        return is_trouble or self.is_working or self.waits_in_t3 or self.reaper.reap_at is not None


@dataclass(frozen=True)
class SourceView:
    """A source of threads: a program's data, its form, and a sentence on how it is read."""

    source: Source
    path: str
    form: str
    why: str
    threads: int


@dataclass(frozen=True)
class Snapshot:
    """Everything that list, tray icon and menu show, built once for each change.

    `rows` are sorted: what needs attention first, then the newest; an unchanged row is the same object as in the snapshot before.
    `foreign`: T3 Code's threads of other providers, listed without a verdict; `foreign_reapers`: their reaper states by id.
    `alarms`: those not seen yet. `pending_requests`: open requests on the running server. `guarded`: ids of the threads that the
    guard protects; `refusals`: its refusals not seen yet, one for each thread. `server_stays`: the server is ours and keeps
    running when this app ends. `idle_status`: what our own reaper did or will do, empty if there is nothing to say. `settings`:
    the user's settings. `unread`: ids of the threads with finished activity since the user's last visit. `banner`: a line above
    everything, in an unusual world. `stale_since`: the threads could not be read since then, and are shown as before. `restore`:
    a copy of our own data was put back, and the user has not settled that. `is_updated`: the program's file was replaced while
    this process runs; `warnings` have it in words too.
    """

    server: ServerStatus
    rows: tuple[ThreadRow, ...] = ()
    foreign: tuple[T3Thread, ...] = ()
    sources: tuple[SourceView, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    warnings: tuple[str, ...] = ()
    pending_requests: tuple[PendingRequest, ...] = ()
    guarded: frozenset[str] = frozenset()
    server_stays: bool = False
    settings: Settings = field(default_factory=Settings)
    guard: GuardState = NO_GUARD
    refusals: tuple[GuardAnswer, ...] = ()
    foreign_reapers: Mapping[str, ReaperState] = field(default_factory=dict)
    idle_status: str = ""
    unread: frozenset[str] = frozenset()
    banner: str = ""
    stale_since: datetime | None = None
    restore: Restore | None = None
    is_updated: bool = False

    @property
    def may_lack_threads(self) -> bool:
        """Whether a program's threads could not be read: an empty list does not mean that there is none."""
        return any(source.form == Shape.UNSUPPORTED for source in self.sources)

    @cached_property
    def by_id(self) -> Mapping[str, ThreadRow]:
        """The rows by thread id, in their order."""
        return dict(zip(map(_thread_id, self.rows), self.rows, strict=True))

    @cached_property
    def notable(self) -> tuple[ThreadRow, ...]:
        """The rows of which the icon, the menu or a notification may have to report something."""
        return tuple(filter(_is_notable, self.rows))

    def prepared(self) -> Snapshot:
        """Return this snapshot with its derived values computed, outside the event loop."""
        _ = self.by_id, self.notable
        return self


_thread_id, _is_notable = attrgetter("thread.id"), attrgetter("is_notable")


@dataclass(frozen=True)
class ThreadDetails:
    """Everything known of one thread, oldest first. `offered`: what can be chosen now, best first.

    `choices`: sessions that it could be bound to, fullest first. `answers`: the guard's answers to T3 Code for it. `deleted`: a
    sentence on a thread that T3 Code no longer shows, else empty; nothing is offered for it. `marked`: sessions that claim it by
    our mark and that the journal does not contain.
    """

    row: ThreadRow
    cursor: Cursor | None
    journal: tuple[Entry, ...]
    receipt: Receipt | None
    candidates: tuple[Candidate, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    offered: tuple[Remedy, ...] = ()
    choices: tuple[Candidate, ...] = ()
    answers: tuple[GuardAnswer, ...] = ()
    deleted: str = ""
    marked: tuple[str, ...] = ()

    @property
    def put_away(self) -> frozenset[str]:
        """The sessions that were dismissed by name; not those that came back later without an entry in the journal."""
        return put_away(self.journal) - set(self.marked)


def changed_names(before: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    """Return the names of what is new, gone, or another object than before. Values are not compared."""
    return {*compress(now, map(is_not, now.values(), map(before.get, now))), *(before.keys() - now.keys())}


@dataclass(frozen=True)
class Finding:
    """One entry of the doctor's report; `table` are lines below it."""

    name: str
    ok: bool
    detail: str
    table: tuple[str, ...] = ()
