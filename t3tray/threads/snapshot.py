"""Frozen pictures of the app's state, as both faces (window and command line) show it. Values only."""

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
    """One line of the list. `t3` is what T3 Code says of a thread of its own, `served` which sessions did, in order.

    `session_directory` is where its session works, if that is another folder than the thread's. `remedies` is what can be chosen,
    the best first, as far as is known; the details know for sure. `next_message` is T3 Code's side of a thread of its own: where
    the next message that is typed there goes. `is_half_mended`: that has to be mended still, is no old story, and the user has
    not said to leave it.
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
        """Whether nothing is to be said of T3 Code's side, or there is none."""
        return self.next_message is None or self.next_message.is_fine

    @property
    def goes_on_in_t3(self) -> bool:
        """Whether a message that is typed in T3 Code would carry the conversation now."""
        return self.verdict.kind is Kind.RESUMABLE and (self.next_message is None or self.next_message.kind is Kind.RESUMABLE)

    @property
    def is_archived(self) -> bool:
        return self.thread.archived_at is not None

    @property
    def is_working(self) -> bool:
        """Whether a turn is under way in it, here or in T3 Code; not one that is over while T3 Code waits for it."""
        if self.next_message is not None and self.next_message.reason is NextReason.STUCK:
            return False
        return self.verdict.reason is Reason.BUSY or self.reaper.phase is ReaperPhase.ACTIVE

    @property
    def waits_in_t3(self) -> bool:
        """Whether T3 Code waits for the user in it."""
        return self.t3 is not None and (self.t3.awaits_approval or self.t3.awaits_answer)

    @cached_property
    def is_notable(self) -> bool:
        """Whether the icon, the menu or a notification may have to say something of it; of most threads none does."""
        if self.is_archived:
            return False
        is_trouble = self.verdict.kind is not Kind.RESUMABLE or self.is_half_mended
        return is_trouble or self.is_working or self.waits_in_t3 or self.reaper.reap_at is not None


@dataclass(frozen=True)
class SourceView:
    """Where threads come from: a program's data, its form, and a sentence on how it is read."""

    source: Source
    path: str
    form: str
    why: str
    threads: int


@dataclass(frozen=True)
class Snapshot:
    """Everything the list, the tray icon and the menu need, made once for a change. `rows` are sorted: what needs attention
    first, then newest; one that has not changed is the same object as in the snapshot before.

    `foreign` are T3 Code's threads of other providers: they are listed, without a verdict; `foreign_reapers` is where each
    stands with T3 Code's reaper, by its id. `alarms` are those nobody has seen, `pending_requests` what waits for the user on
    the running
    server. `guarded` are the ids of the threads that the guard watches over, `refusals` what it refused T3 Code and nobody has
    seen, one a thread. `server_stays`: the server is ours and goes on running when this app ends. `idle_status` says what our own
    reaper did with it or will do, empty where there is nothing to say. `settings`: what the user has set by now.
    `unread` are the ids of the threads in which something happened, and is over, since the user last looked. `banner`: a line
    above
    everything, where this is no usual world. `stale_since`: the threads could not be read since then, and are shown as they were.
    `restore`: our own data was put back from a copy, and the user has not settled that.
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

    @property
    def may_lack_threads(self) -> bool:
        """Whether a program's threads could not be read: that none is shown does not say that there is none."""
        return any(source.form == Shape.UNSUPPORTED for source in self.sources)

    @cached_property
    def by_id(self) -> Mapping[str, ThreadRow]:
        """The rows by their threads' ids, in their order."""
        return dict(zip(map(_thread_id, self.rows), self.rows, strict=True))

    @cached_property
    def notable(self) -> tuple[ThreadRow, ...]:
        """The rows of which the icon, the menu or a notification may have to say something."""
        return tuple(filter(_is_notable, self.rows))

    def prepared(self) -> Snapshot:
        """This snapshot, with what follows from its rows made out already: not on the event loop."""
        _ = self.by_id, self.notable
        return self


_thread_id, _is_notable = attrgetter("thread.id"), attrgetter("is_notable")


@dataclass(frozen=True)
class ThreadDetails:
    """Everything known of one thread; all of it oldest first. `offered` is what can be chosen now, the best first.

    `choices` are the sessions that it could be bound to, the fullest first; `answers` is what the guard answered T3 Code for
    it. `deleted` is a sentence on a thread that T3 Code shows no more, else empty; nothing is offered for it. `marked` are
    sessions that claim it by our mark, of which the journal knows nothing.
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
        """The sessions that were let go of by name; not those that came back later without the journal's knowing."""
        return put_away(self.journal) - set(self.marked)


def changed_names(before: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    """The names of what is new, gone, or another object than before. Nothing is compared by its value."""
    return {*compress(now, map(is_not, now.values(), map(before.get, now))), *(before.keys() - now.keys())}


@dataclass(frozen=True)
class Finding:
    """One entry of the doctor's report; `table` are lines below it."""

    name: str
    ok: bool
    detail: str
    table: tuple[str, ...] = ()
