"""The changes from one snapshot to the next, as values: the lines of `t3tray run`. It decides nothing.

While a turn runs a thread's verdict is no change: it is compared with the one before the turn. What is unknown for a moment (a
server that does not answer) counts as unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from t3tray.domain.alarm import Alarm
from t3tray.domain.carries import CarriesKind
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.guard_state import GuardState
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.threads.snapshot import Snapshot, ThreadRow

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """Progress of building the demo's world; a sentence without its full stop."""

    sentence: str


@dataclass(frozen=True)
class FirstTable:
    """Everything, the first time that it could be read."""

    snapshot: Snapshot


@dataclass(frozen=True)
class ServerChanged:
    """`idle_status`: what our own reaper did with the server or will do, in a sentence."""

    server: ServerStatus
    idle_status: str


@dataclass(frozen=True)
class GuardChanged:
    guard: GuardState
    threads: int


@dataclass(frozen=True)
class ThreadAdded:
    row: ThreadRow


@dataclass(frozen=True)
class ThreadRemoved:
    """The thread was deleted, or `archived`."""

    row: ThreadRow
    archived: bool


@dataclass(frozen=True)
class VerdictChanged:
    row: ThreadRow
    before: Verdict


@dataclass(frozen=True)
class TurnChanged:
    """A turn `runs` in the thread now, or has ended."""

    row: ThreadRow
    runs: bool


@dataclass(frozen=True)
class AlarmChanged:
    """An alarm was raised; or it `is_over`: the user has seen it, or a remedy was applied."""

    alarm: Alarm
    row: ThreadRow | None
    is_over: bool


@dataclass(frozen=True)
class RequestChanged:
    """A request waits for the user; or it `is_over`: it was answered, or its turn has ended."""

    request: PendingRequest
    is_over: bool


@dataclass(frozen=True)
class MessageRefused:
    """The guard refused a message of T3 Code."""

    answer: GuardAnswer
    row: ThreadRow | None


@dataclass(frozen=True)
class WarningChanged:
    sentence: str
    is_over: bool


ThreadChange = ThreadAdded | ThreadRemoved | VerdictChanged | TurnChanged
Change = (
    Progress
    | FirstTable
    | ServerChanged
    | GuardChanged
    | ThreadChange
    | AlarmChanged
    | RequestChanged
    | MessageRefused
    | WarningChanged
)
# What is compared of a verdict: its reason, how much it carries, and the reason of T3 Code's side.
Standing = tuple[Reason, CarriesKind, NextReason | None]


class SnapshotChanges:
    """Compares each snapshot with the one before it."""

    def __init__(self) -> None:
        self._last: Snapshot | None = None
        self._rows: dict[str, ThreadRow] = {}
        self._standing: dict[str, Verdict] = {}
        self._marks: dict[str, Standing] = {}
        self._working: set[str] = set()
        self._has_table = False

    def of(self, snapshot: Snapshot) -> tuple[Change, ...]:
        """Return the changes in this snapshot, in the order in which they are written."""
        last = self._last or Snapshot(ServerStatus(ServerState.STOPPED))
        if snapshot.server.state is ServerState.UNRESPONSIVE:
            # The server does not respond: its pending requests are assumed to be still open.
            snapshot = replace(snapshot, pending_requests=last.pending_requests)
        if snapshot.banner and not snapshot.sources:
            # The demo's world is still being built.
            return (Progress(snapshot.banner),)
        found = tuple(self._compare(last, snapshot))
        self._last = snapshot
        return found

    def _compare(self, last: Snapshot, now: Snapshot) -> Iterator[Change]:
        rows = {row.thread.id: row for row in now.rows if not row.is_archived}
        # Before the first reading there are no sources; one that failed may leave none.
        if now.sources:
            yield from self._of_threads(now, rows) if self._has_table else self._first(now, rows)
            self._has_table, self._rows = True, rows
        if self._last is None or _marks_of(last.server) != _marks_of(now.server):
            yield ServerChanged(now.server, now.idle_status)
        if last.guard != now.guard:
            yield GuardChanged(now.guard, len(now.guarded))
        alarms = _compared(last.alarms, now.alarms, lambda alarm: (alarm.event, alarm.noticed_at))
        yield from (AlarmChanged(alarm, rows.get(alarm.thread_id), is_over) for alarm, is_over in alarms)
        for answer, is_over in _compared(last.refusals, now.refusals, lambda answer: (answer.decision.thread_id, answer.at)):
            if not is_over:
                yield MessageRefused(answer, rows.get(answer.decision.thread_id or ""))
        yield from (
            RequestChanged(request, is_over)
            for request, is_over in _compared(last.pending_requests, now.pending_requests, lambda request: request.id)
        )
        warnings = _compared(_warnings(last), _warnings(now), lambda sentence: sentence)
        yield from (WarningChanged(sentence, is_over) for sentence, is_over in warnings)

    def _first(self, now: Snapshot, rows: dict[str, ThreadRow]) -> Iterator[Change]:
        yield FirstTable(now)
        for id, row in rows.items():
            self._note(id, row)
        # A turn whose thread is still unknown (its server is only being joined) is written when it is known.
        self._working = {id for id, row in rows.items() if row.is_working and row.verdict.kind is not Kind.UNKNOWN}

    def _of_threads(self, now: Snapshot, rows: dict[str, ThreadRow]) -> Iterator[Change]:
        put_away = {row.thread.id for row in now.rows if row.is_archived}
        for id in self._rows.keys() - rows.keys():
            yield ThreadRemoved(self._rows[id], id in put_away)
            self._working.discard(id)
        for id, row in rows.items():
            if id not in self._rows:
                self._note(id, row)
                yield ThreadAdded(row)
            yield from self._of_turn(id, row)
            if id not in self._working and self._marks[id] != _standing(row):
                yield VerdictChanged(row, self._standing[id])
                self._note(id, row)

    def _note(self, id: str, row: ThreadRow) -> None:
        self._standing[id], self._marks[id] = row.verdict, _standing(row)

    def _of_turn(self, id: str, row: ThreadRow) -> Iterator[Change]:
        if row.is_working and id not in self._working:
            self._working.add(id)
            yield TurnChanged(row, True)
        elif id in self._working and not row.is_working and row.verdict.kind is not Kind.UNKNOWN:
            self._working.discard(id)
            yield TurnChanged(row, False)


def _standing(row: ThreadRow) -> Standing:
    side = row.next_message
    return row.verdict.reason, row.verdict.carries.kind, None if side is None or side.is_fine else side.reason


def _marks_of(server: ServerStatus) -> tuple[object, ...]:
    """What is compared of the server: not its memory, which is different in each snapshot."""
    return server.state, server.pid, server.version, server.reason


def _warnings(snapshot: Snapshot) -> tuple[str, ...]:
    """The warnings, except the one that `GuardChanged` has."""
    return tuple(sentence for sentence in dict.fromkeys(snapshot.warnings) if sentence != snapshot.guard.sentence)


def _compared(before: Iterable[T], now: Iterable[T], key: Callable[[T], object]) -> tuple[tuple[T, bool], ...]:
    """Return what was there before and is over (True), then what is new (False)."""
    had, has = {key(each): each for each in before}, {key(each): each for each in now}
    over = ((had[name], True) for name in had if name not in has)
    return (*over, *((has[name], False) for name in has if name not in had))
