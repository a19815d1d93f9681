"""The rows from one scan to the next: an unchanged row is the same object, and is not compared."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from t3tray.alerts.notification_sources import notification_facts
from t3tray.alerts.unread import Unread
from t3tray.backend.snapshot_builder import AppExtras, build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.threads.snapshot_rows import RowBuilder
from t3tray.threads.t3code_sides import T3Sides
from t3tray.ui.threads.thread_list_data import brief_of, thread_list_data
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, hold_open, writing

STOPPED = ServerStatus(ServerState.STOPPED)
NAMES = ("t1", "t2", "t3", "t4")


@dataclass
class Eyes:
    """Scans a world repeatedly, as the tray app does."""

    world: World
    scanner: Scanner
    unread: Unread
    rows: RowBuilder
    sides: T3Sides

    def look(
        self, server: ServerStatus = STOPPED, alarms: tuple[Alarm, ...] = (), now: datetime = NOON, fresh: bool = False
    ) -> Snapshot:
        picture = self.scanner.scan()
        rows = RowBuilder() if fresh else self.rows
        facts = (picture, server, alarms, (), ReaperClock(), now, True, self.sides.of(picture, now), frozenset[str](), rows)
        return build_snapshot(*facts, app=AppExtras(unread=self.unread.update))

    def change(self, name: str, column: str, value: str, at: datetime = NOON + timedelta(minutes=1)) -> None:
        with writing(self.world.state) as connection:
            change = f"UPDATE projection_threads SET {column} = ?, updated_at = ? WHERE thread_id = ?"
            connection.execute(change, (value, stamp(at), name))


@pytest.fixture
def eyes(tmp_path: Path) -> Iterator[Eyes]:
    world = empty_world(tmp_path)
    with writing(world.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        # A session as new as the newest is read again, and its thread is assessed again.
        add_session(connection, "ses_newest", world.code / "proj", at=NOON)
        for number, name in enumerate(NAMES):
            add_session(connection, f"ses_{name}", world.code / "proj", at=NOON - timedelta(hours=number + 1))
    with writing(world.state) as connection:
        for number, name in enumerate(NAMES):
            add_thread(connection, name, f"ses_{name}", at=NOON - timedelta(minutes=number))
        add_thread(connection, "other", "", provider="codex", at=NOON - timedelta(hours=1))
    store = open_store(world.home.parent / "data", lambda: NOON)
    try:
        surroundings = Surroundings(lambda: NOON, lambda: False)
        scanner = Scanner(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))])
        yield Eyes(world, scanner, Unread(store.visits), RowBuilder(), T3Sides())
    finally:
        store.close()


def ids(snapshot: Snapshot) -> list[str]:
    return [row.thread.id for row in snapshot.rows]


def test_a_row_whose_thread_has_not_changed_is_the_same_object(eyes: Eyes) -> None:
    before = eyes.look()
    assert ids(before) == list(NAMES) and [thread.id for thread in before.foreign] == ["other"]
    assert eyes.look().rows is before.rows, "nothing has changed at all"
    eyes.change("t3", "title", "Another")
    now = eyes.look()
    assert [name for name in NAMES if now.by_id[name] is not before.by_id[name]] == ["t3"]
    assert now.by_id["t3"].thread.title == "Another" and ids(now)[0] == "t3", "the newest stands first"
    assert now == eyes.look(fresh=True), "what is taken over is what would be made anew"
    assert now.foreign_reapers["other"] is before.foreign_reapers["other"]


def test_of_what_has_not_changed_nothing_is_compared(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the list, the icon's menu, the notifications, the unread threads, nor the check for changes."""
    compared: list[str] = []
    same = ThreadRow.__eq__

    def noted(row: ThreadRow, other: object) -> bool:
        compared.append(row.thread.id)
        return same(row, other)

    before = eyes.look()
    listing = thread_list_data(before)
    eyes.change("t3", "title", "Another")
    monkeypatch.setattr(ThreadRow, "__eq__", noted)
    now = eyes.look()
    assert now != before
    told = thread_list_data(now, listing)
    assert brief_of(told, 10).rows == now.rows
    notification_facts(now, frozenset(), None, NOON, NOON)
    assert set(compared) == {"t3"}
    assert [name for name in NAMES if told.items[name] is not listing.items[name]] == ["t3"]


def test_what_all_rows_depend_on_makes_only_those_anew_that_it_makes_others(eyes: Eyes) -> None:
    before = eyes.look()
    ready = eyes.look(ServerStatus(ServerState.READY, version="1.18.33"))
    assert all(ready.by_id[name] is before.by_id[name] for name in NAMES if ready.by_id[name] == before.by_id[name])
    assert ready == eyes.look(ServerStatus(ServerState.READY, version="1.18.33"), fresh=True)


def test_an_alarm_moves_its_row_and_makes_no_other_object_of_it(eyes: Eyes) -> None:
    before = eyes.look()
    alarm = Alarm("t4", AlarmKind.SWITCHED, Cause.UNKNOWN, SessionContents("ses_t4"), SessionContents("ses_x"), NOON, NOON)
    now = eyes.look(alarms=(alarm,))
    assert ids(now) == ["t4", "t1", "t2", "t3"]
    assert all(now.by_id[name] is before.by_id[name] for name in NAMES)
    assert eyes.look().rows == before.rows and ids(eyes.look()) == list(NAMES)


def test_a_row_that_changes_by_the_time_alone_is_another_one_when_it_has(eyes: Eyes) -> None:
    hold_open(eyes.world.state)
    runtime = {"pid": os.getpid(), "startedAt": stamp(NOON - timedelta(minutes=1))}
    eyes.world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(runtime))
    before = eyes.look()
    assert before.by_id["t1"].reaper.reap_at == NOON + timedelta(minutes=34)
    assert eyes.look(now=NOON + timedelta(minutes=2)).rows is before.rows
    later = eyes.look(now=NOON + timedelta(minutes=37))
    assert later.by_id["t1"].reaper.reap_at == NOON + timedelta(minutes=39), "the sweep that has not come yet"
    assert later.by_id["t1"] is not before.by_id["t1"]


def test_a_thread_that_is_gone_has_no_row_and_one_that_comes_has_one(eyes: Eyes) -> None:
    eyes.look()
    eyes.change("t2", "deleted_at", stamp(NOON))
    assert ids(eyes.look()) == ["t1", "t3", "t4"]
    with writing(eyes.world.state) as connection:
        add_thread(connection, "t9", "ses_gone", at=NOON - timedelta(hours=9))
    now = eyes.look()
    assert now == eyes.look(fresh=True) and now.by_id["t9"].verdict.kind is Kind.BLOCKED and ids(now)[0] == "t9"
