"""A world with five threads in order, and each way in which one thing of it breaks: something of `t1`, or of no thread."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.settings.definitions import Settings
from t3tray.settings.stored import write_settings
from t3tray.system import folders
from t3tray.system.paths import data_directory
from tests.support.stores import open_store
from tests.support.t3_world import NOON, add_log, add_session, add_thread, empty_world, writing

# Our own threads; the second may be damaged.
OURS = ("ours", "mine")
Patch = pytest.MonkeyPatch
_LIMIT = 90.0

Break = Callable[["Machine", Patch], None]


class Machine:
    """A world with five threads, three of T3 Code's and two of ours, each with a session and all in order; and a second home."""

    def __init__(self, root: Path) -> None:
        self.world = empty_world(root / "first")
        self.second = empty_world(root / "second")
        self.ends: list[Callable[[], object]] = []
        self.data = data_directory(None, os.environ)
        with writing(self.world.opencode) as connection:
            for name in ("t0", "t1", "t2", *OURS):
                add_session(connection, f"ses_{name}", self.folder(name))
        with writing(self.world.state) as connection:
            for name in ("t0", "t1", "t2"):
                add_thread(connection, name, f"ses_{name}", worktree=str(self.folder(name)))
        with writing(self.second.state) as connection:
            add_thread(connection, "s1", None, has_turns=False)
        for name in ("t0", "t1", "t2"):
            add_log(self.world, name, (f"ses_{name}", NOON))
        with closing(open_store(self.data, lambda: NOON)) as store:
            for name in OURS:
                store.threads.add(Thread(name, name, str(self.folder(name)), Source.T3TRAY, NOON, NOON))
                session, cursor = f"ses_{name}", Cursor(f"ses_{name}", str(self.folder(name)))
                store.journal.append(Entry(name, Event.CONFIRMED, Actor.USER, "taken over", NOON, session, cursor=cursor))
            write_settings(store.settings, Settings(t3_homes=(str(self.second.home),)), "t3_homes", "t3_idle_minutes")

    def folder(self, name: str) -> Path:
        folder = self.world.code / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def log(self) -> Path:
        return self.world.logs / "events.t1.log"

    @property
    def userdata(self) -> Path:
        return self.world.home / "userdata"


def log_vanishes(machine: Machine, patch: Patch) -> None:
    """T3 Code's own rotation, between listing the folder and reading the file."""
    log, stat = str(machine.log), os.stat

    def rotated(path: Any, *words: Any, **options: Any) -> os.stat_result:
        if path == log and os.path.lexists(log):
            Path(log).rename(f"{log}.1")
        return stat(path, *words, **options)

    patch.setattr(os, "stat", rotated)


def log_is_a_folder(machine: Machine, patch: Patch) -> None:
    machine.log.unlink()
    machine.log.mkdir()


def log_belongs_to_root(machine: Machine, patch: Patch) -> None:
    """The file as users other than root meet it; the tests may run as root."""
    log, plain = str(machine.log), open

    def refusing(path: Any, *words: Any, **options: Any) -> Any:
        if path == log:
            raise PermissionError(13, "Permission denied", log)
        return plain(path, *words, **options)

    patch.setattr("builtins.open", refusing)


def logs_are_no_folder(machine: Machine, patch: Patch) -> None:
    for log in machine.world.logs.iterdir():
        log.unlink()
    machine.world.logs.rmdir()
    machine.world.logs.write_text("no folder")


def folder_gives_an_error(machine: Machine, patch: Patch) -> None:
    """A disk that fails."""

    def failing(path: str) -> os.stat_result:
        if path.endswith("/t1"):
            raise OSError(5, "Input/output error", path)
        return Path(path).stat()

    patch.setattr(folders.PROBE, "stat_of", failing)


def folder_does_not_answer(machine: Machine, patch: Patch) -> None:
    """A dead mount: every check of it waits until the test is over."""
    over = threading.Event()

    def hanging(path: str) -> os.stat_result:
        if path.endswith("/t1"):
            over.wait(_LIMIT)
        return Path(path).stat()

    patch.setattr(folders.PROBE, "stat_of", hanging)
    machine.ends.append(over.set)


def log_is_a_pipe(machine: Machine, patch: Patch) -> None:
    machine.log.unlink()
    os.mkfifo(machine.log)


def other_homes_database_is_a_pipe(machine: Machine, patch: Patch) -> None:
    machine.second.state.unlink()
    os.mkfifo(machine.second.state)


def runtime_file_is_a_pipe(machine: Machine, patch: Patch) -> None:
    os.mkfifo(machine.userdata / "server-runtime.json")


def t3_settings_are_a_pipe(machine: Machine, patch: Patch) -> None:
    os.mkfifo(machine.userdata / "settings.json")


def our_cursor_is_damaged(machine: Machine, patch: Patch) -> None:
    rewrite(machine.data / "t3tray.sqlite", "cursors", "cursor", "no JSON {", "thread_id", "mine")


def our_times_are_damaged(machine: Machine, patch: Patch) -> None:
    for column in ("created_at", "last_activity_at"):
        rewrite(machine.data / "t3tray.sqlite", "threads", column, "yesterday", "id", "mine")


def our_setting_is_damaged(machine: Machine, patch: Patch) -> None:
    rewrite(machine.data / "t3tray.sqlite", "settings", "value", "no JSON {", "key", "t3_idle_minutes")


def title_is_missing(machine: Machine, patch: Patch) -> None:
    """The schema forbids it, but a damaged file may have it."""
    rewrite(machine.world.state, "projection_threads", "title", None)


def times_are_numbers(machine: Machine, patch: Patch) -> None:
    for column in ("created_at", "updated_at", "latest_user_message_at"):
        rewrite(machine.world.state, "projection_threads", column, b"\xff\x00")


def time_leads_out_of_the_calendar(machine: Machine, patch: Patch) -> None:
    rewrite(machine.world.state, "projection_threads", "updated_at", "0001-01-01T00:00:00+14:00")
    rewrite(machine.world.state, "provider_session_runtime", "last_seen_at", "9999-12-31T23:59:59-14:00")


def cursor_is_no_json(machine: Machine, patch: Patch) -> None:
    rewrite(machine.world.state, "provider_session_runtime", "resume_cursor_json", "[" * 50_000)


def session_row_is_odd(machine: Machine, patch: Patch) -> None:
    for column, value in (("directory", b"\xff"), ("title", 7), ("revert", "no JSON {")):
        rewrite(machine.world.opencode, "session", column, value, "id", "ses_t1")


def message_is_no_json(machine: Machine, patch: Patch) -> None:
    rewrite(machine.world.opencode, "message", "data", b"\xff no JSON", "session_id", "ses_t1")


def other_home_cannot_be_entered(machine: Machine, patch: Patch) -> None:
    (machine.second.home / "userdata").rename(machine.second.home / "elsewhere")
    (machine.second.home / "userdata").write_text("no folder")


def other_homes_database_is_garbage(machine: Machine, patch: Patch) -> None:
    machine.second.state.write_bytes(b"this is no database at all, however long it may be " * 200)


def other_homes_database_is_a_folder(machine: Machine, patch: Patch) -> None:
    machine.second.state.unlink()
    machine.second.state.mkdir()


def runtime_file_is_garbage(machine: Machine, patch: Patch) -> None:
    (machine.userdata / "server-runtime.json").write_bytes(b'{"pid": "\xff", "startedAt": 7')


def runtime_file_names_a_huge_process(machine: Machine, patch: Patch) -> None:
    (machine.userdata / "server-runtime.json").write_text(json.dumps({"pid": 10**18, "startedAt": 7, "origin": 3}))


def runtime_file_is_a_folder(machine: Machine, patch: Patch) -> None:
    (machine.userdata / "server-runtime.json").mkdir()


def t3_settings_are_garbage(machine: Machine, patch: Patch) -> None:
    (machine.userdata / "settings.json").write_bytes(b'{"providers": \xff')


def archive_is_damaged(machine: Machine, patch: Patch) -> None:
    (machine.data / "archive.sqlite").write_bytes(b"\xff" * 9_000)


def archive_is_a_folder(machine: Machine, patch: Patch) -> None:
    (machine.data / "archive.sqlite").unlink(missing_ok=True)
    (machine.data / "archive.sqlite").mkdir()


def archive_is_a_pipe(machine: Machine, patch: Patch) -> None:
    (machine.data / "archive.sqlite").unlink(missing_ok=True)
    os.mkfifo(machine.data / "archive.sqlite")


def vault_is_damaged(machine: Machine, patch: Patch) -> None:
    vault = machine.data / "vault"
    vault.mkdir(mode=0o700, exist_ok=True)
    (vault / "ses_t1.json").write_bytes(b"\xff\x00")
    (vault / "ses_t1").mkdir(exist_ok=True)
    (vault / "ses_t1" / "state").write_bytes(b"\xff")


def vault_is_no_folder(machine: Machine, patch: Patch) -> None:
    shutil.rmtree(machine.data / "vault", ignore_errors=True)
    (machine.data / "vault").write_text("no folder")


def keyring_fails(machine: Machine, patch: Patch) -> None:
    patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.no.Such")


def lease_names_a_stranger(machine: Machine, patch: Patch) -> None:
    (machine.data / "server.json").write_bytes(b"\xff")


CASES: tuple[Break, ...] = (
    log_vanishes,
    log_is_a_folder,
    log_belongs_to_root,
    logs_are_no_folder,
    folder_gives_an_error,
    folder_does_not_answer,
    log_is_a_pipe,
    other_homes_database_is_a_pipe,
    runtime_file_is_a_pipe,
    t3_settings_are_a_pipe,
    our_cursor_is_damaged,
    our_times_are_damaged,
    our_setting_is_damaged,
    title_is_missing,
    times_are_numbers,
    time_leads_out_of_the_calendar,
    cursor_is_no_json,
    session_row_is_odd,
    message_is_no_json,
    other_home_cannot_be_entered,
    other_homes_database_is_garbage,
    other_homes_database_is_a_folder,
    runtime_file_is_garbage,
    runtime_file_names_a_huge_process,
    runtime_file_is_a_folder,
    t3_settings_are_garbage,
    archive_is_damaged,
    archive_is_a_folder,
    archive_is_a_pipe,
    vault_is_damaged,
    vault_is_no_folder,
    keyring_fails,
    lease_names_a_stranger,
)
# The archive cannot be used, and only commands that need it report that.
NO_ARCHIVE = (archive_is_a_folder, archive_is_a_pipe)


def rewrite(path: Path, table: str, column: str, value: object, key: str = "thread_id", name: str = "t1") -> None:
    """Put this into one row, whatever the schema says of it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = ?", (table,))
        connection.commit()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, name))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
