"""The guard in the tray app beside real programs: a command that switches it, a frozen guard of ours, the threads of a scan."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.cursor import Cursor
from t3tray.domain.guard import GuardAction, GuardAnswer, GuardDecision, ReadRequest, Refusal
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.t3code_side import GuardSide
from t3tray.guard.host import GuardHost
from t3tray.guard.runner import GuardRunner
from t3tray.guard.t3_settings import Protection
from t3tray.threads.snapshot import Snapshot
from tests.support.program import Program
from tests.support.running_guard import (
    LIMIT,
    another,
    another_host,
    backend,
    eventually,
    host,
    owners,
    runner,
    service,
    settings,
    state,
    world,
)
from tests.support.t3_world import World, add_thread, writing

__all__ = ["backend", "host", "owners", "runner", "service", "world"]


async def test_the_threads_that_are_bound_in_a_protected_home_are_guarded(
    backend: Backend, runner: GuardRunner, world: World
) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        add_thread(connection, "t2", "ses_2")
        add_thread(connection, "t3", None, provider="codex")
    await backend.import_t3_thread("t1")
    cursor = Cursor("ses_1", str(world.code))
    if not await backend.guard_host.bound_threads():
        backend.store.journal.append(Entry("t1", Event.CONFIRMED, Actor.IMPORT, "", utc_now(), "ses_1", cursor=cursor))

    async def guarded() -> frozenset[str]:
        await runner.check()
        return (await runner.seen(await backend.scanning.scan()))[1]

    assert await guarded() == frozenset()
    await runner.protect(True, False)
    assert await guarded() == {"t1"}
    await runner.protect(False, False)
    assert await guarded() == frozenset()


async def test_the_command_line_switches_the_guard_of_a_running_tray_app(world: World) -> None:
    backend, told = await Backend.open(None, "tray"), asyncio.Queue[Snapshot]()
    running = asyncio.create_task(backend.run(told.put_nowait))

    async def until(phase: GuardPhase) -> None:
        async with asyncio.timeout(LIMIT):
            while (snapshot := await told.get()).guard.phase is not phase:
                pass
        assert snapshot.warnings == ((snapshot.guard.sentence,) if phase is GuardPhase.CHANGED else ())

    try:
        await until(GuardPhase.OFF)
        async with another() as command, another_host() as other:
            (view,) = await command.protect(False)
            assert view.state is Protection.GUARDED and not command.listens
            await until(GuardPhase.ON)
            file = world.home / "userdata" / "settings.json"
            written = file.read_text()
            file.write_text('{"providers": {"opencode": {"serverUrl": ""}}}')
            await until(GuardPhase.CHANGED)
            file.write_text(written)
            await until(GuardPhase.ON)
            refused = GuardDecision(GuardAction.REFUSE, (), "t1", refusal=Refusal.SESSION_GONE)
            other.store.guard_answers.add(GuardAnswer(utc_now(), ReadRequest("ses_1"), refused))
            async with asyncio.timeout(LIMIT):
                while not (snapshot := await told.get()).refusals:
                    pass
            assert snapshot.refusals[0].decision.thread_id == "t1"
            await backend.acknowledge("t1", Acknowledged.REFUSAL)
            async with asyncio.timeout(LIMIT):
                while (await told.get()).refusals:
                    pass
            await command.unprotect(False)
            await until(GuardPhase.OFF)

            async def ended() -> bool:
                return not (await command.status()).answers

            await eventually(ended)
        assert settings(world) == {}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await backend.close()


async def test_a_frozen_guard_of_ours_keeps_its_port_its_password_and_t3_codes_settings(
    runner: GuardRunner, host: GuardHost, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(os.environ)
    program = Program(host.data_directory, environment)
    with program.started("guard", "run") as running:
        assert running.stdout
        assert await asyncio.to_thread(running.stdout.readline)
        await runner.protect(True, False)
        key, before = await host.guard_credentials.get(), settings(world)
        running.send_signal(signal.SIGSTOP)
        try:
            with monkeypatch.context() as quick:
                quick.setattr("t3tray.guard.proof.PROBE_LIMIT", 0.2)
                found = await state(runner)
            assert found == GuardState(GuardPhase.ALONE, "The guard of another t3tray is not responding.")
            assert await host.guard_credentials.get() == key and settings(world) == before
            assert runner.sides.of(world.home) is GuardSide.UNPROVED, "what T3 Code gets there cannot be told"
        finally:
            running.send_signal(signal.SIGCONT)
        await eventually(lambda: answers(runner))
        assert await host.guard_credentials.get() == key and settings(world) == before


async def answers(runner: GuardRunner) -> bool:
    return (await runner.status()).answers
