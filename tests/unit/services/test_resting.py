"""Idle time is counted by a steady clock: setting the machine's clock neither ends the server nor keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from t3tray.core.domain.reaper import Hindrance
from t3tray.core.errors import ServerError
from t3tray.core.opencode.connection import Connection
from t3tray.core.services.resting import Rester, Resting
from t3tray.core.services.survey import Picture

HALF_AN_HOUR = timedelta(minutes=30)
NOBODY: Any = None


class Machine:
    """Its two clocks."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.steady = 1_000.0

    def pass_time(self, span: timedelta) -> None:
        self.wall += span
        self.steady += span.total_seconds()


class Silent:
    """A server that cannot say whether anything is open in it: it is only asked once the idle time is over."""

    started_at = None

    async def sessions(self) -> None:
        raise ServerError("It says nothing.")


async def looked(resting: Resting) -> Hindrance | None:
    return (await resting.look(cast(Connection, Silent()), cast(Picture, NOBODY))).why


@pytest.mark.parametrize("hours", [1, -1, 24 * 365])
async def test_a_clock_that_is_set_is_no_idle_time(hours: int) -> None:
    machine = Machine()
    resting = Resting(cast(Rester, Silent()), HALF_AN_HOUR, lambda: machine.wall, lambda: machine.steady)
    machine.pass_time(timedelta(minutes=10))
    machine.wall += timedelta(hours=hours)
    assert await looked(resting) is Hindrance.RECENT
    assert resting.reap_at == machine.wall + timedelta(minutes=20), "said by the clock as it is now"
    machine.pass_time(timedelta(minutes=20))
    assert await looked(resting) is Hindrance.UNTOLD, "its time has come all the same"
    resting.note()
    assert await looked(resting) is Hindrance.RECENT
