"""Scratch homes of T3 Code and databases of OpenCode with the real schemas: the sample of a real run, and empty worlds.

The schemas are those of the sample's own files (T3 Code 0.0.33, OpenCode 1.18.33).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from t3tray.demo.t3_database import add_project, add_thread_row, insert, log_session, set_runtime, stamp

SAMPLE = Path(__file__).parents[1] / "data" / "t3-world"
_CODE = "/home/dev/code"
SAMPLE_THREAD = "f9dddd99-46c7-46cf-93a5-ed5a94cb47ee"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def hold_open(database: Path) -> None:
    """Hold the database open until this process ends, as T3 Code does; a process with a reused pid does not hold it."""
    os.open(database, os.O_RDONLY)


@dataclass(frozen=True)
class World:
    """A world. `home` is T3 Code's base directory, `opencode` OpenCode's database, `code` the folder of the projects."""

    home: Path
    opencode: Path
    code: Path

    @property
    def state(self) -> Path:
        return self.home / "userdata" / "state.sqlite"

    @property
    def logs(self) -> Path:
        return self.home / "userdata" / "logs" / "provider"


def sample_world(scratch: Path) -> World:
    """Copy the real run: a thread whose session was deleted and silently replaced, then moved and forked twice."""
    world = _empty_folders(scratch)
    shutil.copy(SAMPLE / "state.sqlite", world.state)
    shutil.copy(SAMPLE / "opencode.db", world.opencode)
    for log in (SAMPLE / "logs" / "provider").iterdir():
        world.logs.joinpath(log.name).write_text(log.read_text().replace(_CODE, str(world.code)))
    for path in (world.state, world.opencode):
        replace_paths(path, str(world.code))
        _log_ahead(path)
    for folder in ("proj", "wt"):
        (world.code / folder).mkdir(parents=True)
    return world


def empty_world(scratch: Path) -> World:
    """Create both programs' databases, without any thread or session."""
    world = _empty_folders(scratch)
    for sample, target in (("state.sqlite", world.state), ("opencode.db", world.opencode)):
        target.write_bytes(_without_rows(sample))
    (world.code / "proj").mkdir(parents=True)
    with writing(world.state) as connection:
        add_project(connection, "p1", "Project", str(world.code / "proj"), NOON)
    return world


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a transaction in a database that is not in use. It does not wait for the disk: no world survives a crash."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            yield connection


def add_thread(
    connection: sqlite3.Connection,
    thread_id: str,
    session_id: str | None,
    *,
    title: str = "A thread",
    provider: str = "opencode",
    has_turns: bool = True,
    runtime: str = "running",
    session_status: str = "ready",
    last_event: str = "provider.sendTurn",
    active_turn: str | None = None,
    approvals: int = 0,
    answers: int = 0,
    worktree: str | None = None,
    at: datetime = NOON,
) -> None:
    """Add a thread of the first orchestrator, with its process and its cursor; a new thread has neither."""
    now = stamp(at)
    columns = {
        "worktree_path": worktree,
        "latest_user_message_at": now if has_turns else None,
        "latest_turn_id": f"turn-{thread_id}" if has_turns else None,
        "pending_approval_count": approvals,
        "pending_user_input_count": answers,
    }
    add_thread_row(connection, thread_id, "p1", title, provider, "fake/fake-1", at, **columns)
    begun = {"status": session_status, "active_turn_id": active_turn, "updated_at": now}
    insert(connection, "projection_thread_sessions", thread_id=thread_id, **begun)
    if session_id is not None or has_turns:
        payload = json.dumps({"lastRuntimeEvent": last_event})
        set_runtime(connection, thread_id, session_id, at, provider, status=runtime, runtime_payload_json=payload)


def add_session(
    connection: sqlite3.Connection,
    session_id: str,
    directory: Path,
    *,
    messages: int = 2,
    title: str = "New session",
    parent: str | None = None,
    at: datetime = NOON,
    tokens: int = 100,
    first_at: datetime | None = None,
) -> None:
    """Add a session with messages of user and assistant in turn, one second apart, from `first_at` on."""
    began = first_at or at
    last = began + timedelta(seconds=messages)
    connection.execute(
        "INSERT INTO session (id, project_id, parent_id, slug, directory, title, version, tokens_input, time_created,"
        " time_updated) VALUES (?, 'global', ?, 'slug', ?, ?, '1.18.33', ?, ?, ?)",
        (session_id, parent, str(directory), title, tokens, milliseconds(at), milliseconds(max(at, last))),
    )
    for number in range(messages):
        add_message(connection, session_id, number, began + timedelta(seconds=number))


def add_message(connection: sqlite3.Connection, session_id: str, number: int, at: datetime, tokens: int = 0) -> str:
    """Add the next message of a session; odd ones are the assistant's, and finished. Return its id."""
    created = milliseconds(at)
    body: dict[str, object] = {"role": "user", "time": {"created": created}}
    if number % 2:
        time = {"created": created, "completed": created + 1}
        body = {"role": "assistant", "time": time, "finish": "stop", "tokens": {"input": tokens, "cache": {"read": 0}}}
    message_id = f"msg_{session_id.removeprefix('ses_')}_{number:05}"
    connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (message_id, session_id, created, created, json.dumps(body)))
    part = (f"prt_{message_id}", message_id, session_id, created, created, json.dumps({"type": "text", "text": f"word {number}"}))
    connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)
    return message_id


def add_log(world: World, thread_id: str, *sessions: tuple[str, datetime]) -> None:
    """Write a provider log in which these sessions served the thread, one after the other."""
    for session, at in sessions:
        log_session(world.logs, thread_id, session, at)


def add_turn(connection: sqlite3.Connection, thread_id: str, turn_id: str | None, state: str) -> None:
    """Add a turn of a V1 thread; one without an id has not begun."""
    files = "[]" if turn_id is None else '["a file with a long name"]' * 20
    turn = {
        "thread_id": thread_id,
        "turn_id": turn_id,
        "state": state,
        "requested_at": stamp(NOON),
        "checkpoint_files_json": files,
    }
    insert(connection, "projection_turns", **turn)


def make_v2(world: World) -> Path:
    """Create the second orchestrator's file: a copy of the first one's, with its own tables beside the old ones."""
    path = world.state.with_name("statev2.sqlite")
    with closing(sqlite3.connect(world.state)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    p = "orchestration_v2_projection_"
    with writing(path) as connection:
        connection.execute(
            f"CREATE TABLE {p}threads (thread_id TEXT PRIMARY KEY, project_id TEXT, title TEXT, default_provider TEXT,"
            " runtime_mode TEXT, interaction_mode TEXT, active_provider_thread_id TEXT, created_at TEXT, updated_at TEXT,"
            " archived_at TEXT, deleted_at TEXT, payload_json TEXT, provider_instance_id TEXT)"
        )
        connection.execute(
            f"CREATE TABLE {p}provider_threads (provider_thread_id TEXT PRIMARY KEY, thread_id TEXT, status TEXT,"
            " first_run_ordinal INTEGER, last_run_ordinal INTEGER, updated_at TEXT, payload_json TEXT, driver TEXT)"
        )
        connection.execute(f"CREATE TABLE {p}runs (run_id TEXT PRIMARY KEY, thread_id TEXT, ordinal INTEGER, status TEXT)")
        connection.execute(
            f"CREATE TABLE {p}runtime_requests (runtime_request_id TEXT PRIMARY KEY, thread_id TEXT, kind TEXT, status TEXT)"
        )
        connection.execute("CREATE TABLE orchestration_v2_legacy_imports (thread_id TEXT PRIMARY KEY, shell_imported_at TEXT)")
    return path


def add_v2(path: Path, name: str, *sessions: str, at: datetime = NOON, payload: dict[str, object] | None = None) -> None:
    with writing(path) as connection:
        active = f"{name}-{len(sessions) - 1}" if sessions else None
        connection.execute(
            "INSERT INTO orchestration_v2_projection_threads (thread_id, project_id, title, default_provider,"
            " active_provider_thread_id, created_at, updated_at, payload_json) VALUES (?, 'p1', 'Two', 'opencode', ?, ?, ?, ?)",
            (name, active, stamp(at), stamp(at), json.dumps(payload or {})),
        )
        for number, session in enumerate(sessions):
            connection.execute(
                "INSERT INTO orchestration_v2_projection_provider_threads VALUES (?, ?, 'idle', ?, ?, ?, ?, 'opencode')",
                (f"{name}-{number}", name, number, number, stamp(at), json.dumps({"nativeThreadRef": {"nativeId": session}})),
            )


def _empty_folders(scratch: Path) -> World:
    world = World(scratch / "t3", scratch / "xdg" / "opencode" / "opencode.db", scratch / "code")
    world.logs.mkdir(parents=True)
    world.opencode.parent.mkdir(parents=True)
    return world


@cache
def _without_rows(sample: str) -> bytes:
    """Return a database with all tables of a sample's database but without rows, created once: it takes 40 ms."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / sample
        with closing(sqlite3.connect(SAMPLE / sample)) as known, writing(path) as made:
            for (statement,) in known.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"):
                made.execute(statement)
        _log_ahead(path)
        return path.read_bytes()


def _log_ahead(path: Path) -> None:
    """Switch to WAL mode, as both programs do: a careless reader leaves a `-wal` and a `-shm` beside an idle database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def replace_paths(path: Path, code: str) -> None:
    """Replace the sample's folder in every text of every table."""
    with writing(path) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall():
                connection.execute(
                    f"UPDATE {table} SET {name} = replace({name}, ?, ?) WHERE instr({name}, ?)", (_CODE, code, _CODE)
                )
