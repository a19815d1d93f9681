"""The threads in the first orchestrator's database. Columns are taken as they are there, never by a migration's number.

It reads neither credentials nor settings, and judges nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from t3tray.core.domain.reaper import Runtime
from t3tray.core.system.quiet_sqlite import QuietReader, Row
from t3tray.core.t3code.threads import OPENCODE, NativeSession, T3Thread
from t3tray.core.t3code.times import moment, needed_moment

# What nothing can be told without, by table.
NEEDED: Mapping[str, frozenset[str]] = {
    "projection_threads": frozenset({"thread_id", "project_id", "title", "created_at", "updated_at", "deleted_at"}),
    "projection_projects": frozenset({"project_id", "title", "workspace_root", "deleted_at"}),
    "provider_session_runtime": frozenset({"thread_id", "provider_name", "status", "last_seen_at", "resume_cursor_json"}),
    "projection_thread_sessions": frozenset({"thread_id", "status", "updated_at"}),
}
_ALIASES = {
    "t": "projection_threads",
    "p": "projection_projects",
    "r": "provider_session_runtime",
    "s": "projection_thread_sessions",
}


def _json(expression: str) -> str:
    """The expression where the column holds JSON, NULL where it does not: one bad row must not take all the others away."""
    return f"CASE WHEN typeof({{0}}) = 'text' AND json_valid({{0}}) THEN {expression} END"


# Each value that is read: the column that it needs, and the expression if it is more than that. Without the column it is NULL.
_VALUES: Mapping[str, tuple[str, str]] = {
    "id": ("t.thread_id", ""),
    "title": ("t.title", ""),
    "created_at": ("t.created_at", ""),
    "updated_at": ("t.updated_at", ""),
    "project": ("p.title", ""),
    "workspace": ("p.workspace_root", ""),
    "worktree": ("t.worktree_path", ""),
    "branch": ("t.branch", ""),
    "instance": ("t.model_selection_json", _json("coalesce(json_extract({0}, '$.instanceId'), json_extract({0}, '$.provider'))")),
    "model": ("t.model_selection_json", _json("json_extract({0}, '$.model')")),
    "latest_turn": ("t.latest_turn_id", ""),
    "asked_at": ("t.latest_user_message_at", ""),
    "approvals": ("t.pending_approval_count", ""),
    "answers": ("t.pending_user_input_count", ""),
    "archived_at": ("t.archived_at", ""),
    "settled_at": ("t.settled_at", ""),
    "snoozed_until": ("t.snoozed_until", ""),
    "pinned_at": ("t.pinned_at", ""),
    "provider": ("r.provider_name", ""),
    "runtime_status": ("r.status", ""),
    "last_seen_at": ("r.last_seen_at", ""),
    "session_id": (
        "r.resume_cursor_json",
        _json("CASE json_type({0}, '$.sessionId') WHEN 'text' THEN json_extract({0}, '$.sessionId') END"),
    ),
    "cursor_version": ("r.resume_cursor_json", _json("json_extract({0}, '$.schemaVersion')")),
    "last_event": ("r.runtime_payload_json", _json("json_extract({0}, '$.lastRuntimeEvent')")),
    "adapter": ("r.adapter_key", ""),
    "session_provider": ("s.provider_name", ""),
    "session_status": ("s.status", ""),
    "session_updated_at": ("s.updated_at", ""),
    "active_turn": ("s.active_turn_id", ""),
    "last_error": ("s.last_error", ""),
}
_FROM = """FROM projection_threads t JOIN projection_projects p USING (project_id)
    LEFT JOIN projection_thread_sessions s USING (thread_id)
    LEFT JOIN provider_session_runtime r USING (thread_id)
    WHERE """
_LIVE = "t.deleted_at IS NULL AND p.deleted_at IS NULL"
_DELETED = "(t.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL) AND substr(t.thread_id, 1, length(?1)) = ?1"
_AT_WORK = frozenset({"starting", "running"})
_COUNTS = frozenset({"pending_approval_count", "pending_user_input_count"})
# What T3 Code resumes by; a cursor of any other version is none to it, without a word.
_CURSOR_VERSION = 1
# Whatever changes in a thread shows in one of these: T3 Code stamps each row that it writes, but by more than one clock, so that
# a stamp is compared with the one before and never with another thread's.
_MARKS = (
    *("t.updated_at", "t.pending_approval_count", "t.pending_user_input_count", "r.status", "r.last_seen_at"),
    *("r.resume_cursor_json", "s.status", "s.active_turn_id", "s.updated_at", "p.updated_at", "p.workspace_root"),
)


def missing_column(reader: QuietReader) -> str | None:
    """The first column without which nothing can be told, or None when all are there."""
    for table, needed in NEEDED.items():
        for name in sorted(needed - reader.columns(table)):
            return f"{table}.{name}"
    return None


def read_threads(reader: QuietReader) -> tuple[T3Thread, ...]:
    """Every thread that is not deleted, archived ones too. The reader's errors pass through."""
    return tuple(_thread(row) for row in reader.rows(_query(reader)))


def marks(reader: QuietReader) -> dict[str, Row]:
    """What every thread that is not deleted would show a change by, by its id."""
    there = {alias: reader.columns(table) for alias, table in _ALIASES.items()}
    columns = [mark for mark in _MARKS if mark.partition(".")[2] in there[mark[0]]]
    return {row[0]: row for row in reader.rows(f"SELECT t.thread_id, {', '.join(columns)} {_FROM} {_LIVE}")}


def read_some(reader: QuietReader, thread_ids: Iterable[str]) -> tuple[T3Thread, ...]:
    """Those of these threads that are not deleted."""
    query = f"{_query(reader)} AND t.thread_id IN (SELECT value FROM json_each(?))"
    return tuple(_thread(row) for row in reader.rows(query, json.dumps(list(thread_ids))))


def read_deleted(reader: QuietReader, prefix: str) -> tuple[T3Thread, ...]:
    """The deleted threads whose ids begin so: deleted by themselves, or with their project."""
    when: dict[str, str] = dict(
        reader.rows(f"SELECT t.thread_id, coalesce(t.deleted_at, p.deleted_at) {_FROM} {_DELETED}", prefix)
    )
    threads = (_thread(row) for row in reader.rows(_query(reader, _DELETED), prefix))
    return tuple(replace(thread, deleted_at=moment(when.get(thread.id))) for thread in threads)


def all_parts(reader: QuietReader, thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parts of OpenCode's messages that all answers of each of these threads were made from."""
    if not reader.columns("projection_thread_messages") >= {"message_id", "thread_id"}:
        return {}
    query = """SELECT thread_id, message_id FROM projection_thread_messages
        WHERE message_id GLOB 'assistant:prt_*' AND thread_id IN (SELECT value FROM json_each(?))"""
    found: dict[str, list[str]] = defaultdict(list)
    for thread_id, message_id in reader.rows(query, json.dumps(list(thread_ids))):
        found[thread_id].append(message_id.removeprefix("assistant:"))
    return {thread_id: tuple(parts) for thread_id, parts in found.items()}


def end_parts(reader: QuietReader, thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parts of OpenCode's messages that the first and the last answer of each of these threads were made from."""
    if not reader.columns("projection_thread_messages") >= {"message_id", "thread_id", "created_at"}:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for end in ("min", "max"):
        # SQLite takes the bare columns from the row that holds the minimum or maximum (https://sqlite.org/lang_select.html#bareagg).
        query = f"""SELECT thread_id, message_id, {end}(created_at) FROM projection_thread_messages
            WHERE message_id GLOB 'assistant:prt_*' AND thread_id IN (SELECT value FROM json_each(?)) GROUP BY thread_id"""
        for thread_id, message_id, _ in reader.rows(query, json.dumps(list(thread_ids))):
            found[thread_id] = (*found.get(thread_id, ()), message_id.removeprefix("assistant:"))
    return found


def last_written(reader: QuietReader) -> str:
    """The newest change of anything, as T3 Code writes times; empty in an empty database."""
    found: str | None = reader.rows("""SELECT max(at) FROM (
        SELECT max(updated_at) AS at FROM projection_threads UNION ALL SELECT max(updated_at) FROM projection_thread_sessions
        UNION ALL SELECT max(last_seen_at) FROM provider_session_runtime)""")[0][0]
    return found or ""


def _query(reader: QuietReader, which: str = _LIVE) -> str:
    there = {alias: reader.columns(table) for alias, table in _ALIASES.items()}

    def expression(column: str, more: str) -> str:
        alias, _, name = column.partition(".")
        if name not in there[alias]:
            return "NULL"
        # Whatever a damaged row holds, here a text is a text and a number one.
        return (
            more.format(column) if more else column if name in _COUNTS else f"CASE typeof({column}) WHEN 'text' THEN {column} END"
        )

    return f"""
        SELECT {", ".join(expression(*value) for value in _VALUES.values())}
        {_FROM} {which}"""


def _thread(row: Row) -> T3Thread:
    told = dict(zip(_VALUES, row, strict=True))
    provider = told["provider"] or told["session_provider"] or told["adapter"] or told["instance"] or ""
    written = max(told["updated_at"] or "", told["asked_at"] or "")
    named = told["session_id"] if provider == OPENCODE else None
    is_followed = told["cursor_version"] == _CURSOR_VERSION
    return T3Thread(
        id=str(row[0]),
        title=told["title"] or "",
        project=told["project"] or "",
        directory=told["worktree"] or told["workspace"] or "",
        provider=provider,
        instance=told["instance"] or provider,
        created_at=needed_moment(told["created_at"] or ""),
        last_activity_at=needed_moment(written),
        branch=told["branch"] or "",
        model=told["model"] or "",
        session_id=named if named and is_followed else None,
        earlier=(NativeSession(named),) if named and not is_followed else (),
        has_turns=bool(told["latest_turn"] or told["asked_at"]),
        is_working=told["session_status"] in _AT_WORK or told["active_turn"] is not None,
        awaits_approval=bool(told["approvals"]),
        awaits_answer=bool(told["answers"]),
        last_error=told["last_error"] or "",
        archived_at=moment(told["archived_at"]),
        settled_at=moment(told["settled_at"]),
        snoozed_until=moment(told["snoozed_until"]),
        pinned_at=moment(told["pinned_at"]),
        runtime=_runtime(told),
    )


def _runtime(told: Mapping[str, Any]) -> Runtime | None:
    if not told["runtime_status"]:
        return None
    return Runtime(
        status=told["runtime_status"],
        session_status=told["session_status"] or "",
        last_event=told["last_event"] or "",
        last_seen_at=moment(told["last_seen_at"]),
        session_updated_at=moment(told["session_updated_at"]),
    )
