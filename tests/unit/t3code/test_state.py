"""T3 Code's databases: the real sample, every shape, which file is live, and no trace left of our reading."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from t3tray.demo.t3_database import add_message, set_runtime, stamp
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.t3code.home import T3Home, t3_homes
from t3tray.t3code.state import T3Reader, T3State
from tests.support.t3_world import NOON, SAMPLE_THREAD, World, add_thread, add_v2, empty_world, make_v2, sample_world, writing


def read(world: World) -> T3State:
    state = T3Reader(T3Home(world.home)).read()
    assert state is not None
    return state


def only(world: World) -> T3Thread:
    (thread,) = read(world).threads
    return thread


def test_the_sample_as_t3_code_shows_it(tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    state, thread = read(world), only(world)
    assert (state.shape, state.last_written) == (Shape.V1, "2026-11-23T21:32:13.648Z")
    assert (thread.id, thread.title, thread.project, thread.branch) == (
        SAMPLE_THREAD,
        "Refactor the parser",
        "Demo project",
        "wt1",
    )
    assert (thread.directory, thread.model, thread.provider) == (str(world.code / "wt"), "fake/fake-1", "opencode")
    assert thread.session_id == "ses_df5b87236ffe5RnsWYfjg7erHJ"
    assert thread.has_turns and not thread.is_working and "did not survive" in thread.last_error
    assert thread.runtime and (thread.runtime.status, thread.runtime.last_event) == ("stopped", "provider.stopAll")
    assert thread.last_activity_at == datetime(2026, 11, 23, 21, 31, 19, 12_000, UTC)


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"session_status": "running"}, "is_working", True),
        ({"session_status": "starting"}, "is_working", True),
        ({"active_turn": "turn-1"}, "is_working", True),
        ({"runtime": "running"}, "is_working", False),
        ({"approvals": 1}, "awaits_approval", True),
        ({"answers": 2}, "awaits_answer", True),
        ({"has_turns": False}, "has_turns", False),
        ({"provider": "codex"}, "session_id", None),
        ({"provider": "codex"}, "is_opencode", False),
        ({"worktree": "/elsewhere"}, "directory", "/elsewhere"),
    ],
)
def test_each_state_of_a_thread(tmp_path: Path, options: dict[str, Any], field: str, value: object) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", **options)
    assert getattr(only(world), field) == value


@pytest.mark.parametrize(
    ("session", "begun", "is_conversation"),
    [
        (None, (), False),
        ("ses_1", (), False),
        ("ses_1", ("turn",), True),
        (None, ("turn",), True),
        (None, ("answer",), True),
        (None, ("row",), True),
        (None, ("row", "starting"), False),
    ],
)
def test_a_conversation_is_more_than_a_message_that_waits(
    tmp_path: Path, session: str | None, begun: tuple[str, ...], is_conversation: bool
) -> None:
    """The first turn of a new thread: for 10 s and more only its message exists."""
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", session, has_turns=False, session_status="starting" if "starting" in begun else "ready")
        connection.execute("UPDATE projection_threads SET latest_user_message_at = updated_at")
        add_message(connection, "t1", "user", "Hello", NOON)
        if "turn" in begun:
            connection.execute("UPDATE projection_threads SET latest_turn_id = 'turn-1'")
        if "answer" in begun:
            add_message(connection, "t1", "assistant", "Yes", NOON)
        if "row" in begun:
            set_runtime(connection, "t1", None, NOON)
    assert only(world).has_turns is is_conversation


@pytest.mark.parametrize("cursor", ["not json", "{}", '{"sessionId": null}', "[]"])
def test_a_cursor_that_cannot_be_read_is_none(tmp_path: Path, cursor: str) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = ?", (cursor,))
    assert only(world).session_id is None


def test_deleted_threads_are_left_out_and_archived_ones_are_not(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        for name in ("t1", "t2", "t3"):
            add_thread(connection, name, None)
        connection.execute("UPDATE projection_threads SET deleted_at = ? WHERE thread_id = 't1'", (stamp(NOON),))
        connection.execute("UPDATE projection_threads SET archived_at = ? WHERE thread_id = 't2'", (stamp(NOON),))
    assert {thread.id: thread.archived_at for thread in read(world).threads} == {"t2": NOON, "t3": None}


NEWER = ["branch", "worktree_path", "model_selection_json", "archived_at", "settled_at", "pinned_at", "pending_approval_count"]


@pytest.mark.parametrize("column", NEWER)
def test_an_older_database_gives_fewer_fields(tmp_path: Path, column: str) -> None:
    world = sample_world(tmp_path)
    with writing(world.state) as connection:
        connection.execute("DROP INDEX IF EXISTS idx_projection_threads_shell_active")
        connection.execute("DROP INDEX IF EXISTS idx_projection_threads_shell_archived")
        for (index,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall():
            connection.execute(f"DROP INDEX {index}")
        connection.execute(f"ALTER TABLE projection_threads DROP COLUMN {column}")
    assert only(world).title == "Refactor the parser"


def test_a_newer_database_with_more_columns_is_read_as_before(tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    with writing(world.state) as connection:
        connection.execute("ALTER TABLE projection_threads ADD COLUMN from_the_future TEXT")
    assert only(world).session_id


def test_without_t3_code_there_is_nothing(tmp_path: Path) -> None:
    assert T3Reader(T3Home(tmp_path)).read() is None


def test_the_homes_are_found_in_their_order(tmp_path: Path) -> None:
    assert [home.base for home in t3_homes({}, tmp_path)] == [tmp_path / ".t3"]
    (tmp_path / "a").mkdir()
    (tmp_path / "other-a").symlink_to(tmp_path / "a")
    assert len(t3_homes({"T3CODE_HOME": str(tmp_path / "a")}, tmp_path, [str(tmp_path / "other-a")])) == 1
    both = t3_homes({"T3CODE_HOME": str(tmp_path / "a")}, tmp_path, [str(tmp_path / "b"), str(tmp_path / "a")])
    assert [home.base for home in both] == [tmp_path / "a", tmp_path / "b"]


def test_the_second_orchestrator_keeps_every_session_of_a_thread(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    path = make_v2(world)
    add_v2(path, "t1", "ses_1", "ses_2", payload={"worktreePath": "/wt", "branch": "b"})
    state = read(world)
    (thread,) = state.threads
    assert (state.shape, state.path) == (Shape.V2, path)
    assert (thread.session_id, [one.session_id for one in thread.earlier]) == ("ses_2", ["ses_1"])
    assert (thread.directory, thread.branch, thread.handed_over) == ("/wt", "b", False)


def test_sub_agents_are_hidden_runs_work_and_requests_wait(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    path = make_v2(world)
    add_v2(path, "t1", "ses_1")
    add_v2(path, "child", "ses_2", payload={"lineage": {"relationshipToParent": "subagent"}})
    with writing(path) as connection:
        connection.execute(
            "INSERT INTO orchestration_v2_projection_runs VALUES ('r1', 't1', 1, 'completed'), ('r2', 't1', 2, 'waiting')"
        )
        connection.execute("INSERT INTO orchestration_v2_projection_runtime_requests VALUES ('q', 't1', 'user_input', 'pending')")
    (thread,) = read(world).threads
    assert (thread.is_working, thread.awaits_answer, thread.awaits_approval) == (True, True, False)


def test_a_thread_that_was_imported_and_never_used_is_new(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", None, has_turns=False)
    path = make_v2(world)
    add_v2(path, "t1")
    with writing(path) as connection:
        connection.execute("INSERT INTO orchestration_v2_legacy_imports VALUES ('t1', ?)", (stamp(NOON),))
    assert not only(world).has_turns and not only(world).handed_over


def test_the_first_run_of_the_second_orchestrator_is_no_conversation_yet(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    path = make_v2(world)
    add_v2(path, "t1", "ses_1")
    add_v2(path, "t2", "ses_2")
    with writing(path) as connection:
        connection.execute(
            "CREATE TABLE orchestration_v2_projection_messages (message_id TEXT PRIMARY KEY, thread_id TEXT, role TEXT)"
        )
        connection.execute("INSERT INTO orchestration_v2_projection_runs VALUES ('r1', 't1', 1, 'starting')")
        connection.executemany(
            "INSERT INTO orchestration_v2_projection_messages VALUES (?, ?, ?)",
            [("m1", "t1", "user"), ("m2", "t2", "user"), ("m3", "t2", "assistant")],
        )
    first, second = read(world).threads
    assert (first.has_turns, first.is_working, second.has_turns) == (False, True, True)


def test_an_imported_thread_without_a_session_names_the_one_it_had(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_full")
    path = make_v2(world)
    add_v2(path, "t1")
    with writing(path) as connection:
        connection.execute("INSERT INTO orchestration_v2_legacy_imports VALUES ('t1', ?)", (stamp(NOON),))
    (thread,) = read(world).threads
    assert thread.handed_over and thread.session_id is None
    assert thread.before_import == "ses_full"


def test_going_back_to_the_first_orchestrator_makes_its_file_live_again(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    path = make_v2(world)
    add_v2(path, "t2", "ses_2")
    assert read(world).shape is Shape.V2
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", at=NOON + timedelta(hours=1))
    state = read(world)
    assert state.shape is Shape.V1 and "written later" in state.why


def test_the_file_that_is_open_is_the_live_one(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    add_v2(make_v2(world), "t2", "ses_2")
    with closing(sqlite3.connect(world.state)) as t3:
        t3.execute("PRAGMA journal_mode = WAL")
        with t3:
            add_thread(t3, "t1", "ses_1", at=NOON - timedelta(days=1))
        state = read(world)
    assert state.shape is Shape.V1 and "has it open" in state.why


@pytest.mark.parametrize(("later", "shape", "why"), [(1, Shape.UNSUPPORTED, "not a database"), (-1, Shape.V1, "written later")])
def test_of_an_old_file_nothing_is_told_while_the_newer_one_cannot_be_read(
    tmp_path: Path, later: int, shape: Shape, why: str
) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
    second = world.state.with_name("statev2.sqlite")
    second.write_bytes(b"no database" * 1000)
    written = world.state.stat().st_mtime + later
    os.utime(second, (written, written))
    state = read(world)
    assert (state.shape, len(state.threads)) == (shape, int(shape is Shape.V1)) and why in state.why
    if shape is Shape.UNSUPPORTED:
        with closing(sqlite3.connect(world.state)) as t3, t3:
            add_thread(t3, "t2", "ses_2")
            state = read(world)
        assert state.shape is Shape.V1 and "has it open" in state.why, "it went back to the first one"
    else:
        second.with_name(f"{second.name}-wal").touch()
        assert read(world).shape is Shape.UNSUPPORTED


def test_no_secret_is_ever_read() -> None:
    package = Path(__file__).parents[3] / "t3tray"
    for file in (package / "t3code").glob("*.py"):
        if file.name == "protection.py":
            continue  # the user's own command to point T3 Code at the guard; it has tests of what it may reveal
        text = file.read_text("utf-8")
        assert not any(
            word in text
            for word in ("auth_sessions", "auth_pairing", "secrets/", "serverPassword", "settings.json", "signing-key")
        ), file


@pytest.mark.parametrize(
    "cursor",
    ['{"schemaVersion": 7, "sessionId": "ses_1"}', '{"sessionId": "ses_1"}', '{"schemaVersion": "1", "sessionId": "ses_1"}'],
)
def test_a_cursor_that_t3_code_would_not_use_is_none_but_the_session_is_remembered(tmp_path: Path, cursor: str) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = ?", (cursor,))
    state = T3Reader(T3Home(world.home)).read()
    assert state
    (thread,) = state.threads
    assert (thread.session_id, [found.session_id for found in thread.earlier]) == (None, ["ses_1"])


def test_an_instance_with_a_name_of_its_own_is_opencodes(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", None, provider="oc-work")
        connection.execute("DELETE FROM provider_session_runtime")
        connection.execute("UPDATE projection_thread_sessions SET provider_name = 'opencode'")
    state = T3Reader(T3Home(world.home)).read()
    assert state and state.threads[0].is_opencode and state.threads[0].instance == "oc-work"
