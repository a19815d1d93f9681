"""Reading T3 Code's databases: no trace is left, each change is seen, and odd or damaged rows affect no other."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.demo.t3_database import stamp
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import WHOLE_READING, T3Reader, T3State
from tests.support.t3_world import NOON, SAMPLE_THREAD, World, add_thread, empty_world, sample_world, writing
from tests.support.unchanged import untouched


def read(world: World) -> T3State:
    state = T3Reader(T3Home(world.home)).read()
    assert state is not None
    return state


def only(world: World) -> T3Thread:
    (thread,) = read(world).threads
    return thread


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE provider_session_runtime", "ALTER TABLE provider_session_runtime RENAME COLUMN resume_cursor_json TO cursor_v9"],
)
def test_a_form_that_is_not_known_is_watched_only(tmp_path: Path, statement: str) -> None:
    world = sample_world(tmp_path)
    with writing(world.state) as connection:
        connection.execute(statement)
    state = read(world)
    assert state.shape is Shape.UNSUPPORTED and state.threads == () and "its format is unknown" in state.why


def test_a_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    world.state.write_bytes(b"this is no database" * 400)
    assert "cannot be read" in read(world).why


def test_reading_leaves_no_trace_when_t3_code_is_off(tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    with untouched(world.home, world.opencode.parent):
        reader = T3Reader(T3Home(world.home))
        state = reader.read()
        assert state and (reader.parts([SAMPLE_THREAD]) or {})[SAMPLE_THREAD]


def test_reading_leaves_no_trace_while_t3_code_writes(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with closing(sqlite3.connect(world.state)) as t3:
        with t3:
            add_thread(t3, "t1", "ses_1")
        with untouched(world.home, world.opencode.parent):
            assert only(world).session_id == "ses_1"
    assert {path.name for path in world.state.parent.glob("state*")} == {"state.sqlite"}, (
        "T3 Code could not clean up after itself"
    )


def test_what_did_not_change_is_the_same_object(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        for number in range(3):
            add_thread(connection, f"t{number}", f"ses_{number}", at=NOON + timedelta(minutes=number))
    reader = T3Reader(T3Home(world.home))
    first = reader.read()
    assert first and reader.read() is first
    with writing(world.state) as connection:
        later = stamp(NOON + timedelta(hours=1))
        connection.execute(
            "UPDATE provider_session_runtime SET resume_cursor_json = NULL, last_seen_at = ? WHERE thread_id = 't1'", (later,)
        )
    second = reader.read()
    assert second
    changed = {new.id for old, new in zip(first.threads, second.threads, strict=True) if old is not new}
    assert changed == {"t1"} and second.threads[1].session_id is None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM projection_threads WHERE thread_id = 't1'", [("t2", "A thread")]),
        ("UPDATE projection_threads SET title = 'x'", [("t1", "x"), ("t2", "x")]),
    ],
)
def test_what_others_change_without_a_stamp_is_seen_at_the_next_whole_reading(
    tmp_path: Path, statement: str, expected: list[tuple[str, str]]
) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", at=NOON)
        add_thread(connection, "t2", "ses_2", at=NOON + timedelta(hours=1))
    now = [0.0]
    reader = T3Reader(T3Home(world.home), lambda: now[0])
    reader.read()
    now[0] = WHOLE_READING
    with writing(world.state) as connection:
        connection.execute(statement)
    state = reader.read()
    assert state and [(thread.id, thread.title) for thread in state.threads] == expected


def test_a_change_is_seen_whatever_time_it_is_stamped_with(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        add_thread(connection, "t9", "ses_9", at=NOON + timedelta(minutes=10))
    reader = T3Reader(T3Home(world.home))
    reader.read()
    with writing(world.state) as connection:
        connection.execute(
            "UPDATE provider_session_runtime SET resume_cursor_json = ?, last_seen_at = ? WHERE thread_id = 't1'",
            ('{"schemaVersion": 1, "sessionId": "ses_new"}', stamp(NOON + timedelta(minutes=1))),
        )
    state = reader.read()
    assert state and {thread.id: thread.session_id for thread in state.threads} == {"t1": "ses_new", "t9": "ses_9"}
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_projects SET workspace_root = '/moved'")
    state = reader.read()
    assert state and {thread.directory for thread in state.threads} == {"/moved"}
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_threads SET deleted_at = ? WHERE thread_id = 't9'", (stamp(NOON),))
    state = reader.read()
    assert state and [thread.id for thread in state.threads] == ["t1"]


ODD = st.sampled_from(
    [None, 5, 2.5, b"\x00\xff", "", "nonsense", "{", "[]", '{"sessionId": 5}', '{"schemaVersion": 1, "sessionId": {}}']
)


COLUMNS = [
    ("projection_threads", name)
    for name in (
        "title",
        "updated_at",
        "created_at",
        "worktree_path",
        "model_selection_json",
        "archived_at",
        "latest_user_message_at",
    )
]
COLUMNS += [
    ("provider_session_runtime", name) for name in ("provider_name", "resume_cursor_json", "runtime_payload_json", "last_seen_at")
]
COLUMNS += [
    ("projection_thread_sessions", name) for name in ("status", "active_turn_id", "updated_at", "provider_name", "last_error")
]


@given(st.lists(st.tuples(st.sampled_from(COLUMNS), ODD), max_size=6))
def test_an_odd_row_takes_nothing_else_away(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[str, str], object]]
) -> None:
    world = empty_world(tmp_path_factory.mktemp("odd"))
    with writing(world.state) as connection:
        add_thread(connection, "odd", "ses_1")
        add_thread(connection, "fine", "ses_2")
        for (table, column), value in changes:
            with contextlib.suppress(sqlite3.IntegrityError):  # NOT NULL stays NOT NULL
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE thread_id = 'odd'", (value,))
    state = T3Reader(T3Home(world.home)).read()
    assert state and state.shape is Shape.V1
    threads = {thread.id: thread for thread in state.threads}
    assert set(threads) == {"odd", "fine"} and threads["fine"].session_id == "ses_2"
    assert threads["odd"].session_id in (None, "ses_1")
    shutil.rmtree(world.home.parent)


def test_a_form_that_changes_while_it_is_watched_is_watched_only_from_then_on(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
    reader = T3Reader(T3Home(world.home))
    before = reader.read()
    assert before and before.threads[0].session_id == "ses_1"
    with writing(world.state) as connection:
        connection.execute("ALTER TABLE provider_session_runtime RENAME COLUMN resume_cursor_json TO cursor_json")
    after = reader.read()
    assert after and after.shape is Shape.UNSUPPORTED and "resume_cursor_json" in after.why


def test_a_home_that_nobody_may_look_into_is_watched_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = empty_world(tmp_path)
    looked_at = os.stat

    def refused(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(world.home / "userdata")):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return looked_at(path, *args, **options)

    # An administrator, who may run this, is refused nothing.
    monkeypatch.setattr(os, "stat", refused)
    state = read(world)
    assert state.shape is Shape.UNSUPPORTED and "Permission denied" in state.why
