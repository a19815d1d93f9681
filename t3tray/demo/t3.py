"""Plays T3 Code 0.0.33 in the demo's own home of it: makes its database, and writes what T3 Code would write.

It holds the database open, as T3 Code does. Only ever used on the scratch world. Its methods block.
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

# T3 Code's own reaper ends what was idle for so long.
REAPED_AFTER = timedelta(minutes=30)
_TITLES = {
    Project.SHOP: "Shop",
    Project.PARSER: "Parser",
    Project.WEBSITE: "Website",
    Project.ADMIN: "Old admin",
    Project.APP: "App",
}


class T3Player:
    """One for a demo. `close` it before its home goes away."""

    def __init__(self, base: Path, environment_id: str) -> None:
        self._state = base / "userdata"
        (self._state / "logs" / "provider").mkdir(parents=True)
        (self._state / "environment-id").write_text(environment_id, encoding="utf-8")
        # Scenes run side by side in worker threads, and a transaction belongs to one of them.
        self._alone = threading.Lock()
        self._connection = sqlite3.connect(self._state / "state.sqlite", check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def say_it_runs(self, pid: int, origin: str, port: int, since: datetime) -> None:
        """Its server's own file, which `pid` stands for."""
        told = {"version": 1, "pid": pid, "host": "127.0.0.1", "port": port, "origin": origin, "startedAt": _stamp(since)}
        (self._state / "server-runtime.json").write_text(json.dumps(told), encoding="utf-8")

    def add_projects(self, code: Path, at: datetime) -> None:
        with self._alone, self._connection:
            self._connection.executemany(
                "INSERT INTO projection_projects (project_id, title, workspace_root, scripts_json, created_at, updated_at)"
                " VALUES (?, ?, ?, '[]', ?, ?)",
                [(project, title, str(code / project), _stamp(at), _stamp(at)) for project, title in _TITLES.items()],
            )

    def add_thread(
        self, thread: DemoThread, session_id: str | None, lines: Sequence[ShownMessage], created: datetime, now: datetime
    ) -> None:
        """A thread with what was said in it; one that was idle for long was reaped."""
        ended = now - thread.age
        asked = max((line.at for line in lines if line.role == "user"), default=ended if thread.story else None)
        status, session_status = ("running", "ready") if thread.age < REAPED_AFTER else ("stopped", "stopped")
        selection = {"instanceId": thread.provider, "model": f"{PROVIDER}/{MODEL}"}
        with self._alone, self._connection:
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
            for line in lines:
                self._add_message(thread.id, line)

    def log_session(self, thread_id: str, session_id: str, at: datetime) -> None:
        """A line of the provider's log: from now on this session serves the thread."""
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
        with self._alone, self._connection:
            self._connection.execute(
                "UPDATE provider_session_runtime SET resume_cursor_json = ? WHERE thread_id = ?", (_cursor(session_id), thread_id)
            )

    def set_worktree(self, thread_id: str, folder: Path, branch: str) -> None:
        with self._alone, self._connection:
            self._connection.execute(
                "UPDATE projection_threads SET worktree_path = ?, branch = ? WHERE thread_id = ?",
                (str(folder), branch, thread_id),
            )

    def begin_turn(self, thread_id: str, words: str, session_id: str, at: datetime) -> None:
        """The user has sent a message there, and it went to this session."""
        turn = f"opencode-turn-{uuid.uuid4()}"
        with self._alone, self._connection:
            self._add_message(thread_id, ShownMessage("user", words, at))
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
        """The answer has come."""
        at = _stamp(answer.at)
        with self._alone, self._connection:
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
        """The thread waits for the user."""
        with self._alone, self._connection:
            self._connection.execute(
                "UPDATE projection_threads SET pending_approval_count = ?, pending_user_input_count = ? WHERE thread_id = ?",
                (approvals, answers, thread_id),
            )

    def _add_message(self, thread_id: str, line: ShownMessage) -> None:
        name = f"assistant:{line.part}" if line.part else str(uuid.uuid4())
        self._connection.execute(
            "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at,"
            " attachments_json) VALUES (?, ?, ?, ?, 0, ?, ?, '[]')",
            (name, thread_id, line.role, line.text, _stamp(line.at), _stamp(line.at)),
        )


def _cursor(session_id: str | None) -> str | None:
    return json.dumps({"schemaVersion": 1, "sessionId": session_id}) if session_id else None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
