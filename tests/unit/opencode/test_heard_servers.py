"""A server whose events arrive is not asked for its health as well; one that has become silent is."""

from __future__ import annotations

import asyncio
import math
import random
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import ServerDown
from t3tray.server import supervisor, supervisor_events
from t3tray.server import supervisor_runner as executing
from t3tray.server.handles import ExternalServer
from t3tray.server.lease import ServerLease
from t3tray.server.log import ServerLog
from t3tray.server.supervisor import Supervisor
from t3tray.server.supervisor_runner import SupervisorRunner

LIMIT = 90.0


class Life:
    """A server that is not ours, whose health is due every 10 ms; `asked` counts the requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(supervisor, "PROBE_EVERY", 0.01)
        monkeypatch.setattr(executing, "ask_health", self._answer)
        self.asked = 0
        self.is_down = False
        external = ExternalServer("http://127.0.0.1:1", None)
        self.running = SupervisorRunner(
            Supervisor(random.Random(), external=True),
            cast(ServerLease, SimpleNamespace(handle=None)),
            cast(ServerLog, None),
            lambda: pytest.fail("nothing is started"),
            external,
            lambda: datetime.now(UTC),
        )

    async def _answer(self, *_words: object, **_named: object) -> str:
        self.asked += 1
        if self.is_down:
            raise ServerDown("It is gone.")
        return "1.18.33"

    async def until_asked(self, count: int) -> None:
        assert await self.running.wait(lambda: self.asked >= count, LIMIT)

    async def rounds(self, count: int) -> None:
        """Wait until its health was due that many times."""
        for _ in range(2 * count):
            await asyncio.wait_for(self.running.next_change(), LIMIT)


async def test_it_is_asked_only_while_it_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch)
    life.running.feed(supervisor_events.Need())
    await life.until_asked(3)
    life.running.last_event_at = time.monotonic
    await life.rounds(1)
    before = life.asked
    await life.rounds(5)
    assert life.asked == before and life.running.status.state is ServerState.EXTERNAL
    life.is_down = True
    life.running.last_event_at = lambda: -math.inf
    await life.until_asked(before + 1)
    assert await life.running.wait(lambda: life.running.status.reason != "", LIMIT)
    life.running.last_event_at = time.monotonic
    await life.until_asked(before + 4)
    assert life.running.status.reason == "It is gone.", "what was found is not talked away by what is heard"
    life.is_down = False
    await life.running.wait(lambda: not life.running.status.reason, LIMIT)
    await life.running.close()


def test_memory_alone_is_no_news() -> None:
    seen = ServerStatus(ServerState.READY, memory=100)
    assert not executing.is_visible_change(seen, ServerStatus(ServerState.READY, memory=200))
    assert executing.is_visible_change(ServerStatus(ServerState.READY), seen)
