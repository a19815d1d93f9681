"""What the guard leaves open is settled while `t3tray guard run` lives: no other process may, as long as it does."""

from __future__ import annotations

import asyncio
import io
from argparse import Namespace
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.backend.settlement import Settlement
from t3tray.cli.commands.guard import guard
from t3tray.cli.context import Command
from t3tray.errors import ExitCode, StoreError
from t3tray.guard import guard as guard_module
from t3tray.guard.facts import GuardFacts
from t3tray.opencode.connection import Connection
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord
from tests.support.guard_scenes import CEILING, TELL, project, world
from tests.support.played_t3 import PlayedT3, TurnRefused
from tests.support.stub_model import StubModel
from tests.support.t3_world import World

__all__ = ["project", "world"]


async def end(running: asyncio.Task[ExitCode]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_session_that_could_not_be_confirmed_is_bound_while_the_guard_runs(
    world: World, project: Path, model: StubModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "Guard", partial(guard_module.Guard, limit=CEILING))
    confirm, failed = GuardFacts.confirm, asyncio.Event()

    async def fail_once(facts: GuardFacts, marker: Marker, why: str, since: int, session: SessionRecord) -> None:
        if not failed.is_set():
            failed.set()
            raise StoreError("The disk is full.")
        await confirm(facts, marker, why, since, session)

    monkeypatch.setattr(GuardFacts, "confirm", fail_once)
    settle, tries = Settlement.join_if_possible, list[Settlement]()

    async def break_once(settlement: Settlement) -> Connection | None:
        tries.append(settlement)
        if len(tries) == 1:
            raise ZeroDivisionError("oops")
        return await settle(settlement)

    monkeypatch.setattr(Settlement, "join_if_possible", break_once)
    backend, out, err = await Backend.open(str(tmp_path / "data"), "command"), io.StringIO(), io.StringIO()
    running = asyncio.create_task(guard(Command(Namespace(action="run", json=False), out, err, backend=backend)))
    async with AsyncExitStack() as at_end:
        at_end.push_async_callback(backend.close)
        at_end.push_async_callback(end, running)
        async with asyncio.timeout(CEILING):
            while not out.getvalue():
                await asyncio.sleep(0.01)
        key = await backend.guard_credentials.get()
        t3 = PlayedT3(world.state, key.url, key.password)
        # In a thread: it asks the guard, which lives in this event loop.
        at_end.push_async_callback(asyncio.to_thread, t3.quit)
        thread = t3.thread("Report", project)
        # Its message is refused, unless the session is bound before that arrives.
        with suppress(TurnRefused):
            await asyncio.to_thread(t3.turn, thread, TELL)
        assert failed.is_set()
        # T3 Code asks nothing more: only the guard's own process can settle it.
        async with asyncio.timeout(CEILING):
            while backend.store.journal.binding(thread).pending:
                await asyncio.sleep(0.01)
        assert not running.done() and err.getvalue().count("Settling what was left open stopped (a bug in t3tray") == 1
        bound = backend.store.journal.binding(thread).cursor
        assert bound and bound.session_id == await asyncio.to_thread(t3.turn, thread, TELL)
