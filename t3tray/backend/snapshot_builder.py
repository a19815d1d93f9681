"""Builds a `Snapshot` from a scan: rows sorted by what needs attention, one a session. It changes nothing.

The verdicts are those of the scan, from the databases, whether or not a server runs: 10,000 threads cost no request. Which
sessions are busy, which is in no database, is in the scan already. A resume always asks the server itself.
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
from t3tray.messages.trouble import UPDATED, all_sessions_missing
from t3tray.settings.definitions import Settings
from t3tray.t3code.state import T3State
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import Snapshot, SourceView
from t3tray.threads.snapshot_rows import RowBuilder, RowContext, SnapshotRows
from t3tray.threads.t3code_sides import NextMessages


@dataclass(frozen=True)
class SnapshotExtras:
    """What a snapshot holds beside its rows; each is as in `Snapshot`."""

    pending_requests: tuple[PendingRequest, ...] = ()
    refusals: tuple[GuardAnswer, ...] = ()
    server_stays: bool = False
    settings: Settings = field(default_factory=Settings)
    idle_status: str = ""
    restore: Restore | None = None


@dataclass(frozen=True)
class AppExtras:
    """What only the tray app adds. `unread` returns the threads of these rows in which something happened since the user looked,
    `trouble` sentences on what has failed by then, `is_updated` whether the program's file was replaced. All are called in the
    SQL's thread, in this order."""

    guard: GuardState = NO_GUARD
    guarded: frozenset[str] = frozenset()
    banner: str = ""
    unread: Callable[[SnapshotRows], frozenset[str]] = lambda rows: frozenset()
    trouble: Callable[[], Sequence[str]] = lambda: ()
    is_updated: Callable[[], bool] = lambda: False


def build_snapshot(
    scan: Scan,
    server: ServerStatus,
    alarms: tuple[Alarm, ...],
    warnings: Sequence[str],
    clock: ReaperClock,
    now: datetime,
    archived: bool = False,
    next_messages: NextMessages | None = None,
    left: frozenset[str] = frozenset(),
    rows: RowBuilder | None = None,
    extras: SnapshotExtras | None = None,
    app: AppExtras | None = None,
) -> Snapshot:
    """Return the snapshot of a scan, made at once. `left` are the events of the faults that the user left as they are; `rows`
    holds the rows of the snapshot before: those that have not changed stay the same objects."""
    extras, app = extras or SnapshotExtras(), app or AppExtras()
    alarmed = frozenset(alarm.thread_id for alarm in alarms)
    listed = (rows or RowBuilder()).of(scan, RowContext.of(server, left), alarmed, clock, now, archived, next_messages or {})
    of_scan = (*_all_gone(scan), *scan.trouble, *(duplicates.sentence for duplicates in scan.duplicate_homes))
    of_guard = (app.guard.sentence,) if app.guard.phase in TROUBLED else ()
    unread, trouble, is_updated = app.unread(listed), app.trouble(), app.is_updated()
    return Snapshot(
        server=server,
        rows=listed.rows,
        foreign=listed.foreign,
        foreign_reapers=listed.foreign_reapers,
        sources=_sources(scan),
        alarms=alarms,
        pending_requests=extras.pending_requests,
        guarded=app.guarded,
        server_stays=extras.server_stays,
        settings=extras.settings,
        guard=app.guard,
        refusals=extras.refusals,
        idle_status=extras.idle_status,
        unread=unread,
        banner=app.banner,
        restore=extras.restore,
        warnings=(*warnings, *of_scan, *of_guard, *trouble, *([UPDATED] if is_updated else ())),
        is_updated=is_updated,
    )


def _all_gone(scan: Scan) -> tuple[str, ...]:
    """Return a warning if every recorded session is missing at once: more likely the database itself was replaced."""
    if any(each.cursor and each.verdict.reason is not Reason.MISSING for each in scan.assessments):
        return ()
    found = {each.cursor.session_id for each in scan.assessments if each.cursor}
    if len(found) < 2:
        return ()
    return (all_sessions_missing(len(found)),)


def _sources(scan: Scan) -> tuple[SourceView, ...]:
    ours = sum(found.thread.source is Source.T3TRAY for found in scan.assessments)
    return (SourceView(Source.T3TRAY, "", "", "", ours), *(_source(state) for state in scan.states))


def _source(state: T3State) -> SourceView:
    return SourceView(Source.T3CODE, str(state.path), state.shape, state.why, len(state.threads))
