"""T3 Code's reaper on real rows: threads of other providers, and those of its second orchestrator."""

from __future__ import annotations

import json
import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.reaper import ReaperClock, ReaperPhase, ReaperState
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from t3tray.threads.snapshot import Snapshot
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_session, add_thread, add_v2, empty_world, hold_open, make_v2, writing

SOON = NOON + timedelta(minutes=7)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


def run_since(world: World, at: datetime) -> None:
    hold_open(world.state)
    runtime = {"pid": os.getpid(), "startedAt": stamp(at)}
    world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(runtime))


def look(world: World, archived: bool = False) -> Snapshot:
    surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
    stopped = ServerStatus(ServerState.STOPPED)
    with closing(open_store(world.home.parent / "data", lambda: NOON)) as store:
        scanner = Scanner(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))])
        return build_snapshot(scanner.scan(), stopped, (), (), ReaperClock(), SOON, archived)


def test_threads_of_other_providers_stand_under_the_same_reaper(world: World) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "idle", None, provider="codex")
        add_thread(connection, "works", None, provider="claudeAgent", session_status="running", active_turn="turn-1")
        add_thread(connection, "asks", None, provider="claudeAgent", approvals=1)
        add_thread(connection, "reaped", None, provider="codex", runtime="stopped", session_status="stopped")
        add_thread(connection, "ended", None, provider="codex", runtime="stopped", last_event="provider.stopAll")
    run_since(world, NOON - timedelta(minutes=1))
    shown = look(world)
    phases = {name: state.phase.value for name, state in shown.foreign_reapers.items()}
    assert phases == {"idle": "idle", "works": "active", "asks": "active", "reaped": "reaped", "ended": "stopped"}
    assert shown.foreign_reapers["idle"].reap_at == NOON + timedelta(minutes=34)
    world.home.joinpath("userdata", "server-runtime.json").unlink()
    assert look(world).foreign_reapers["idle"].phase is ReaperPhase.STOPPED


def test_archived_threads_of_other_providers_are_told_with_the_archived_only(world: World) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "put-away", None, provider="codex")
        connection.execute("UPDATE projection_threads SET archived_at = ?", (stamp(NOON),))
    assert look(world).foreign == ()
    assert [thread.id for thread in look(world, archived=True).foreign] == ["put-away"]


@pytest.mark.parametrize(
    ("status", "t3_runs", "state"),
    [
        ("idle", True, ReaperState(ReaperPhase.IDLE, NOON + timedelta(minutes=30), NOON)),
        ("active", True, ReaperState(ReaperPhase.IDLE, NOON + timedelta(minutes=30), NOON)),
        ("idle", False, ReaperState(ReaperPhase.STOPPED)),
        # The reason why it is not loaded is unknown: reaped, or never opened since the start.
        ("not_loaded", True, ReaperState(ReaperPhase.STOPPED)),
        ("closed", True, ReaperState(ReaperPhase.STOPPED)),
        ("error", True, ReaperState(ReaperPhase.STOPPED)),
    ],
)
@pytest.mark.parametrize("driver", ["opencode", "codex"])
def test_a_thread_of_the_second_orchestrator_is_ended_by_a_timer_of_its_own(
    world: World, status: str, t3_runs: bool, state: ReaperState, driver: str
) -> None:
    with writing(world.opencode) as connection:
        add_session(connection, "ses_1", world.code / "proj")
    path = make_v2(world)
    add_v2(path, "two", "ses_1")
    with writing(path) as connection:
        connection.execute("UPDATE orchestration_v2_projection_provider_threads SET status = ?, driver = ?", (status, driver))
        connection.execute("UPDATE orchestration_v2_projection_threads SET default_provider = ?", (driver,))
    if t3_runs:
        run_since(world, NOON - timedelta(minutes=1))
    shown = look(world)
    assert (shown.foreign_reapers["two"] if driver == "codex" else shown.rows[0].reaper) == state


def test_an_open_run_of_the_second_orchestrator_keeps_the_reaper_off(world: World) -> None:
    path = make_v2(world)
    add_v2(path, "two", "ses_1")
    with writing(path) as connection:
        connection.execute("INSERT INTO orchestration_v2_projection_runs VALUES ('r1', 'two', 1, 'waiting')")
    run_since(world, NOON)
    assert look(world).rows[0].reaper.phase is ReaperPhase.ACTIVE
