"""The threads in the first orchestrator's database. Columns are taken as they are there, never by a migration's number.

It reads neither credentials nor settings, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from t3tray.core.domain.reaper import Runtime
from t3tray.core.system.quiet_sqlite import QuietReader, Row
from t3tray.core.t3code.threads import OPENCODE, T3Thread
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
    "instance": ("t.model_selection_json", "coalesce(json_extract({0}, '$.instanceId'), json_extract({0}, '$.provider'))"),
    "model": ("t.model_selection_json", "json_extract({0}, '$.model')"),
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
    "session_id": ("r.resume_cursor_json", "CASE WHEN json_valid({0}) THEN json_extract({0}, '$.sessionId') END"),
    "last_event": ("r.runtime_payload_json", "CASE WHEN json_valid({0}) THEN json_extract({0}, '$.lastRuntimeEvent') END"),
    "session_status": ("s.status", ""),
    "session_updated_at": ("s.updated_at", ""),
    "active_turn": ("s.active_turn_id", ""),
    "last_error": ("s.last_error", ""),
}
_FROM = """FROM projection_threads t JOIN projection_projects p USING (project_id)
    LEFT JOIN projection_thread_sessions s USING (thread_id)
    LEFT JOIN provider_session_runtime r USING (thread_id)
    WHERE t.deleted_at IS NULL AND p.deleted_at IS NULL"""
_AT_WORK = frozenset({"starting", "running"})


def missing_column(reader: QuietReader) -> str | None:
    """The first column without which nothing can be told, or None when all are there."""
    for table, needed in NEEDED.items():
        for name in sorted(needed - reader.columns(table)):
            return f"{table}.{name}"
    return None


def read_threads(reader: QuietReader) -> tuple[T3Thread, ...]:
    """Every thread that is not deleted, archived ones too. The reader's errors pass through."""
    return tuple(_thread(row) for row in reader.rows(_query(reader)))


def read_changed(reader: QuietReader, since: str) -> tuple[T3Thread, ...]:
    """The threads of which anything was written at `since` or later, as T3 Code writes times."""
    query = f"""{_query(reader)} AND t.thread_id IN (
        SELECT thread_id FROM projection_threads WHERE updated_at >= ?1
        UNION SELECT thread_id FROM projection_thread_sessions WHERE updated_at >= ?1
        UNION SELECT thread_id FROM provider_session_runtime WHERE last_seen_at >= ?1)"""
    return tuple(_thread(row) for row in reader.rows(query, since))


def count(reader: QuietReader) -> int:
    """How many threads there are that are not deleted."""
    found: int = reader.rows(f"SELECT count(*) {_FROM}")[0][0]
    return found


def part_ids(reader: QuietReader, thread_id: str) -> tuple[str, ...]:
    """The ids of OpenCode's message parts that the thread's messages are named after."""
    if "message_id" not in reader.columns("projection_thread_messages"):
        return ()
    query = "SELECT message_id FROM projection_thread_messages WHERE thread_id = ? AND message_id GLOB 'assistant:prt_*'"
    return tuple(row[0].removeprefix("assistant:") for row in reader.rows(query, thread_id))


def last_written(reader: QuietReader) -> str:
    """The newest change of anything, as T3 Code writes times; empty in an empty database."""
    found: str | None = reader.rows("""SELECT max(at) FROM (
        SELECT max(updated_at) AS at FROM projection_threads UNION ALL SELECT max(updated_at) FROM projection_thread_sessions
        UNION ALL SELECT max(last_seen_at) FROM provider_session_runtime)""")[0][0]
    return found or ""


def _query(reader: QuietReader) -> str:
    there = {alias: reader.columns(table) for alias, table in _ALIASES.items()}

    def expression(column: str, more: str) -> str:
        alias, _, name = column.partition(".")
        return (more.format(column) if more else column) if name in there[alias] else "NULL"

    return f"""
        SELECT {", ".join(expression(*value) for value in _VALUES.values())}
        {_FROM}"""


def _thread(row: Row) -> T3Thread:
    told = dict(zip(_VALUES, row, strict=True))
    provider = told["provider"] or told["instance"] or ""
    written = max(told["updated_at"], told["asked_at"] or "")
    return T3Thread(
        id=told["id"],
        title=told["title"],
        project=told["project"],
        directory=told["worktree"] or told["workspace"],
        provider=provider,
        instance=told["instance"] or provider,
        created_at=needed_moment(told["created_at"]),
        last_activity_at=needed_moment(written),
        branch=told["branch"] or "",
        model=told["model"] or "",
        session_id=told["session_id"] if provider == OPENCODE else None,
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


def _runtime(told: Mapping[str, str | None]) -> Runtime | None:
    if told["runtime_status"] is None:
        return None
    return Runtime(
        status=told["runtime_status"],
        session_status=told["session_status"] or "",
        last_event=told["last_event"] or "",
        last_seen_at=moment(told["last_seen_at"]),
        session_updated_at=moment(told["session_updated_at"]),
    )
