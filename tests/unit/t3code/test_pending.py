"""The facts for a waiting request, read from T3 Code's database: as recorded, and never guessed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.demo.t3_database import stamp
from t3tray.domain.guard import T3ThreadState
from t3tray.t3code.home import T3Home
from t3tray.t3code.live_query import NEEDED, read_now
from tests.support.t3_world import (
    NOON,
    SAMPLE_THREAD,
    World,
    add_thread,
    add_turn,
    add_v2,
    empty_world,
    make_v2,
    sample_world,
    writing,
)

SESSION = "ses_df5b87236ffe5RnsWYfjg7erHJ"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path / "world")


def add_events(connection: sqlite3.Connection, thread_id: str, kind: str, count: int = 1) -> None:
    connection.executemany(
        "INSERT INTO orchestration_events (event_id, aggregate_kind, stream_id, stream_version, event_type, occurred_at,"
        " actor_kind, payload_json, metadata_json) VALUES (?, 'thread', ?, ?, ?, ?, 'client', '{}', '{}')",
        [(f"{kind}-{number}", thread_id, hash(kind) + number, kind, stamp(NOON)) for number in range(count)],
    )


def of(world: World, session_id: str = "") -> dict[str, T3ThreadState]:
    now = read_now([T3Home(world.home)], session_id)
    assert not now.unreadable
    return {thread.id: thread for thread in now.threads}


def test_the_real_database_tells_the_thread_of_a_cursor(tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    assert of(world) == {}, "nothing starts and nothing waits"
    (thread,) = of(world, SESSION).values()
    assert (thread.id, thread.session_id, thread.directory) == (SAMPLE_THREAD, SESSION, str(world.code / "wt"))
    assert (thread.had_turns, thread.answered, thread.starting, thread.pending) == (True, True, False, False)
    assert thread.last_seen_at and thread.asked_at and thread.created_at


def test_only_threads_that_may_be_meant_are_read(world: World) -> None:
    with writing(world.state) as connection:
        for name in ("resting", "starting", "waiting", "named", "deleted", "codex"):
            provider = "codex" if name == "codex" else "opencode"
            add_thread(connection, name, f"ses_{name}", provider=provider, session_status="ready")
            add_turn(connection, name, f"turn-{name}", "completed")
        connection.execute("UPDATE projection_thread_sessions SET status = 'starting' WHERE thread_id IN ('starting', 'codex')")
        add_turn(connection, "waiting", None, "pending")
        add_turn(connection, "deleted", None, "pending")
        connection.execute("UPDATE projection_threads SET deleted_at = ? WHERE thread_id = 'deleted'", (stamp(NOON),))
    found = of(world, "ses_named")
    assert set(found) == {"starting", "waiting", "named"}
    assert (found["starting"].starting, found["starting"].pending) == (True, False)
    assert (found["waiting"].starting, found["waiting"].pending, found["waiting"].had_turns) == (False, True, True)


def test_the_beginning_of_an_id_is_not_the_id(world: World) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_long")
    assert [thread.session_id for thread in of(world, "ses_lon").values()] == ["ses_long"], "whoever asks compares the whole"


def test_a_changed_runtime_mode_is_told_while_it_is_among_the_newest_events(world: World) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        add_events(connection, "t1", "thread.runtime-mode-set")
        add_events(connection, "t2", "thread.activity-appended", 10)
    assert read_now([T3Home(world.home)], "").mode_set == {"t1"}
    with writing(world.state) as connection:
        add_events(connection, "t2", "thread.message-sent", 10)
    assert read_now([T3Home(world.home)], "").mode_set == frozenset()


def test_links_in_a_folder_are_resolved(world: World, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(world.code / "proj")
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", worktree=str(tmp_path / "link"), session_status="starting")
    assert of(world)["t1"].directory == str(world.code / "proj")


def test_a_broken_cursor_is_none(world: World) -> None:
    with writing(world.state) as connection:
        for name, cursor in (("t1", "{"), ("t2", '{"sessionId": 7}'), ("t3", "null")):
            add_thread(connection, name, None, session_status="starting")
            connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = ? WHERE thread_id = ?", (cursor, name))
    assert [thread.session_id for thread in of(world).values()] == [None, None, None]


@pytest.mark.parametrize("table", NEEDED)
def test_a_form_that_is_not_known_is_said_and_not_guessed_at(world: World, table: str) -> None:
    with closing(sqlite3.connect(world.state)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_moved")
        connection.commit()
    now = read_now([T3Home(world.home)], "")
    assert f"has no {table}." in now.unreadable and now.threads == ()


def test_no_database_a_damaged_one_and_the_second_orchestrators_are_unreadable(world: World, tmp_path: Path) -> None:
    assert "no database" in read_now([T3Home(tmp_path / "nowhere")], "").unreadable
    with writing(world.home / "userdata" / "statev2.sqlite") as connection:
        connection.execute("CREATE TABLE orchestration_v2_projection_threads (thread_id TEXT)")
    assert of(world) == {}, "the second file holds nothing that T3 Code could use: the first one is live"
    world.state.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert read_now([T3Home(world.home)], "").unreadable


@pytest.mark.parametrize("in_place", [False, True])
def test_an_upgrade_is_named_and_its_threads_are_not_guessed_at(world: World, in_place: bool) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "t1", SESSION)
        add_turn(connection, "t1", None, "pending")
    made = make_v2(world)
    add_v2(made, "imported")
    if in_place:
        made.replace(world.state)
    now = read_now([T3Home(world.home)], SESSION)
    assert (now.threads, now.unreadable, now.upgraded) == ((), "", "state.sqlite" if in_place else "statev2.sqlite")


def test_one_home_that_cannot_be_read_makes_the_whole_unreadable(world: World, tmp_path: Path) -> None:
    other = empty_world(tmp_path / "other")
    other.state.write_bytes(b"nonsense" * 100)
    assert read_now([T3Home(world.home), T3Home(other.home)], "").unreadable
