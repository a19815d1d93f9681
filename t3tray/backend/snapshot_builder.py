"""The picture of everything as views: sorted by what needs attention, one row a session. It reads; it changes nothing.

Verdicts of the list come from the databases, whether or not a server runs: 10,000 threads cost no request. What a database
cannot tell, which sessions are busy, is in them already. A resume always asks the server itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from t3tray.domain.alarm import Alarm
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.guard_state import NO_GUARD, TROUBLED, GuardState
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.restore import Restore
from t3tray.domain.server import ServerStatus
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Reason
from t3tray.errors import ThreadNotFound
from t3tray.settings.definitions import Settings
from t3tray.store.store import Store
from t3tray.t3code.state import T3State
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.snapshot import Snapshot, SourceView, ThreadDetails
from t3tray.threads.snapshot_rows import RowBuilder, RowContext, SnapshotRows, row_of
from t3tray.threads.t3code_sides import NextMessages


@dataclass(frozen=True)
class Beside:
    """What an overview holds beside its rows; each is as in `Snapshot`."""

    pending_requests: tuple[PendingRequest, ...] = ()
    refusals: tuple[GuardAnswer, ...] = ()
    server_stays: bool = False
    settings: Settings = field(default_factory=Settings)
    idle_status: str = ""
    restore: Restore | None = None


@dataclass(frozen=True)
class Added:
    """What only the tray app adds. `unread`: in which threads of these something happened since the user looked; `trouble`:
    sentences on what failed until then. Both are called in the SQL's thread, in this order."""

    guard: GuardState = NO_GUARD
    guarded: frozenset[str] = frozenset()
    banner: str = ""
    unread: Callable[[SnapshotRows], frozenset[str]] = lambda rows: frozenset()
    trouble: Callable[[], Sequence[str]] = lambda: ()


def build_snapshot(
    picture: Scan,
    server: ServerStatus,
    alarms: tuple[Alarm, ...],
    warnings: Sequence[str],
    clock: ReaperClock,
    now: datetime,
    archived: bool = False,
    next_messages: NextMessages | None = None,
    left: frozenset[str] = frozenset(),
    rows: RowBuilder | None = None,
    beside: Beside | None = None,
    added: Added | None = None,
) -> Snapshot:
    """Everything of this picture, made at once. `left` are the events of the faults that the user left as they are; `rows` knows
    those of the overview before, of which all that have not changed are taken over."""
    beside, added = beside or Beside(), added or Added()
    alarmed = frozenset(alarm.thread_id for alarm in alarms)
    taken = (rows or RowBuilder()).of(picture, RowContext.of(server, left), alarmed, clock, now, archived, next_messages or {})
    of_picture = (
        *_all_gone(picture),
        *picture.trouble,
        *(duplicate_homes.sentence for duplicate_homes in picture.duplicate_homes),
    )
    of_guard = (added.guard.sentence,) if added.guard.phase in TROUBLED else ()
    return Snapshot(
        server=server,
        rows=taken.rows,
        foreign=taken.foreign,
        foreign_reapers=taken.foreign_reapers,
        sources=_sources(picture),
        alarms=alarms,
        pending_requests=beside.pending_requests,
        guarded=added.guarded,
        server_stays=beside.server_stays,
        settings=beside.settings,
        guard=added.guard,
        refusals=beside.refusals,
        idle_status=beside.idle_status,
        unread=added.unread(taken),
        banner=added.banner,
        restore=beside.restore,
        warnings=(*warnings, *of_picture, *of_guard, *added.trouble()),
    )


def _all_gone(picture: Scan) -> tuple[str, ...]:
    """A warning where every recorded session is missing at once: the database itself is more likely to have been replaced."""
    if any(each.cursor and each.verdict.reason is not Reason.MISSING for each in picture.assessments):
        return ()
    found = {each.cursor.session_id for each in picture.assessments if each.cursor}
    if len(found) < 2:
        return ()
    return (
        f"None of the {len(found)} recorded sessions is in OpenCode's database: it was probably moved, replaced or restored.",
    )


def build_details(
    store: Store,
    scanner: Scanner,
    picture: Scan,
    thread_id: str,
    server: ServerStatus,
    clock: ReaperClock,
    now: datetime,
    next_messages: NextMessages,
) -> ThreadDetails:
    """Everything known of one thread of the picture. For the SQL's thread. Raises ThreadNotFound, StoreError."""
    found = next((found for found in picture.assessments if found.thread.id == thread_id), None)
    if found is None:
        raise ThreadNotFound("This thread has just gone.", "`t3tray threads` lists those that are there.")
    thread = found.thread
    entries = store.journal.entries(thread.id)
    around = RowContext.of(server, store.alarms.left())
    return ThreadDetails(
        row=row_of(found, next_messages.get(thread_id), picture.states, clock, around, now),
        cursor=found.cursor,
        journal=entries,
        receipt=store.receipts.last(thread.id),
        candidates=scanner.candidates(thread.id, entries),
        alarms=store.alarms.all(thread.id),
        answers=store.guard_answers.all(thread.id),
        marked=scanner.lost_bindings.sessions_of(thread.id),
    )


def _sources(picture: Scan) -> tuple[SourceView, ...]:
    ours = sum(found.thread.source is Source.T3TRAY for found in picture.assessments)
    return (SourceView(Source.T3TRAY, "", "", "", ours), *(_source(state) for state in picture.states))


def _source(state: T3State) -> SourceView:
    return SourceView(Source.T3CODE, str(state.path), state.shape, state.why, len(state.threads))
