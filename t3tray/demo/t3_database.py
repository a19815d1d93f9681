"""T3 Code 0.0.33's database: the tables that concern threads, the rows that T3 Code writes, and a line of its
provider log. For the demo and the tests."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection

# As T3 Code's own migrations create them.
SCHEMA = """
CREATE TABLE effect_sql_migrations (migration_id integer PRIMARY KEY NOT NULL, created_at datetime NOT NULL DEFAULT
    current_timestamp, name VARCHAR(255) NOT NULL);
CREATE TABLE provider_session_runtime (thread_id TEXT PRIMARY KEY, provider_name TEXT NOT NULL, adapter_key TEXT NOT NULL,
    runtime_mode TEXT NOT NULL DEFAULT 'full-access', status TEXT NOT NULL, last_seen_at TEXT NOT NULL, resume_cursor_json
    TEXT, runtime_payload_json TEXT, provider_instance_id TEXT);
CREATE TABLE projection_projects (project_id TEXT PRIMARY KEY, title TEXT NOT NULL, workspace_root TEXT NOT NULL, scripts_json
    TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted_at TEXT, default_model_selection_json TEXT,
    default_thread_env_mode TEXT, favicon_path TEXT);
CREATE TABLE projection_threads (thread_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, title TEXT NOT NULL, branch TEXT,
    worktree_path TEXT, latest_turn_id TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted_at TEXT, runtime_mode
    TEXT NOT NULL DEFAULT 'full-access', interaction_mode TEXT NOT NULL DEFAULT 'default', model_selection_json TEXT,
    archived_at TEXT, latest_user_message_at TEXT, pending_approval_count INTEGER NOT NULL DEFAULT 0, pending_user_input_count
    INTEGER NOT NULL DEFAULT 0, has_actionable_proposed_plan INTEGER NOT NULL DEFAULT 0, settled_override TEXT, settled_at
    TEXT, snoozed_until TEXT, snoozed_at TEXT, title_regeneration_request_id TEXT, title_regeneration_started_at TEXT,
    pinned_at TEXT, pin_order_key TEXT);
CREATE TABLE projection_thread_messages (message_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, turn_id TEXT, role TEXT NOT
    NULL, text TEXT NOT NULL, is_streaming INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    attachments_json TEXT);
CREATE TABLE projection_thread_sessions (thread_id TEXT PRIMARY KEY, status TEXT NOT NULL, provider_name TEXT,
    provider_session_id TEXT, provider_thread_id TEXT, active_turn_id TEXT, last_error TEXT, updated_at TEXT NOT NULL,
    runtime_mode TEXT NOT NULL DEFAULT 'full-access', provider_instance_id TEXT);
CREATE TABLE projection_turns (row_id INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL, turn_id TEXT,
    pending_message_id TEXT, assistant_message_id TEXT, state TEXT NOT NULL, requested_at TEXT NOT NULL, started_at TEXT,
    completed_at TEXT, checkpoint_turn_count INTEGER, checkpoint_ref TEXT, checkpoint_status TEXT, checkpoint_files_json TEXT
    NOT NULL, source_proposed_plan_thread_id TEXT, source_proposed_plan_id TEXT, UNIQUE (thread_id, turn_id), UNIQUE
    (thread_id, checkpoint_turn_count));
CREATE TABLE projection_pending_approvals (request_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, turn_id TEXT, status TEXT NOT
    NULL, decision TEXT, created_at TEXT NOT NULL, resolved_at TEXT);
CREATE TABLE projection_state (projector TEXT PRIMARY KEY, last_applied_sequence INTEGER NOT NULL, updated_at TEXT NOT NULL);
"""


def stamp(at: datetime) -> str:
    """Format a time as T3 Code does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cursor_json(session_id: str | None) -> str | None:
    return json.dumps({"schemaVersion": 1, "sessionId": session_id}) if session_id else None


def insert(connection: Connection, table: str, **values: object) -> None:
    connection.execute(_insertion(table, values), tuple(values.values()))


def upsert(connection: Connection, table: str, **values: object) -> None:
    """Insert a row, or set these columns of the row with the same key, which is the first value."""
    key, *_ = values
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    connection.execute(f"{_insertion(table, values)} ON CONFLICT ({key}) DO UPDATE SET {changes}", tuple(values.values()))


def update(connection: Connection, table: str, thread_id: str | None = None, **values: object) -> None:
    """Set columns in the rows of a thread; without one, in all rows."""
    changes = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE {table} SET {changes} WHERE coalesce(?, thread_id) = thread_id", (*values.values(), thread_id))


def add_project(connection: Connection, project_id: str, title: str, folder: str, at: datetime) -> None:
    times = {"created_at": stamp(at), "updated_at": stamp(at)}
    row = {"project_id": project_id, "title": title, "workspace_root": folder, "scripts_json": "[]"}
    insert(connection, "projection_projects", **row, **times)


def add_thread_row(
    connection: Connection, thread_id: str, project_id: str, title: str, instance: str, model: str, at: datetime, **more: object
) -> None:
    """Add the thread itself. `instance` is the provider instance that is chosen in it; `more` are further columns."""
    row = {"thread_id": thread_id, "project_id": project_id, "title": title, "created_at": stamp(at), "updated_at": stamp(at)}
    selection = json.dumps({"instanceId": instance, "model": model})
    insert(connection, "projection_threads", **{**row, "model_selection_json": selection, **more})


def add_message(
    connection: Connection, thread_id: str, role: str, text: str, at: datetime, message_id: str = "", **more: object
) -> None:
    """Add a message, or replace the one with the same id. T3 Code's id of an answer names the part: `assistant:prt_…`."""
    row = {"message_id": message_id or str(uuid.uuid4()), "thread_id": thread_id, "role": role, "text": text}
    times = {"created_at": stamp(at), "updated_at": stamp(at)}
    upsert(connection, "projection_thread_messages", **{**row, **times, "is_streaming": 0, **more})


def set_runtime(
    connection: Connection, thread_id: str, session_id: str | None, at: datetime, provider: str = "opencode", **more: object
) -> None:
    """Set the thread's provider process, which is running unless `more` says another status, and its cursor."""
    row = {"thread_id": thread_id, "provider_name": provider, "adapter_key": provider, "provider_instance_id": provider}
    state = {"status": "running", "last_seen_at": stamp(at), "resume_cursor_json": cursor_json(session_id)}
    upsert(connection, "provider_session_runtime", **{**row, **state, **more})


def log_session(logs: Path, thread_id: str, session_id: str, at: datetime) -> None:
    """Write the provider log's line that says that this session serves the thread from now on."""
    event = {
        "eventId": str(uuid.uuid4()),
        "provider": "opencode",
        "threadId": thread_id,
        "createdAt": stamp(at),
        "type": "thread.started",
        "payload": {"providerThreadId": session_id},
        "providerInstanceId": "opencode",
    }
    with (logs / f"events.{thread_id}.log").open("a", encoding="utf-8") as log:
        log.write(f"[{stamp(at)}] CANON: {json.dumps(event, separators=(',', ':'))}\n")


def _insertion(table: str, values: dict[str, object]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
