"""Reads from T3 Code's first orchestrator database what it is about to do, while one of its requests waits: 10 ms at most.

Only threads that the request may be for are read: those that are starting, have a pending message, or are named by the request.
What cannot be read is returned as a sentence; it is never "no thread".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from t3tray.domain.guard import T3CodeState, T3ThreadState
from t3tray.domain.t3code_thread import OPENCODE, Shape
from t3tray.messages.t3code_homes import NO_DATABASE, column_missing
from t3tray.system.folders import real_directory
from t3tray.system.read_only_sqlite import KeptChanging, Row, SqliteReader
from t3tray.t3code import state_v2
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.state import live_database
from t3tray.t3code.times import moment

NEEDED: Mapping[str, frozenset[str]] = {
    "projection_threads": frozenset(
        {"thread_id", "project_id", "title", "worktree_path", "deleted_at", "latest_user_message_at"}
    ),
    "projection_projects": frozenset({"project_id", "workspace_root"}),
    "projection_thread_sessions": frozenset({"thread_id", "status", "provider_name"}),
    "projection_turns": frozenset({"thread_id", "turn_id", "state"}),
    "projection_thread_messages": frozenset({"thread_id", "role"}),
    "provider_session_runtime": frozenset({"thread_id", "provider_name", "last_seen_at", "resume_cursor_json"}),
    "orchestration_events": frozenset({"sequence", "stream_id", "event_type"}),
}

# Number of newest events that are read: other threads write events in between.
_EVENTS = 20
_MODE_SET = "thread.runtime-mode-set"
# One statement, so that the result is consistent. Turns without an id are found by an index only, since their rows may be large.
_NOW = f"""
    WITH newest(thread_id, kind) AS (
        SELECT stream_id, event_type FROM orchestration_events ORDER BY sequence DESC LIMIT {_EVENTS}
    ),
    mode_set(thread_id) AS (SELECT thread_id FROM newest WHERE kind = '{_MODE_SET}'),
    meant(thread_id) AS (
        SELECT thread_id FROM projection_thread_sessions WHERE status = 'starting'
        UNION SELECT thread_id FROM projection_turns WHERE turn_id IS NULL
        UNION SELECT thread_id FROM mode_set
        UNION SELECT thread_id FROM provider_session_runtime WHERE ?1 != '' AND instr(resume_cursor_json, ?1)
    )
    SELECT t.thread_id, t.title, coalesce(t.worktree_path, p.workspace_root), t.created_at,
        CASE WHEN r.provider_name = '{OPENCODE}' AND json_valid(r.resume_cursor_json)
            THEN json_extract(r.resume_cursor_json, '$.sessionId') END,
        coalesce(s.status, '') = 'starting',
        EXISTS (SELECT 1 FROM projection_turns u WHERE u.thread_id = t.thread_id AND u.turn_id IS NULL AND u.state = 'pending'),
        EXISTS (SELECT 1 FROM projection_turns u WHERE u.thread_id = t.thread_id AND u.turn_id IS NOT NULL),
        EXISTS (SELECT 1 FROM projection_thread_messages m WHERE m.thread_id = t.thread_id AND m.role = 'assistant'),
        r.last_seen_at, t.latest_user_message_at, t.thread_id IN mode_set
    FROM meant JOIN projection_threads t USING (thread_id) JOIN projection_projects p USING (project_id)
        LEFT JOIN projection_thread_sessions s USING (thread_id) LEFT JOIN provider_session_runtime r USING (thread_id)
    WHERE t.deleted_at IS NULL AND coalesce(r.provider_name, s.provider_name, '{OPENCODE}') = '{OPENCODE}'"""
_TROUBLE = (sqlite3.Error, OSError, KeptChanging)


def read_now(homes: Sequence[T3Home], session_id: str) -> T3CodeState:
    """Return the threads of all homes that a request may be for. `session_id` is the one named by the request, or empty."""
    states = [_of_home(home, session_id) for home in homes if any(map(may_be_there, home.databases))]
    if not states:
        return T3CodeState(unreadable=NO_DATABASE)
    return T3CodeState(
        threads=tuple(thread for state in states for thread in state.threads),
        mode_set=frozenset().union(*(state.mode_set for state in states)),
        unreadable="; ".join(state.unreadable for state in states if state.unreadable),
        upgraded=", ".join(state.upgraded for state in states if state.upgraded),
    )


def _of_home(home: T3Home, session_id: str) -> T3CodeState:
    first, second = home.databases
    if may_be_there(second):
        live = live_database(home)
        if live is not None and live.shape is Shape.V2:
            return T3CodeState(upgraded=live.path.name)
        first = live.path if live else second
    try:
        return _of_file(first, session_id)
    except _TROUBLE as error:
        return T3CodeState(unreadable=f"{first.name}: {error}")


def _of_file(path: Path, session_id: str) -> T3CodeState:
    with closing(SqliteReader(path)) as reader:
        if reader.columns(state_v2.MARK):
            return T3CodeState(upgraded=path.name)
        for table, needed in NEEDED.items():
            for name in sorted(needed - reader.columns(table)):
                return T3CodeState(unreadable=column_missing(path.name, table, name))
        rows = reader.rows(_NOW, session_id)
    return T3CodeState(tuple(_thread(row) for row in rows), frozenset(row[0] for row in rows if row[-1]))


def _thread(row: Row) -> T3ThreadState:
    thread_id, title, directory, created, session, starting, pending, had_turns, answered, seen, asked, _ = row
    return T3ThreadState(
        id=thread_id,
        title=title,
        directory=real_directory(directory),
        session_id=session if isinstance(session, str) else None,
        starting=bool(starting),
        pending=bool(pending),
        had_turns=bool(had_turns),
        answered=bool(answered),
        last_seen_at=moment(seen),
        asked_at=moment(asked),
        created_at=moment(created),
    )
