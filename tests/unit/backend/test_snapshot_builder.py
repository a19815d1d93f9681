"""The rows of a snapshot: archived threads are distinguished, and come after the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source, Thread
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from t3tray.threads.snapshot import ThreadRow
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, writing

STOPPED = ServerStatus(ServerState.STOPPED)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = empty_world(tmp_path)
    with writing(made.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for name in ("ses_live", "ses_away"):
            add_session(connection, name, made.code / "proj")
    with writing(made.state) as connection:
        add_thread(connection, "live", "ses_live")
        add_thread(connection, "away", "ses_away")
        connection.execute("UPDATE projection_threads SET archived_at = ? WHERE thread_id = 'away'", (stamp(NOON),))
    return made


def rows(world: World, *, archived: bool) -> tuple[ThreadRow, ...]:
    store = open_store(world.home.parent / "data", lambda: NOON)
    try:
        surroundings = Surroundings(lambda: NOON, lambda: False)
        picture = Scanner(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))]).scan()
        return build_snapshot(picture, STOPPED, (), (), ReaperClock(), NOON, archived).rows
    finally:
        store.close()


def test_what_is_archived_comes_last_and_only_where_it_is_wanted(world: World) -> None:
    assert [row.thread.id for row in rows(world, archived=False)] == ["live"]
    shown = rows(world, archived=True)
    assert [(row.thread.id, row.is_archived) for row in shown] == [("live", False), ("away", True)]


def test_a_thread_of_ours_on_a_session_that_t3_code_has_archived_is_not_hidden_by_it(world: World) -> None:
    store = open_store(world.home.parent / "data", lambda: NOON)
    ours = Thread("ours", "Ours", str(world.code / "proj"), Source.T3TRAY, NOON, NOON)
    cursor = Cursor("ses_away", ours.directory)
    store.add_thread(ours, Entry("ours", Event.CONFIRMED, Actor.USER, "adopted", NOON, "ses_away", cursor=cursor))
    store.close()
    assert {row.thread.id for row in rows(world, archived=True)} == {"live", "ours", "away"}
    assert {row.thread.id for row in rows(world, archived=False)} == {"live", "ours"}
