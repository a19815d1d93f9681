"""Imitates T3 Code 0.0.33 in the demo: creates its database, and writes what T3 Code would write.

It keeps the database open, as T3 Code does. Used only on the scratch world. Its methods block.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from t3tray.demo.model import MODEL, PROVIDER
from t3tray.demo.sessions import ShownMessage
from t3tray.demo.t3_schema import SCHEMA
from t3tray.demo.table import DemoThread, Project

# The idle time after which T3 Code's reaper ends a session.
REAPED_AFTER = timedelta(minutes=30)
_TITLES = {
    Project.SHOP: "Shop",
    Project.PARSER: "Parser",
    Project.WEBSITE: "Website",
    Project.ADMIN: "Old admin",
    Project.APP: "App",
}


class T3Player:
    """The imitated T3 Code of one demo. `close` it before its home is removed."""

    def __init__(self, base: Path, environment_id: str) -> None:
        self._state = base / "userdata"
        (self._state / "logs" / "provider").mkdir(parents=True)
        (self._state / "environment-id").write_text(environment_id, encoding="utf-8")
        # Events run concurrently in worker threads; a transaction belongs to one of them.
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(self._state / "state.sqlite", check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def say_it_runs(self, pid: int, origin: str, port: int, since: datetime) -> None:
        """Write the runtime file of T3 Code's server; `pid` is the process that it claims to be."""
        runtime = {"version": 1, "pid": pid, "host": "127.0.0.1", "port": port, "origin": origin, "startedAt": _stamp(since)}
        (self._state / "server-runtime.json").write_text(json.dumps(runtime), encoding="utf-8")

    def add_projects(self, code: Path, at: datetime) -> None:
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT INTO projection_projects (project_id, title, workspace_root, scripts_json, created_at, updated_at)"
                " VALUES (?, ?, ?, '[]', ?, ?)",
                [(project, title, str(code / project), _stamp(at), _stamp(at)) for project, title in _TITLES.items()],
            )

    def add_thread(
        self, thread: DemoThread, session_id: str | None, messages: Sequence[ShownMessage], created: datetime, now: datetime
    ) -> None:
        """Add a thread with its messages; if it was idle for longer than `REAPED_AFTER`, its session was reaped."""
        ended = now - thread.age
        asked = max((message.at for message in messages if message.role == "user"), default=ended if thread.story else None)
        status, session_status = ("running", "ready") if thread.age < REAPED_AFTER else ("stopped", "stopped")
        selection = {"instanceId": thread.provider, "model": f"{PROVIDER}/{MODEL}"}
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO projection_threads (thread_id, project_id, title, latest_turn_id, created_at, updated_at,"
                " archived_at, latest_user_message_at, model_selection_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    thread.id,
                    thread.project,
                    thread.title,
                    f"opencode-turn-{uuid.uuid4()}" if asked else None,
                    _stamp(created),
                    _stamp(ended),
                    _stamp(ended) if thread.archived else None,
                    _stamp(asked) if asked else None,
                    json.dumps(selection),
                ),
            )
            if not asked:
                return
            self._connection.execute(
                "INSERT INTO projection_thread_sessions (thread_id, status, provider_name, updated_at, provider_instance_id)"
                " VALUES (?, ?, ?, ?, ?)",
                (thread.id, session_status, thread.provider, _stamp(ended), thread.provider),
            )
            payload = {"model": selection["model"], "modelSelection": selection, "lastRuntimeEvent": "provider.sendTurn"}
            self._connection.execute(
                "INSERT INTO provider_session_runtime (thread_id, provider_name, adapter_key, status, last_seen_at,"
                " resume_cursor_json, runtime_payload_json, provider_instance_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    thread.id,
                    thread.provider,
                    thread.provider,
                    status,
                    _stamp(ended),
                    _cursor(session_id),
                    json.dumps(payload),
                    thread.provider,
                ),
            )
            for message in messages:
                self._add_message(thread.id, message)

    def log_session(self, thread_id: str, session_id: str, at: datetime) -> None:
        """Write the provider log's line that says that this session serves the thread from now on."""
        event = {
            "eventId": str(uuid.uuid4()),
            "provider": "opencode",
            "threadId": thread_id,
            "createdAt": _stamp(at),
            "type": "thread.started",
            "payload": {"providerThreadId": session_id},
            "providerInstanceId": "opencode",
        }
        with (self._state / "logs" / "provider" / f"events.{thread_id}.log").open("a", encoding="utf-8") as log:
            log.write(f"[{_stamp(at)}] CANON: {json.dumps(event, separators=(',', ':'))}\n")

    def set_cursor(self, thread_id: str, session_id: str | None) -> None:
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE provider_session_runtime SET resume_cursor_json = ? WHERE thread_id = ?", (_cursor(session_id), thread_id)
            )

    def set_worktree(self, thread_id: str, folder: Path, branch: str) -> None:
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE projection_threads SET worktree_path = ?, branch = ? WHERE thread_id = ?",
                (str(folder), branch, thread_id),
            )

    def begin_turn(self, thread_id: str, text: str, session_id: str, at: datetime) -> None:
        """Record a message that the user sent in T3 Code, and that it went to this session."""
        turn = f"opencode-turn-{uuid.uuid4()}"
        with self._lock, self._connection:
            self._add_message(thread_id, ShownMessage("user", text, at))
            self._connection.execute(
                "UPDATE projection_threads SET updated_at = ?, latest_user_message_at = ?, latest_turn_id = ?"
                " WHERE thread_id = ?",
                (_stamp(at), _stamp(at), turn, thread_id),
            )
            self._connection.execute(
                "UPDATE projection_thread_sessions SET status = 'running', active_turn_id = ?, updated_at = ?"
                " WHERE thread_id = ?",
                (turn, _stamp(at), thread_id),
            )
            self._connection.execute(
                "UPDATE provider_session_runtime SET status = 'running', last_seen_at = ?, resume_cursor_json = ?"
                " WHERE thread_id = ?",
                (_stamp(at), _cursor(session_id), thread_id),
            )

    def end_turn(self, thread_id: str, answer: ShownMessage) -> None:
        """Record the answer, and that the turn has ended."""
        at = _stamp(answer.at)
        with self._lock, self._connection:
            self._add_message(thread_id, answer)
            self._connection.execute(
                "UPDATE projection_threads SET updated_at = ?, pending_approval_count = 0, pending_user_input_count = 0"
                " WHERE thread_id = ?",
                (at, thread_id),
            )
            self._connection.execute(
                "UPDATE projection_thread_sessions SET status = 'ready', active_turn_id = NULL, updated_at = ?"
                " WHERE thread_id = ?",
                (at, thread_id),
            )

    def set_waiting(self, thread_id: str, approvals: int = 0, answers: int = 0) -> None:
        """Set how many approvals and answers the thread waits for."""
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE projection_threads SET pending_approval_count = ?, pending_user_input_count = ? WHERE thread_id = ?",
                (approvals, answers, thread_id),
            )

    def _add_message(self, thread_id: str, message: ShownMessage) -> None:
        name = f"assistant:{message.part}" if message.part else str(uuid.uuid4())
        self._connection.execute(
            "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at,"
            " attachments_json) VALUES (?, ?, ?, ?, 0, ?, ?, '[]')",
            (name, thread_id, message.role, message.text, _stamp(message.at), _stamp(message.at)),
        )


def _cursor(session_id: str | None) -> str | None:
    return json.dumps({"schemaVersion": 1, "sessionId": session_id}) if session_id else None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
