"""The rows of the list, made from a scan. An unchanged row is the same object from one scan to the next, so that rows can be
compared by identity. Runs in the SQL thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from t3tray.domain.alarm import left_event
from t3tray.domain.reaper import ReaperClock, ReaperState, own_reaper_state, t3_reaper_state
from t3tray.domain.server import ServerStatus
from t3tray.domain.t3code_side import NextMessage
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Kind, Verdict
from t3tray.t3code.state import T3State
from t3tray.threads.remedy_offers import offers
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import ThreadRow
from t3tray.threads.t3code_sides import NextMessages
from t3tray.threads.verify import Assessment, situation_of

# The reaper clock of the T3 Code that shows a thread, by thread id; not started if it does not run.
Clocks = Mapping[str, ReaperClock]
# A row's position in the list: the smallest comes first.
Rank = tuple[bool, bool, int, float, str]

# A fault in T3 Code that is older stays in its place: a thread that is not used needs no attention.
_IS_NEWS = timedelta(hours=24)
_ATTENTION = {Kind.BLOCKED: 0, Kind.UNKNOWN: 1, Kind.RESUMABLE: 1}
# A thread that T3 Code has deleted is in no home any more.
_NO_HOME = ReaperClock()
_id, _thread_id = attrgetter("id"), attrgetter("thread.id")


@dataclass(frozen=True)
class RowContext:
    """What all rows depend on besides their own thread. `left`: `Alarm.event` of the faults that the user left as they are."""

    server_answers: bool
    version: str
    left: frozenset[str]

    @classmethod
    def of(cls, server: ServerStatus, left: frozenset[str]) -> RowContext:
        return cls(server.state.answers, server.version, left)


@dataclass(frozen=True)
class SnapshotRows:
    """`rows` are sorted. `foreign` are T3 Code's threads of other providers, `foreign_reapers` their reaper states by id."""

    rows: tuple[ThreadRow, ...] = ()
    foreign: tuple[T3Thread, ...] = ()
    foreign_reapers: Mapping[str, ReaperState] = field(default_factory=dict)

    @property
    def lines(self) -> Mapping[str, ThreadRow | T3Thread]:
        """All of them by thread id."""
        lines: dict[str, ThreadRow | T3Thread] = dict(zip(map(_thread_id, self.rows), self.rows, strict=True))
        lines.update(zip(map(_id, self.foreign), self.foreign, strict=True))
        return lines


class _Known(NamedTuple):
    """What a row was made from. `is_moving`: it may change by time alone."""

    found: Assessment
    side: NextMessage | None
    clock: ReaperClock
    row: ThreadRow
    rank: Rank
    is_moving: bool


class RowBuilder:
    """One for the process; each call makes only the rows anew whose thread has changed since the last."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._order: tuple[str, ...] = ()
        self._rows: tuple[ThreadRow, ...] = ()
        self._context: RowContext | None = None
        self._alarmed: frozenset[str] = frozenset()
        self._homes: dict[ReaperClock, ReaperClock] = {}
        self._foreign: dict[str, tuple[T3Thread, ReaperClock, ReaperState]] = {}

    def of(
        self,
        scan: Scan,
        context: RowContext,
        alarmed: frozenset[str],
        clock: ReaperClock,
        now: datetime,
        archived: bool,
        sides: NextMessages,
    ) -> SnapshotRows:
        """Return the rows: first those with an unseen alarm (`alarmed`), half repaired or blocked ones, then by newest
        activity; archived ones last, if wanted. A thread of T3 Code and one of ours on the same session are one row."""
        clocks = self._clocks(scan, clock)
        live: list[Assessment] = []
        away: list[Assessment] = []
        for found in scan.assessments:
            (live if found.thread.archived_at is None else away).append(found)
        shown = [*_one_a_session(live), *(_one_a_session(away) if archived else ())]
        self._take(shown, context, alarmed, clocks, now, sides)
        foreign = tuple(thread for thread in scan.foreign if archived or thread.archived_at is None)
        return SnapshotRows(self._rows, foreign, self._reapers(foreign, clocks, now))

    def _take(
        self,
        shown: Sequence[Assessment],
        context: RowContext,
        alarmed: frozenset[str],
        clocks: Clocks,
        now: datetime,
        sides: NextMessages,
    ) -> None:
        before, known, is_other = self._known, {}, False
        is_anew, alarms_changed = context != self._context, alarmed ^ self._alarmed
        for found in shown:
            name = found.thread.id
            last, side, clock = before.get(name), sides.get(name), clocks.get(name, _NO_HOME)
            if (
                last is None
                or last.found is not found
                or last.side is not side
                or last.clock is not clock
                or last.is_moving
                or is_anew
                or name in alarms_changed
            ):
                made = _known(found, side, clock, context, now, name in alarmed)
                if last is not None and last.row == made.row:
                    made = made._replace(row=last.row)
                is_other = is_other or last is None or last.row is not made.row or last.rank != made.rank
                last = made
            known[name] = last
        if is_other or len(known) != len(before):
            # Almost in order already, which is sorted quickly.
            names = [*filter(known.__contains__, self._order), *(name for name in known if name not in before)]
            names.sort(key=lambda name: known[name].rank)
            self._order, self._rows = tuple(names), tuple([known[name].row for name in names])
        self._known, self._context, self._alarmed = known, context, alarmed

    def _reapers(self, foreign: Sequence[T3Thread], clocks: Clocks, now: datetime) -> dict[str, ReaperState]:
        known: dict[str, tuple[T3Thread, ReaperClock, ReaperState]] = {}
        for thread in foreign:
            last, clock = self._foreign.get(thread.id), clocks.get(thread.id, _NO_HOME)
            if last is None or last[0] is not thread or last[1] is not clock or last[2].reap_at is not None:
                state = _reaper_of(thread, None, False, clock, now)
                last = (thread, clock, last[2] if last is not None and last[2] == state else state)
            known[thread.id] = last
        self._foreign = known
        return {name: last[2] for name, last in known.items()}

    def _clocks(self, scan: Scan, clock: ReaperClock) -> Clocks:
        """Return the clock of each home of T3 Code; the same object while its settings are the same."""
        clocks: dict[str, ReaperClock] = {}
        homes: dict[ReaperClock, ReaperClock] = {}
        for state in scan.states:
            own = _clock_of(state, clock)
            own = homes.setdefault(own, self._homes.get(own, own))
            clocks |= dict.fromkeys(map(_id, state.threads), own)
        self._homes = homes
        return clocks


def row_of(
    found: Assessment, side: NextMessage | None, states: Sequence[T3State], clock: ReaperClock, context: RowContext, now: datetime
) -> ThreadRow:
    """Return one thread's row; `clock` is T3 Code's reaper according to the settings."""
    home = next((state for state in states if found.t3 is not None and found.thread.id in map(_id, state.threads)), None)
    return _row(found, side, _clock_of(home, clock) if home else _NO_HOME, context, now)


def _known(
    found: Assessment, side: NextMessage | None, clock: ReaperClock, context: RowContext, now: datetime, is_alarmed: bool
) -> _Known:
    row = _row(found, side, clock, context, now)
    is_moving = row.reaper.reap_at is not None or (side is not None and side.is_fault)
    return _Known(found, side, clock, row, _rank(row, is_alarmed or row.is_half_mended), is_moving)


def _rank(row: ThreadRow, is_alarmed: bool) -> Rank:
    thread = row.thread
    at = thread.last_activity_at.timestamp()
    return thread.archived_at is not None, not is_alarmed, _ATTENTION[row.verdict.kind], -at, thread.id


def _row(found: Assessment, side: NextMessage | None, clock: ReaperClock, context: RowContext, now: datetime) -> ThreadRow:
    return ThreadRow(
        thread=found.thread,
        session_id=found.cursor.session_id if found.cursor else None,
        verdict=found.verdict,
        reaper=_reaper(found, context, clock, now),
        t3=found.t3,
        served=found.served,
        session_directory=found.works_elsewhere,
        remedies=offers(found.verdict, situation_of(found, context.version)),
        next_message=side,
        is_half_mended=_is_half_mended(found, side, now, context.left),
    )


def _is_half_mended(found: Assessment, side: NextMessage | None, now: datetime, left: Collection[str]) -> bool:
    """Whether the thread continues here, and T3 Code's side of it still has to be repaired."""
    if side is None or not side.is_fault or found.verdict.kind is not Kind.RESUMABLE or found.t3 is None:
        return False
    if found.thread.archived_at is not None or found.t3.deleted_at is not None:
        return False
    bound = found.cursor.session_id if found.cursor else None
    is_news = now - found.thread.last_activity_at < _IS_NEWS
    return is_news and left_event(found.thread.id, bound, found.t3.session_id, side.reason) not in left


def _reaper(found: Assessment, context: RowContext, clock: ReaperClock, now: datetime) -> ReaperState:
    if found.t3 is None:
        return own_reaper_state(found.verdict, context.server_answers)
    return _reaper_of(found.t3, found.verdict, found.agents_work, clock, now)


def _reaper_of(t3: T3Thread, verdict: Verdict | None, agents_work: bool, clock: ReaperClock, now: datetime) -> ReaperState:
    is_open = t3.is_working or t3.awaits_approval or t3.awaits_answer or agents_work
    return t3_reaper_state(t3.runtime, is_open, verdict, clock, clock.started is not None, now)


def _clock_of(state: T3State, clock: ReaperClock) -> ReaperClock:
    """Sweeps count from the start of T3 Code. The second orchestrator has no sweeps."""
    return replace(clock, started=state.served_since, sweep=timedelta(0) if state.shape is Shape.V2 else clock.sweep)


def _one_a_session(found: Sequence[Assessment]) -> Sequence[Assessment]:
    """T3 Code's thread hides one of ours on the same session: it is the one that people see."""
    if all(each.thread.source is Source.T3CODE for each in found):
        return found
    theirs = {each.cursor.session_id for each in found if each.cursor and each.thread.source is Source.T3CODE}
    return [
        each for each in found if each.thread.source is Source.T3CODE or not (each.cursor and each.cursor.session_id in theirs)
    ]
