"""The picture of everything: all threads with their verdicts, sorted by what needs attention. It reads; it changes nothing.

Verdicts of the list come from OpenCode's database, read-only, whether or not a server runs: 10,000 threads cost no request.
What a database cannot tell, which sessions are busy, is passed in from the server. A resume always asks the server itself.
"""

from __future__ import annotations

from t3tray.core.domain.journal import Entry
from t3tray.core.domain.reaper import own_reaper_state
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.verdict import Kind
from t3tray.core.services.resume import Examination
from t3tray.core.services.views import Overview, ThreadDetails, ThreadRow
from t3tray.core.store.store import Store

_ATTENTION = {Kind.BLOCKED: 0, Kind.UNKNOWN: 1, Kind.RESUMABLE: 1}


def take_overview(
    examinations: tuple[Examination, ...], server: ServerStatus, warnings: tuple[str, ...], archived: bool = False
) -> Overview:
    """The rows of these examinations, blocked threads first, then the newest activity."""
    rows = [_row(found, server) for found in examinations if archived or found.thread.archived_at is None]
    rows.sort(key=lambda row: row.thread.last_activity_at, reverse=True)
    rows.sort(key=lambda row: _ATTENTION[row.verdict.kind])
    return Overview(server, tuple(rows), warnings)


def take_details(store: Store, found: Examination, server: ServerStatus) -> ThreadDetails:
    """Everything known of one thread. For the worker thread that runs the SQL."""
    thread = found.thread
    entries = store.journal.entries(thread.id)
    earlier = _earlier_sessions(entries, found.cursor.session_id if found.cursor else None)
    free = tuple(session for session in earlier if store.journal.owner_of(session) is None)
    return ThreadDetails(_row(found, server), found.cursor, entries, store.receipts.last(thread.id), free)


def _row(found: Examination, server: ServerStatus) -> ThreadRow:
    session_id = found.cursor.session_id if found.cursor else None
    return ThreadRow(found.thread, session_id, found.verdict, own_reaper_state(found.verdict, server.state.answers))


def _earlier_sessions(entries: tuple[Entry, ...], current: str | None) -> tuple[str, ...]:
    """Every session that the journal ever named for the thread, the latest first."""
    named = dict.fromkeys(entry.session_id for entry in reversed(entries) if entry.session_id)
    return tuple(session for session in named if session != current)
