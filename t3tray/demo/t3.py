"""Imitates T3 Code 0.0.33: writes what T3 Code would write into its home, in the demo and in the tests.

It keeps the database open, as T3 Code does. Used only on scratch worlds. Its methods block.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from t3tray.demo.model import MODEL, PROVIDER
from t3tray.demo.sessions import ShownMessage
from t3tray.demo.t3_database import (
    SCHEMA,
    add_message,
    add_project,
    add_thread_row,
    cursor_json,
    insert,
    log_session,
    set_runtime,
    stamp,
    update,
)
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
    """An imitated T3 Code; `state` is its database. `close` it before its home is removed."""

    def __init__(self, state: Path) -> None:
        self.state = state
        # Events run concurrently in worker threads; a transaction belongs to one of them.
        self._lock = threading.Lock()
        self.open()

    @classmethod
    def create(cls, base: Path, environment_id: str) -> T3Player:
        """Create T3 Code's home, with an empty database."""
        folder = base / "userdata"
        (folder / "logs" / "provider").mkdir(parents=True)
        (folder / "environment-id").write_text(environment_id, encoding="utf-8")
        player = cls(folder / "state.sqlite")
        player._connection.executescript(SCHEMA)
        return player

    def open(self) -> None:
        self._connection = sqlite3.connect(self.state, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction."""
        with self._lock, self._connection:
            yield self._connection

    def say_it_runs(self, pid: int, origin: str, port: int, since: datetime) -> None:
        """Write the runtime file of T3 Code's server; `pid` is the process that it claims to be."""
        runtime = {"version": 1, "pid": pid, "host": "127.0.0.1", "port": port, "origin": origin, "startedAt": stamp(since)}
        self.state.with_name("server-runtime.json").write_text(json.dumps(runtime), encoding="utf-8")

    def add_projects(self, code: Path, at: datetime) -> None:
        with self.write() as connection:
            for project, title in _TITLES.items():
                add_project(connection, project, title, str(code / project), at)

    def add_thread(
        self, thread: DemoThread, session_id: str | None, messages: Sequence[ShownMessage], created: datetime, now: datetime
    ) -> None:
        """Add a thread with its messages; if it was idle for longer than `REAPED_AFTER`, its session was reaped."""
        ended = now - thread.age
        asked = max((message.at for message in messages if message.role == "user"), default=ended if thread.story else None)
        status, session_status = ("running", "ready") if thread.age < REAPED_AFTER else ("stopped", "stopped")
        model = f"{PROVIDER}/{MODEL}"
        with self.write() as connection:
            columns = {
                "updated_at": stamp(ended),
                "archived_at": stamp(ended) if thread.archived else None,
                "latest_user_message_at": stamp(asked) if asked else None,
                "latest_turn_id": new_turn() if asked else None,
            }
            add_thread_row(connection, thread.id, thread.project, thread.title, thread.provider, model, created, **columns)
            if not asked:
                return
            shown = {"status": session_status, "provider_name": thread.provider, "provider_instance_id": thread.provider}
            insert(connection, "projection_thread_sessions", thread_id=thread.id, updated_at=stamp(ended), **shown)
            selection = {"instanceId": thread.provider, "model": model}
            payload = json.dumps({"model": model, "modelSelection": selection, "lastRuntimeEvent": "provider.sendTurn"})
            more = {"status": status, "runtime_payload_json": payload}
            set_runtime(connection, thread.id, session_id, ended, thread.provider, **more)
            for message in messages:
                _add_shown(connection, thread.id, message)

    def log_session(self, thread_id: str, session_id: str, at: datetime) -> None:
        """Write to the provider log that this session serves the thread from now on."""
        log_session(self.state.parent / "logs" / "provider", thread_id, session_id, at)

    def set_cursor(self, thread_id: str, session_id: str | None) -> None:
        with self.write() as connection:
            update(connection, "provider_session_runtime", thread_id, resume_cursor_json=cursor_json(session_id))

    def set_worktree(self, thread_id: str, folder: Path, branch: str) -> None:
        with self.write() as connection:
            update(connection, "projection_threads", thread_id, worktree_path=str(folder), branch=branch)

    def begin_turn(self, thread_id: str, text: str, session_id: str, at: datetime) -> None:
        """Record a message that the user sent in T3 Code, and that it went to this session."""
        turn, now = new_turn(), stamp(at)
        with self.write() as connection:
            _add_shown(connection, thread_id, ShownMessage("user", text, at))
            update(connection, "projection_threads", thread_id, updated_at=now, latest_user_message_at=now, latest_turn_id=turn)
            update(connection, "projection_thread_sessions", thread_id, status="running", active_turn_id=turn, updated_at=now)
            serving = {"status": "running", "last_seen_at": now, "resume_cursor_json": cursor_json(session_id)}
            update(connection, "provider_session_runtime", thread_id, **serving)

    def end_turn(self, thread_id: str, answer: ShownMessage) -> None:
        """Record the answer, and that the turn has ended."""
        at = stamp(answer.at)
        waits = {"pending_approval_count": 0, "pending_user_input_count": 0}
        with self.write() as connection:
            _add_shown(connection, thread_id, answer)
            update(connection, "projection_threads", thread_id, updated_at=at, **waits)
            update(connection, "projection_thread_sessions", thread_id, status="ready", active_turn_id=None, updated_at=at)

    def set_waiting(self, thread_id: str, approvals: int = 0, answers: int = 0) -> None:
        """Set how many approvals and answers the thread waits for."""
        waits = {"pending_approval_count": approvals, "pending_user_input_count": answers}
        with self.write() as connection:
            update(connection, "projection_threads", thread_id, **waits)


def new_turn() -> str:
    return f"opencode-turn-{uuid.uuid4()}"


def _add_shown(connection: sqlite3.Connection, thread_id: str, message: ShownMessage) -> None:
    name = f"assistant:{message.part}" if message.part else ""
    add_message(connection, thread_id, message.role, message.text, message.at, name, attachments_json="[]")
