"""A copied home of T3 Code: each thread is shown once, as in the live home, and the copy is reported."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.snapshot import Snapshot
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_log, add_session, add_thread, empty_world, hold_open, writing

LATER = NOON + timedelta(minutes=10)


class Two:
    """A world whose home was copied, and a scanner of both homes, the original first."""

    def __init__(self, scratch: Path) -> None:
        self.world = empty_world(scratch)
        with writing(self.world.state) as state, writing(self.world.opencode) as opencode:
            for name in ("t1", "t2"):
                add_thread(state, name, f"ses_{name}")
                add_session(opencode, f"ses_{name}", self.world.code / "proj")
        add_log(self.world, "t1", ("ses_t1", NOON))
        self.copy = World(scratch / "copied", self.world.opencode, self.world.code)
        shutil.copytree(self.world.home, self.copy.home)
        self.store = open_store(scratch / "data", lambda: NOON)
        readers = [T3Reader(T3Home(home)) for home in (self.world.home, self.copy.home)]
        surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
        self.scanner = Scanner(self.store, OpenCodeDatabase(self.world.opencode), surroundings, readers)

    def goes_on_in(self, world: World, session: str) -> None:
        """Use the thread t1 in this home, in another session."""
        with writing(world.opencode) as connection:
            add_session(connection, session, world.code / "proj")
        cursor = json.dumps({"schemaVersion": 1, "sessionId": session})
        with writing(world.state) as connection:
            connection.execute(
                "UPDATE provider_session_runtime SET resume_cursor_json = ?, last_seen_at = ? WHERE thread_id = 't1'",
                (cursor, stamp(LATER)),
            )
        add_log(world, "t1", (session, LATER))

    def shown(self) -> tuple[Scan, Snapshot, dict[str, str | None]]:
        picture = self.scanner.scan()
        snapshot = build_snapshot(picture, ServerStatus(ServerState.STOPPED), (), (), ReaperClock(), NOON)
        return picture, snapshot, {row.thread.id: row.session_id for row in snapshot.rows}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path)
    yield made
    made.store.close()


def run_in(world: World) -> None:
    hold_open(world.state)
    world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps({"pid": os.getpid(), "startedAt": stamp(NOON)}))


def test_the_home_that_was_written_last_wins(two: Two) -> None:
    two.goes_on_in(two.copy, "ses_new")
    picture, snapshot, sessions = two.shown()
    assert sessions == {"t1": "ses_new", "t2": "ses_t2"}
    (said,) = snapshot.warnings
    assert said.startswith("2 threads are in two homes of T3 Code") and f"as in {two.copy.home}, because it was written" in said
    assert two.scanner.home_of("t1") == T3Home(two.copy.home)
    assert [source.threads for source in snapshot.sources] == [0, 0, 2]
    assert picture.duplicate_homes[0].live.base == two.copy.home


def test_the_home_on_which_t3_code_runs_wins_though_the_other_was_written_later(two: Two) -> None:
    two.goes_on_in(two.copy, "ses_new")
    run_in(two.world)
    _, snapshot, sessions = two.shown()
    assert sessions["t1"] == "ses_t1"
    assert snapshot.warnings[0].endswith(f"They are shown as in {two.world.home}, because T3 Code is running there.")


def test_only_the_live_homes_log_says_which_session_served_the_thread(two: Two) -> None:
    two.goes_on_in(two.world, "ses_new")
    picture, _, _ = two.shown()
    served = next(found.served for found in picture.assessments if found.thread.id == "t1")
    assert [one.session_id for one in served] == ["ses_t1", "ses_new"]


def test_where_neither_is_ahead_the_first_one_wins_and_it_is_said(two: Two) -> None:
    _, snapshot, sessions = two.shown()
    assert set(sessions) == {"t1", "t2"} and two.scanner.home_of("t2") == T3Home(two.world.home)
    assert "named first" in snapshot.warnings[0]


def test_threads_that_only_one_home_has_are_all_shown_and_nothing_is_said(tmp_path: Path) -> None:
    two = Two(tmp_path)
    with writing(two.copy.state) as connection:
        connection.execute("UPDATE projection_threads SET thread_id = thread_id || '-other'")
        connection.execute("UPDATE provider_session_runtime SET thread_id = thread_id || '-other'")
    _, snapshot, sessions = two.shown()
    assert set(sessions) == {"t1", "t2", "t1-other", "t2-other"} and snapshot.warnings == ()


def test_of_a_home_that_cannot_be_read_no_thread_is_gone(two: Two, tmp_path: Path) -> None:
    alone = empty_world(tmp_path / "alone")
    with writing(alone.state) as state, writing(two.world.opencode) as opencode:
        add_thread(state, "t9", "ses_t9")
        add_session(opencode, "ses_t9", alone.code / "proj")
    two.scanner.read_from([T3Reader(T3Home(home)) for home in (two.world.home, alone.home)])
    keeper = ProofRecorder(two.store, OpenCodeDatabase(two.world.opencode), lambda: NOON)
    keeper.record(two.scanner.scan())
    alone.state.write_bytes(b"no database" * 1000)
    shown = {found.thread.id: found.verdict.kind for found in two.scanner.scan().assessments}
    assert shown == {"t1": Kind.RESUMABLE, "t2": Kind.RESUMABLE, "t9": Kind.RESUMABLE}
    assert two.scanner.load_record("t9").cursor == two.store.journal.binding("t9").cursor
