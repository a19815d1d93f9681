"""Idle time is counted by a steady clock: setting the machine's clock neither ends the server nor keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from t3tray.domain.reaper import Blocker
from t3tray.errors import ServerError
from t3tray.opencode.connection import Connection
from t3tray.threads.idle_shutdown import IdleServer, IdleShutdown
from t3tray.threads.scan import Scan

HALF_AN_HOUR = timedelta(minutes=30)
NOBODY: Any = None


class Machine:
    """A machine's two clocks."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.steady = 1_000.0

    def pass_time(self, span: timedelta) -> None:
        self.wall += span
        self.steady += span.total_seconds()


class Used:
    """A server with one session that another program used without an event; `asked`: the folders of its requests."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.began = machine.wall
        self.touched_ms = machine.wall.timestamp() * 1000 + 60_000
        self.asked: frozenset[str] = frozenset()

    @property
    def started_at(self) -> datetime:
        """Return the start as psutil counts it, from the time of the boot, which moves when the clock is set."""
        return self.began

    async def sessions(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(facts=SimpleNamespace(directory="/work", updated_ms=self.touched_ms))]

    async def busy_sessions(self, directories: frozenset[str]) -> frozenset[str]:
        self.asked = directories
        return frozenset({"ses_1"} if "/work" in directories else ())

    async def permissions(self, directory: str) -> tuple[str, ...]:
        return ()

    questions = permissions


class Silent:
    """A server that cannot say whether anything is open in it: it is only asked once the idle time is over."""

    started_at = None

    async def sessions(self) -> None:
        raise ServerError("It says nothing.")


async def looked(resting: IdleShutdown) -> Blocker | None:
    return (await resting.check(cast(Connection, Silent()), cast(Scan, NOBODY))).why


@pytest.mark.parametrize("hours", [1, -1, 24 * 365])
async def test_a_clock_that_is_set_is_no_idle_time(hours: int) -> None:
    machine = Machine()
    resting = IdleShutdown(cast(IdleServer, Silent()), HALF_AN_HOUR, lambda: machine.wall, lambda: machine.steady)
    machine.pass_time(timedelta(minutes=10))
    machine.wall += timedelta(hours=hours)
    assert await looked(resting) is Blocker.RECENT
    assert resting.reap_at == machine.wall + timedelta(minutes=20), "said by the clock as it is now"
    machine.pass_time(timedelta(minutes=20))
    assert await looked(resting) is Blocker.UNTOLD, "its time has come all the same"
    resting.note()
    assert await looked(resting) is Blocker.RECENT


@pytest.mark.parametrize("hours", [1, -1])
async def test_what_was_used_before_the_clock_was_set_is_asked_about(hours: int) -> None:
    machine = Machine()
    server = Used(machine)
    resting = IdleShutdown(cast(IdleServer, server), HALF_AN_HOUR, lambda: machine.wall, lambda: machine.steady)
    picture = cast(Scan, SimpleNamespace(assessments=()))
    assert (await resting.check(cast(Connection, server), picture)).why is Blocker.RECENT
    machine.wall += timedelta(hours=hours)
    server.began += timedelta(hours=hours)
    machine.pass_time(HALF_AN_HOUR)
    assert (await resting.check(cast(Connection, server), picture)).why is Blocker.TURN
    assert server.asked == {"/work"}
