"""Odd rows in OpenCode's database, on its real schema: each is unknown at worst, and affects no other."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import Unsupported
from t3tray.opencode.database_reader import DatabaseReader
from tests.support.scan_cases import Eyes
from tests.support.t3_world import NOON, World, add_message, add_session, add_thread, empty_world, writing

NO_UTF8 = "CAST(x'22ff61' AS TEXT)"
ODD = ["NULL", "'nonsense'", "''", "'{'", "'[]'", "'{\"role\": 5}'", "2.5", "-1", "x'00ff'", NO_UTF8]
COLUMNS = [
    *(("session", name) for name in ("parent_id", "directory", "title", "version", "revert", "metadata", "tokens_input")),
    *(("session", name) for name in ("time_created", "time_updated", "time_archived", "tokens_cache_read")),
    *(("message", name) for name in ("time_created", "time_updated", "data")),
    *(("part", name) for name in ("message_id", "data")),
]


def odd_world(scratch: Path) -> World:
    """One thread whose rows will be odd and one that is fine; OpenCode's database accepts any value."""
    world = empty_world(scratch)
    with writing(world.state) as state, writing(world.opencode) as opencode:
        opencode.execute("PRAGMA writable_schema = ON")
        opencode.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
        for name in ("odd", "fine"):
            add_thread(state, name, f"ses_{name}")
            add_session(opencode, f"ses_{name}", world.code / "proj", messages=4)
        part = ("prt_odd", "msg_odd_00003", "ses_odd", 1, 1, '{"type":"text","text":"compaction"}')
        opencode.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return odd_world(tmp_path)


@pytest.fixture
def eyes(world: World, tmp_path: Path) -> Iterator[Eyes]:
    made = Eyes(world, tmp_path)
    yield made
    made.store.close()


def spoil(world: World, table: str, column: str, value: str) -> None:
    key = "id" if table == "session" else "session_id"
    with writing(world.opencode) as connection:
        connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {key} = 'ses_odd'")


def verdicts(eyes: Eyes) -> dict[str, Reason]:
    """Return the verdicts after a whole round: scan, alarms, and proofs."""
    picture = eyes.look()
    SwitchDetector(eyes.store, eyes.database, lambda: NOON).detect(picture)
    eyes.keeper.record(picture)
    return {found.thread.id: found.verdict.reason for found in picture.assessments}


@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(COLUMNS), st.sampled_from(ODD)), min_size=1, max_size=4))
def test_an_odd_row_ends_no_look_and_is_never_missing(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[str, str], str]]
) -> None:
    scratch = tmp_path_factory.mktemp("odd")
    world = odd_world(scratch)
    for (table, column), value in changes:
        spoil(world, table, column, value)
    eyes = Eyes(world, scratch)
    found = verdicts(eyes)
    assert found["fine"] is Reason.UNPROVEN
    assert found["odd"] is not Reason.MISSING
    later = verdicts(eyes)
    assert later["fine"] is Reason.PROVED, "the other one was kept and is proved by now"
    eyes.store.close()
    shutil.rmtree(scratch)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("session", "time_created", "NULL"),
        ("session", "time_updated", "'yesterday'"),
        ("session", "directory", "x'00ff'"),
        ("session", "revert", "'{'"),
        ("session", "parent_id", "x'00ff'"),
        ("message", "data", "'{'"),
        ("message", "data", "NULL"),
        ("message", "data", "x'7b7d'"),
    ],
)
def test_where_nothing_can_be_said_the_verdict_is_unknown_and_well_again_later(
    world: World, eyes: Eyes, table: str, column: str, value: str
) -> None:
    good = world.opencode.read_bytes()
    spoil(world, table, column, value)
    assert verdicts(eyes) == {"odd": Reason.UNSUPPORTED, "fine": Reason.UNPROVEN}
    assert eyes.store.journal.binding("odd").cursor is None, "nothing is kept of what is not understood"
    world.opencode.write_bytes(good)
    with writing(world.opencode) as connection:
        connection.execute("UPDATE session SET time_updated = time_updated + 1 WHERE id = 'ses_odd'")
    assert verdicts(eyes) == {"odd": Reason.UNPROVEN, "fine": Reason.PROVED}


@pytest.mark.parametrize(
    ("column", "value"),
    [("title", NO_UTF8), ("title", "5"), ("version", "x'ff'"), ("time_archived", "'x'"), ("metadata", "x'ff'")],
)
def test_what_no_verdict_needs_may_be_odd(world: World, eyes: Eyes, column: str, value: str) -> None:
    spoil(world, "session", column, value)
    assert verdicts(eyes) == {"odd": Reason.UNPROVEN, "fine": Reason.UNPROVEN}


def test_a_kept_thread_whose_session_turns_odd_is_unknown_and_keeps_its_binding(world: World, eyes: Eyes) -> None:
    verdicts(eyes)
    spoil(world, "session", "time_created", "'x'")
    with writing(world.opencode) as connection:
        connection.execute("UPDATE session SET time_updated = time_updated + 1 WHERE id = 'ses_odd'")
    assert verdicts(eyes)["odd"] is Reason.UNSUPPORTED
    cursor = eyes.store.journal.binding("odd").cursor
    assert cursor and cursor.session_id == "ses_odd"
    assert eyes.store.alarms.all() == (), "an odd row is no loss"


def test_a_row_without_its_parent(world: World, eyes: Eyes) -> None:
    spoil(world, "session", "parent_id", "'ses_nowhere'")
    with writing(world.opencode) as connection:
        add_message(connection, "ses_nobody", 1, NOON)
        connection.execute("INSERT INTO part VALUES ('prt_lost', 'msg_lost', 'ses_lost', 1, 1, '{')")
    assert verdicts(eyes) == {"odd": Reason.CHILD, "fine": Reason.UNPROVEN}


def test_an_odd_session_among_the_candidates_is_neither_there_nor_gone(world: World, eyes: Eyes) -> None:
    with writing(world.opencode) as connection:
        add_session(connection, "ses_other", world.code / "proj", title="T3 Code fine", at=NOON - timedelta(hours=1))
        connection.execute("UPDATE session SET time_created = 'x' WHERE id = 'ses_other'")
    assert verdicts(eyes)["fine"] is Reason.UNPROVEN
    assert {found.session_id: found.exists for found in eyes.scanner.candidates("fine", ())} == {
        "ses_fine": True,
        "ses_other": None,
    }


def test_an_odd_sub_agent_spoils_nothing(world: World, eyes: Eyes) -> None:
    with writing(world.opencode) as connection:
        add_session(connection, "ses_agent", world.code / "proj", parent="ses_fine")
        connection.execute("UPDATE session SET time_updated = 'x' WHERE id = 'ses_agent'")
    assert verdicts(eyes)["fine"] is Reason.UNPROVEN


def test_the_sentinel_says_what_it_can_of_a_switch_from_an_odd_session(world: World, eyes: Eyes) -> None:
    watcher = SwitchDetector(eyes.store, eyes.database, lambda: NOON)
    assert watcher.detect(eyes.look()) == ()
    spoil(world, "session", "time_created", "'x'")
    with writing(world.state) as connection:
        cursor = json.dumps({"schemaVersion": 1, "sessionId": "ses_new"})
        connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = ? WHERE thread_id = 'odd'", (cursor,))
    with writing(world.opencode) as connection:
        add_session(connection, "ses_new", world.code / "proj")
    (alarm,) = watcher.detect(eyes.look())
    assert (alarm.before.session_id, alarm.now.session_id) == ("ses_odd", "ses_new")


def test_a_bad_message_hides_no_other_of_its_session(world: World) -> None:
    with writing(world.opencode) as connection:
        connection.execute("UPDATE message SET data = '{' WHERE id = 'msg_odd_00001'")
    with contextlib.closing(DatabaseReader(world.opencode)) as reader:
        newest = reader.newest("ses_odd")
        assert newest and newest.id == "msg_odd_00003"
        assert reader.count("ses_odd") == 4 and reader.holding("ses_odd").messages == 4
        assert reader.last_turns("ses_odd", 5) == []
        with pytest.raises(Unsupported):
            reader.message("ses_odd", "msg_odd_00001")


def test_a_recorded_tail_that_turned_odd_is_unknown(world: World, eyes: Eyes) -> None:
    own = Cursor("ses_odd", str(world.code / "proj"), last_message_id="msg_odd_00001", first_message_id="msg_odd_00000")
    picture = eyes.look()
    eyes.store.add_thread(
        next(found.thread for found in picture.assessments if found.thread.id == "odd"),
        Entry("odd", Event.CONFIRMED, Actor.USER, "bound", NOON, "ses_odd", cursor=own),
    )
    with writing(world.opencode) as connection:
        connection.execute("UPDATE message SET data = '{' WHERE id = 'msg_odd_00001'")
    (found,) = (found for found in eyes.look().assessments if found.thread.id == "odd")
    assert found.verdict.kind is Kind.UNKNOWN


def test_sqlite_is_as_lenient_as_these_tests_need_it(world: World) -> None:
    spoil(world, "session", "directory", "NULL")
    with contextlib.closing(sqlite3.connect(world.opencode)) as connection:
        assert connection.execute("SELECT typeof(directory) FROM session WHERE id = 'ses_odd'").fetchone() == ("null",)
