"""The picture of everything as views: sorted by what needs attention, one row a session. It reads; it changes nothing.

Verdicts of the list come from the databases, whether or not a server runs: 10,000 threads cost no request. What a database
cannot tell, which sessions are busy, is in them already. A resume always asks the server itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from t3tray.domain.alarm import Alarm, left_event
from t3tray.domain.reaper import ReaperClock, ReaperState, own_reaper_state, t3_reaper_state
from t3tray.domain.server import ServerStatus
from t3tray.domain.t3code_side import NextMessage
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.errors import ThreadNotFound
from t3tray.store.store import Store
from t3tray.t3code.state import T3State
from t3tray.threads.remedy_offers import offers
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.snapshot import Snapshot, SourceView, ThreadDetails, ThreadRow
from t3tray.threads.t3code_sides import NextMessages
from t3tray.threads.verify import Assessment, situation_of

# The clock of the T3 Code that shows a thread, by the thread's id; not started where none runs.
Clocks = Mapping[str, ReaperClock]
# What is wrong in T3 Code for longer than that stays in its place: a thread that is not used needs nobody.
_IS_NEWS = timedelta(hours=24)
_ATTENTION = {Kind.BLOCKED: 0, Kind.UNKNOWN: 1, Kind.RESUMABLE: 1}


def build_snapshot(
    picture: Scan,
    server: ServerStatus,
    alarms: tuple[Alarm, ...],
    warnings: tuple[str, ...],
    clock: ReaperClock,
    now: datetime,
    archived: bool = False,
    next_messages: NextMessages | None = None,
    left: frozenset[str] = frozenset(),
) -> Snapshot:
    """The rows of this picture: what has an unseen alarm, is half mended or blocked first, then the newest activity; what is
    archived last. `left` are the events of the faults that the user left as they are."""
    shown = [*_one_a_session(found for found in picture.examinations if found.thread.archived_at is None)]
    if archived:
        shown += _one_a_session(found for found in picture.examinations if found.thread.archived_at is not None)
    clocks = _clocks(picture, clock)
    sides = next_messages or {}
    rows = [_row(found, server, clocks, now, sides.get(found.thread.id), left) for found in shown]
    rows.sort(key=lambda row: row.thread.last_activity_at, reverse=True)
    alarmed = {alarm.thread_id for alarm in alarms} | {row.thread.id for row in rows if row.is_half_mended}
    rows.sort(key=lambda row: (row.thread.archived_at is not None, row.thread.id not in alarmed, _ATTENTION[row.verdict.kind]))
    told = (*warnings, *_all_gone(picture), *picture.trouble, *(twins.sentence for twins in picture.twins))
    foreign = tuple(thread for thread in picture.foreign if archived or thread.archived_at is None)
    return Snapshot(
        server,
        tuple(rows),
        foreign,
        _sources(picture),
        alarms,
        told,
        foreign_reapers={thread.id: _reaper_of(thread, None, False, clocks, now) for thread in foreign},
    )


def _all_gone(picture: Scan) -> tuple[str, ...]:
    """A warning where every recorded session is missing at once: the database itself is more likely to have been replaced."""
    found = {each.cursor.session_id: each.verdict.reason for each in picture.examinations if each.cursor}
    if len(found) < 2 or set(found.values()) != {Reason.MISSING}:
        return ()
    return (
        f"None of the {len(found)} recorded sessions is in OpenCode's database: it was probably moved, replaced or restored.",
    )


def build_details(
    store: Store,
    survey: Scanner,
    picture: Scan,
    thread_id: str,
    server: ServerStatus,
    clock: ReaperClock,
    now: datetime,
    next_messages: NextMessages,
) -> ThreadDetails:
    """Everything known of one thread of the picture. For the SQL's thread. Raises ThreadNotFound, StoreError."""
    found = next((found for found in picture.examinations if found.thread.id == thread_id), None)
    if found is None:
        raise ThreadNotFound("This thread has just gone.", "`t3tray threads` lists those that are there.")
    thread = found.thread
    entries = store.journal.entries(thread.id)
    return ThreadDetails(
        row=_row(found, server, _clocks(picture, clock), now, next_messages.get(thread_id), store.alarms.left()),
        cursor=found.cursor,
        journal=entries,
        receipt=store.receipts.last(thread.id),
        candidates=survey.candidates(thread.id, entries),
        alarms=store.alarms.all(thread.id),
        answers=store.guard_answers.all(thread.id),
        marked=survey.lost_bindings.sessions_of(thread.id),
    )


def _row(
    found: Assessment,
    server: ServerStatus,
    clocks: Clocks,
    now: datetime,
    next_message: NextMessage | None,
    left: frozenset[str],
) -> ThreadRow:
    session_id = found.cursor.session_id if found.cursor else None
    reaper = _reaper(found, server, clocks, now)
    remedies, t3 = offers(found.verdict, situation_of(found, server.version)), found.t3
    is_half = _is_half_mended(found, next_message, now, left)
    elsewhere = found.works_elsewhere
    return ThreadRow(
        found.thread, session_id, found.verdict, reaper, t3, found.served, elsewhere, remedies, next_message, is_half
    )


def _is_half_mended(found: Assessment, side: NextMessage | None, now: datetime, left: frozenset[str]) -> bool:
    """Whether the thread goes on here, and T3 Code's side of it is still to be mended."""
    if side is None or not side.is_fault or found.verdict.kind is not Kind.RESUMABLE or found.t3 is None:
        return False
    if found.thread.archived_at is not None or found.t3.deleted_at is not None:
        return False
    bound = found.cursor.session_id if found.cursor else None
    is_news = now - found.thread.last_activity_at < _IS_NEWS
    return is_news and left_event(found.thread.id, bound, found.t3.session_id, side.reason) not in left


def _reaper(found: Assessment, server: ServerStatus, clocks: Clocks, now: datetime) -> ReaperState:
    t3 = found.t3
    if t3 is None:
        return own_reaper_state(found.verdict, server.state.answers)
    return _reaper_of(t3, found.verdict, found.agents_work, clocks, now)


def _reaper_of(t3: T3Thread, verdict: Verdict | None, agents_work: bool, clocks: Clocks, now: datetime) -> ReaperState:
    is_open = t3.is_working or t3.awaits_approval or t3.awaits_answer or agents_work
    # One that T3 Code has deleted is in no home any more.
    clock = clocks.get(t3.id, ReaperClock())
    return t3_reaper_state(t3.runtime, is_open, verdict, clock, clock.started is not None, now)


def _clocks(picture: Scan, clock: ReaperClock) -> Clocks:
    """Each home of T3 Code has a clock of its own: its sweeps count from its start. The second orchestrator has no sweeps."""
    by_home = [(_clock_of(state, clock), state.threads) for state in picture.states]
    return {thread.id: own for own, threads in by_home for thread in threads}


def _clock_of(state: T3State, clock: ReaperClock) -> ReaperClock:
    return replace(clock, started=state.served_since, sweep=timedelta(0) if state.shape is Shape.V2 else clock.sweep)


def _one_a_session(shown: Iterable[Assessment]) -> Iterable[Assessment]:
    """A thread of T3 Code's and one of ours on the same session are one row, T3 Code's: that is the one people look at."""
    found = list(shown)
    theirs = {each.cursor.session_id for each in found if each.cursor and each.thread.source is Source.T3CODE}
    return (
        each for each in found if each.thread.source is Source.T3CODE or not (each.cursor and each.cursor.session_id in theirs)
    )


def _sources(picture: Scan) -> tuple[SourceView, ...]:
    ours = sum(found.thread.source is Source.T3TRAY for found in picture.examinations)
    return (SourceView(Source.T3TRAY, "", "", "", ours), *(_source(state) for state in picture.states))


def _source(state: T3State) -> SourceView:
    return SourceView(Source.T3CODE, str(state.path), state.shape, state.why, len(state.threads))
