"""Reads the threads from the second orchestrator's database: payloads in JSON, and every session that a thread ever had.

Written from descriptions of the format, not tested with that version; missing values are left out, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from t3tray.domain.reaper import Runtime
from t3tray.domain.t3code_thread import NativeSession, T3Thread
from t3tray.system.read_only_sqlite import Row, SqliteReader
from t3tray.system.row_fingerprints import Marks
from t3tray.t3code.times import moment, needed_moment

MARK = "orchestration_v2_projection_threads"
PREFIX = "orchestration_v2_projection_"

NEEDED: Mapping[str, frozenset[str]] = {
    MARK: frozenset({"thread_id", "project_id", "title", "created_at", "updated_at", "deleted_at", "payload_json"}),
    "projection_projects": frozenset({"project_id", "title", "workspace_root"}),
    f"{PREFIX}provider_threads": frozenset({"provider_thread_id", "thread_id", "status", "payload_json"}),
}

# Invalid JSON in one row would fail the whole query.
_PAYLOAD = "CASE WHEN json_valid(t.payload_json) THEN t.payload_json END"
_THREADS = f"""
    SELECT t.thread_id, t.title, p.title, p.workspace_root, t.created_at, t.updated_at, t.archived_at,
           coalesce(json_extract({_PAYLOAD}, '$.modelSelection.instanceId'), t.provider_instance_id, t.default_provider),
           t.active_provider_thread_id,
           json_extract({_PAYLOAD}, '$.worktreePath'), json_extract({_PAYLOAD}, '$.branch'),
           json_extract({_PAYLOAD}, '$.modelSelection.model'), json_extract({_PAYLOAD}, '$.settledAt'),
           json_extract({_PAYLOAD}, '$.snoozedUntil'), json_extract({_PAYLOAD}, '$.pinnedAt'), t.default_provider,
           t.deleted_at
    FROM {MARK} t JOIN projection_projects p USING (project_id)
    WHERE coalesce(json_extract({_PAYLOAD}, '$.lineage.relationshipToParent'), '') != 'subagent' AND """
_LIVE = "t.deleted_at IS NULL"
_DELETED = "t.deleted_at IS NOT NULL AND substr(t.thread_id, 1, length(?1)) = ?1"
_NATIVE = f"""
    SELECT thread_id, provider_thread_id, driver,
           CASE WHEN json_valid(payload_json) THEN json_extract(payload_json, '$.nativeThreadRef.nativeId') END,
           updated_at, status,
           CASE WHEN json_valid(payload_json) THEN json_extract(payload_json, '$.providerInstanceId') END
    FROM {PREFIX}provider_threads ORDER BY thread_id, first_run_ordinal, last_run_ordinal"""
_RUNNING = f"""
    SELECT thread_id, status, {{requested}} FROM {PREFIX}runs r
    WHERE ordinal = (SELECT max(ordinal) FROM {PREFIX}runs WHERE thread_id = r.thread_id)"""
# Whether a thread's process exists: the provider thread's own status is not updated by the idle release.
_PROCESSES = f"""
    SELECT thread_id, coalesce(CASE WHEN json_valid(payload_json) THEN json_extract(payload_json, '$.status') END, status),
           max(updated_at)
    FROM {PREFIX}provider_sessions GROUP BY thread_id"""
_LENGTHS = f"""
    SELECT thread_id, sum(length(json_extract(payload_json, '$.text'))) FROM {PREFIX}messages
    WHERE run_id IS NULL AND json_valid(payload_json) GROUP BY thread_id"""
_PENDING = f"SELECT thread_id, kind FROM {PREFIX}runtime_requests WHERE status = 'pending'"
_IMPORTED = "SELECT thread_id FROM orchestration_v2_legacy_imports"
_ANSWERED = "SELECT DISTINCT thread_id FROM {table} WHERE role = 'assistant'"
# The second contains imported messages, which may be migrated later than the thread itself.
_MESSAGES = (f"{PREFIX}messages", "projection_thread_messages")
_OLD_CURSORS = """
    SELECT thread_id, CASE WHEN json_valid(resume_cursor_json) THEN json_extract(resume_cursor_json, '$.sessionId') END
    FROM provider_session_runtime WHERE provider_name = 'opencode'"""

_AT_WORK = frozenset({"preparing", "queued", "starting", "running", "waiting"})
# Status of a provider thread whose process exists. The reason for an end is not recorded.
_LOADED = frozenset({"idle", "active"})
_ENDED = frozenset({"stopped", "closed", "exited"})
_ANSWERS = frozenset({"user_input", "mcp-elicitation", "auth_refresh"})


@dataclass
class _Around:
    """Data from other tables, by the thread's id."""

    native: dict[str, list[tuple[str, NativeSession]]] = field(default_factory=lambda: defaultdict(list))
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    ended: dict[str, datetime | None] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    requested: dict[str, datetime | None] = field(default_factory=dict)
    pending: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    imported: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    has_answers: bool = False
    old_cursors: dict[str, str] = field(default_factory=dict)


def missing_column(reader: SqliteReader) -> str | None:
    """Return the first missing required column, or None."""
    for table, needed in NEEDED.items():
        for name in sorted(needed - reader.columns(table)):
            return f"{table}.{name}"
    return None


def read_threads(reader: SqliteReader) -> tuple[dict[str, T3Thread], Mapping[str, Marks]]:
    """Return all threads that are not deleted and not a sub-agent's, without marks. Raises the reader's errors."""
    around = _read_around(reader)
    return {row[0]: _thread(row, around) for row in reader.rows(_THREADS + _LIVE) if isinstance(row[0], str)}, {}


def read_deleted(reader: SqliteReader, prefix: str) -> tuple[T3Thread, ...]:
    """Return the deleted threads whose ids have this prefix."""
    rows = reader.rows(_THREADS + _DELETED, prefix)
    around = _read_around(reader) if rows else _Around()
    return tuple(_thread(row, around) for row in rows)


def last_written(reader: SqliteReader) -> str:
    """Return the time of the newest change of any thread, in T3 Code's format; empty for an empty database."""
    found: object = reader.rows(f"SELECT max(updated_at) FROM {MARK}")[0][0]
    return found if isinstance(found, str) else ""


def _read_around(reader: SqliteReader) -> _Around:
    around = _Around()
    for thread_id, own_id, driver, native_id, since, status, instance in reader.rows(_NATIVE):
        around.runtimes[own_id] = _runtime(status, since)
        if isinstance(instance, str):
            around.instances[own_id] = instance
        if driver == "opencode" and isinstance(native_id, str) and native_id.startswith("ses"):
            around.native[thread_id].append((own_id, NativeSession(native_id, moment(since))))
    _read_runs(reader, around)
    if reader.columns(f"{PREFIX}runtime_requests"):
        for thread_id, kind in reader.rows(_PENDING):
            around.pending[thread_id].add(kind)
    if reader.columns("orchestration_v2_legacy_imports"):
        around.imported = frozenset(row[0] for row in reader.rows(_IMPORTED))
    if reader.columns(_MESSAGES[0]) >= {"thread_id", "run_id", "payload_json"}:
        around.lengths = {name: length for name, length in reader.rows(_LENGTHS) if isinstance(length, int)}
    around.has_answers = reader.columns(_MESSAGES[0]) >= {"thread_id", "role"}
    for table in _MESSAGES:
        if reader.columns(table) >= {"thread_id", "role"}:
            around.answered |= frozenset(row[0] for row in reader.rows(_ANSWERED.format(table=table)))
    if reader.columns("provider_session_runtime"):
        around.old_cursors = {thread_id: session for thread_id, session in reader.rows(_OLD_CURSORS) if isinstance(session, str)}
    return around


def _read_runs(reader: SqliteReader, around: _Around) -> None:
    """Read each thread's newest run, and the processes that have ended."""
    runs = reader.columns(f"{PREFIX}runs")
    if runs:
        requested = "requested_at" if "requested_at" in runs else "NULL"
        for thread_id, status, at in reader.rows(_RUNNING.format(requested=requested)):
            around.run[thread_id], around.requested[thread_id] = status, moment(at)
    if reader.columns(f"{PREFIX}provider_sessions") >= {"thread_id", "status", "updated_at", "payload_json"}:
        around.ended = {name: moment(at) for name, status, at in reader.rows(_PROCESSES) if status in _ENDED}


def _thread(row: Row, around: _Around) -> T3Thread:
    # Replace values of a damaged row that are no text by None.
    row = tuple(value if isinstance(value, str) else None for value in row)
    (thread_id, title, project, workspace, created, updated, archived, instance, active) = row[:9]
    (worktree, branch, model, settled, snoozed, pinned, provider, deleted) = row[9:]
    native = around.native.get(thread_id, [])
    current = next((session.session_id for own_id, session in native if own_id == active), None)
    earlier = tuple(session for _, session in native if session.session_id != current)
    before_import = around.old_cursors.get(thread_id) if thread_id in around.imported else None
    # A message waiting for its first answer is no conversation yet, and an abandoned run never was one.
    has_turns = thread_id in around.answered or before_import is not None or (bool(native) and not around.has_answers)
    # Every thread of the first orchestrator is imported, even one that was never used.
    handed_over = thread_id in around.imported and not native and has_turns
    pending = around.pending.get(thread_id, set())
    return T3Thread(
        id=thread_id,
        title=title or "",
        project=project or "",
        directory=worktree or workspace or "",
        provider=provider or "",
        instance=instance or "",
        created_at=needed_moment(created or ""),
        last_activity_at=needed_moment(updated or ""),
        branch=branch or "",
        model=model or "",
        session_id=current,
        earlier=earlier,
        has_turns=has_turns,
        is_working=around.run.get(thread_id) in _AT_WORK,
        awaits_approval=bool(pending - _ANSWERS),
        awaits_answer=bool(pending & _ANSWERS),
        archived_at=moment(archived),
        settled_at=moment(settled),
        snoozed_until=moment(snoozed),
        pinned_at=moment(pinned),
        handed_over=handed_over,
        before_import=before_import,
        runtime=_process(thread_id, active, around),
        deleted_at=moment(deleted),
        was_instance=around.instances.get(active, "") if active else "",
        imported_characters=around.lengths.get(thread_id) if handed_over else None,
        sent_at=around.requested.get(thread_id),
    )


def _process(thread_id: str, active: str | None, around: _Around) -> Runtime | None:
    if active and thread_id in around.ended:
        return Runtime("stopped", session_status="stopped", last_event="", last_seen_at=around.ended[thread_id])
    return around.runtimes.get(active) if active else None


def _runtime(status: str, since: str) -> Runtime:
    state = "running" if status in _LOADED else "error" if status == "error" else "stopped"
    return Runtime(state, session_status=status, last_event="", last_seen_at=moment(since))
