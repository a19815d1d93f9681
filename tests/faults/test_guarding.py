"""The guard killed at any step of creating a session: none is lost, and no thread gets two."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from t3tray.domain.guard import T3ThreadState
from tests.support.fake_server import FakeServer, Killed, KillSwitch
from tests.support.guard_life import GuardLife, Lives, make

KILL_POINTS = 20


@pytest.fixture
def switch() -> KillSwitch:
    return KillSwitch()


@pytest.fixture
def server(switch: KillSwitch) -> FakeServer:
    return FakeServer(switch)


@pytest.fixture
def begin(tmp_path: Path, server: FakeServer, switch: KillSwitch) -> Iterator[Callable[[], GuardLife]]:
    """Starts a new run on the same data at each call."""
    lives = Lives(tmp_path / "data", server, switch)
    yield lives.begin
    lives.end()


@pytest.fixture
def thread(tmp_path: Path) -> T3ThreadState:
    (tmp_path / "work").mkdir()
    return T3ThreadState("t1", "Report", str(tmp_path / "work"), starting=True, pending=True)


@pytest.mark.parametrize("kill_at", range(KILL_POINTS))
@pytest.mark.parametrize("bound_before", [False, True])
async def test_killed_at_any_step_nothing_is_lost_and_nothing_is_bound_twice(
    begin: Callable[[], GuardLife],
    server: FakeServer,
    switch: KillSwitch,
    thread: T3ThreadState,
    kill_at: int,
    bound_before: bool,
) -> None:
    life = begin()
    before = {await make(life, server, thread)} if bound_before else set()
    switch.left = kill_at
    with contextlib.suppress(Killed):
        await make(life, server, thread)
    switch.left = None
    life = begin()
    await life.recovery.settle_all(server)
    live = life.store.journal.cursors()
    assert set(live) <= {"t1"} and not life.store.journal.pending()
    named = {session for _, session in life.events("t1") if session} if server.sessions_held else set()
    assert named == set(server.sessions_held), "every session that was made is named by the journal"
    if server.sessions_held:
        assert live["t1"].session_id in server.sessions_held
    assert before <= named
