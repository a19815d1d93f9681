"""The guard in the tray app: it listens while it is wanted, whichever process wants it, and reports why if it cannot."""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.demo.t3_database import stamp
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.t3code_side import GuardSide, LetGo
from t3tray.errors import Refused
from t3tray.guard.credentials import GuardCredentials
from t3tray.guard.host import GuardHost
from t3tray.guard.runner import GuardRunner
from t3tray.guard.service import GuardService
from t3tray.guard.t3_settings import Protection
from t3tray.system.environment import SERVER_USER
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
from t3tray.system.paths import log_directory
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
from tests.support.t3_world import World, add_thread, add_v2, empty_world, make_v2, writing

__all__ = ["backend", "host", "owners", "runner", "service", "world"]


async def test_who_never_used_the_guard_has_no_port_and_no_password(runner: GuardRunner, host: GuardHost) -> None:
    assert (await state(runner)).phase is GuardPhase.OFF
    assert await host.guard_credentials.known() is None


async def test_on_and_off_by_the_desk(runner: GuardRunner, host: GuardHost, service: GuardService, world: World) -> None:
    assert (await state(runner)).phase is GuardPhase.OFF
    plan = await service.plan(True)
    assert plan.running == () and str(world.home) in plan.before[0] and any("browser tools" in line for line in plan.lost)
    status = await runner.protect(True, False)
    assert status.answers and [view.state for view in status.homes] == [Protection.GUARDED]
    assert await state(runner) == GuardState(GuardPhase.ON)
    assert settings(world)["providers"]["opencode"]["serverUrl"] == status.url
    status = await runner.protect(False, False)
    assert settings(world) == {} and not status.answers and (await state(runner)).phase is GuardPhase.OFF
    # T3 Code lets go of what it holds open at both, which nothing shows.
    first = (await state_of_letting_go(host))[str(world.home)]
    assert not first.is_sure
    await runner.protect(True, False)
    assert (await state_of_letting_go(host))[str(world.home)].at > first.at


async def state_of_letting_go(host: GuardHost) -> dict[str, LetGo]:
    return await host.run_sql(host.store.let_go.homes)


async def test_what_speaks_against_it_leaves_everything_as_it_was(
    runner: GuardRunner, host: GuardHost, service: GuardService, world: World
) -> None:
    runtime = {"version": 1, "pid": os.getpid(), "origin": "http://127.0.0.1:1", "startedAt": stamp(datetime.now(UTC))}
    (world.home / "userdata" / "server-runtime.json").write_text(json.dumps(runtime))
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", title="Long work", session_status="running")
    assert (await service.plan(True)).running == ("Long work",)
    with pytest.raises(Refused, match="Long work"):
        await runner.protect(True, False)
    assert settings(world) == {} and not await host.wants_guard()
    assert (await state(runner)).phase is GuardPhase.OFF and not service.listens
    assert (await runner.protect(True, True)).answers


@pytest.mark.parametrize("unfit", ["v2", "damaged"])
async def test_a_t3_code_of_a_form_that_cannot_be_read_is_not_protected_and_told_when_it_becomes_so(
    runner: GuardRunner, host: GuardHost, service: GuardService, world: World, unfit: str
) -> None:
    await runner.protect(True, False)
    if unfit == "damaged":
        world.state.write_bytes(b"no database" * 1000)
    else:
        # As the guard would have left it that refuses what this T3 Code asks: a turn that starts for ever.
        runs = {"version": 1, "pid": os.getpid(), "origin": "http://127.0.0.1:1", "startedAt": stamp(datetime.now(UTC))}
        (world.home / "userdata" / "server-runtime.json").write_text(json.dumps(runs))
        with writing(world.state) as connection:
            add_thread(connection, "hung", None, session_status="starting")
        add_v2(make_v2(world), "imported")
    found = await state(runner)
    assert found.phase is GuardPhase.UNFIT and "Stop protecting T3 Code" in found.sentence
    assert ("upgraded" in found.sentence) == (unfit == "v2")
    assert runner.sides.of(world.home) is GuardSide.OFF, "nobody is promised what the guard cannot keep"
    await runner.protect(False, False)
    with pytest.raises(Refused, match="format that the guard cannot read"):
        await service.plan(True)
    with pytest.raises(Refused, match="format that the guard cannot read"):
        await runner.protect(True, False)
    assert settings(world) == {} and not await host.wants_guard()


async def test_of_two_homes_none_is_changed_when_one_cannot_be(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = empty_world(tmp_path / "second")
    (second.home / "userdata" / "settings.json").write_text("{nonsense")
    async with another_host() as before:
        await before.preferences.change("t3_homes", (str(second.home),))
    async with another() as service, another_host() as other:
        await service.start()
        with pytest.raises(Refused):
            await service.protect(False)
        assert settings(world) == {} and not await other.wants_guard()
        (second.home / "userdata" / "settings.json").write_text("{}")
        views = await service.protect(False)
        assert {view.state for view in views} == {Protection.GUARDED} and len(views) == 2
        await service.unprotect(False)
    assert settings(world) == {} and settings(second) == {}


async def test_what_is_under_way_at_the_end_is_waited_for_and_then_the_guard_ends_by_itself(
    runner: GuardRunner, host: GuardHost, service: GuardService, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.runner.RETRY", 0.05)
    await runner.protect(True, False)
    key = await host.guard_credentials.get()
    reader, writer = await asyncio.open_connection("127.0.0.1", key.port)
    writer.writelines(line.encode() + b"\r\n" for line in _half_a_request(key))
    looking = asyncio.create_task(runner.run())
    try:
        await eventually(lambda: true(service.under_way == 1))
        await runner.protect(False, False)
        assert service.listens
        writer.close()
        await eventually(lambda: true(not service.listens))
        assert (await state(runner)).phase is GuardPhase.OFF
    finally:
        looking.cancel()
        writer.close()
        assert await reader.read() == b""


def _half_a_request(key: GuardCredentials) -> tuple[str, ...]:
    """One whose body never comes."""
    who = b64encode(f"{SERVER_USER}:{key.password}".encode()).decode()
    return "POST /session HTTP/1.1", f"Host: 127.0.0.1:{key.port}", f"Authorization: Basic {who}", "Content-Length: 9", ""


async def true(value: bool) -> bool:
    return value


async def test_settings_that_were_changed_elsewhere_are_told_and_followed(runner: GuardRunner, world: World) -> None:
    await runner.protect(True, False)
    file = world.home / "userdata" / "settings.json"
    before = file.read_text()
    file.write_text(json.dumps({"providers": {"opencode": {"serverUrl": "http://127.0.0.1:1"}}}))
    found = await state(runner)
    assert found.phase is GuardPhase.CHANGED and "changed elsewhere" in found.sentence
    file.write_text(before)
    assert await state(runner) == GuardState(GuardPhase.ON)


async def test_nobody_listens_so_nothing_is_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t3tray.guard.service.TRAY_LIMIT", 0.2)
    async with another() as command, another_host() as other:
        with pytest.raises(Refused, match="The guard is not running"):
            await command.protect(False)
        assert not await other.wants_guard()
    assert settings(world) == {}


async def test_a_tray_app_that_runs_but_is_slow_is_waited_for(
    runner: GuardRunner, host: GuardHost, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.service.TRAY_LIMIT", -1.0)
    tray = InstanceLock(host.data_directory)
    assert tray.take(InstanceHolder.this_process(has_window=False))
    async with another() as command:
        waiting = asyncio.create_task(command.protect(False))
        await eventually(host.wants_guard)
        await runner.check()
        (view,) = await waiting
        assert view.state is Protection.GUARDED
        await command.unprotect(False)
    tray.release()


async def test_a_tray_app_that_runs_without_its_guard_is_named(
    host: GuardHost, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.service.BUSY_TRAY_LIMIT", 0.2)
    tray = InstanceLock(host.data_directory)
    assert tray.take(InstanceHolder.this_process(has_window=True))
    async with another() as command:
        with pytest.raises(Refused, match=rf"t3tray runs \(process {os.getpid()}\), but its guard does not answer") as refused:
            await command.protect(False)
    assert refused.value.hint and str(log_directory(host.data_directory)) in refused.value.hint
    tray.release()


async def test_a_tray_app_that_has_ended_is_not_waited_for(
    host: GuardHost, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.service.TRAY_LIMIT", 0.2)
    # Long enough to be cut off by the test's own limit.
    monkeypatch.setattr("t3tray.guard.service.BUSY_TRAY_LIMIT", 1000.0)
    ended = {"pid": os.getpid(), "has_window": True, "address": "", "start": "its pid is this process's by now"}
    InstanceLock(host.data_directory).path.write_text(json.dumps(ended))
    async with another() as command, asyncio.timeout(LIMIT):
        with pytest.raises(Refused, match="The guard is not running"):
            await command.protect(False)


async def test_a_mistake_of_ours_is_told_and_tried_again(
    runner: GuardRunner, service: GuardService, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await runner.protect(True, False)
    monkeypatch.setattr("t3tray.guard.runner.RETRY", 0.01)
    asked, calls, again = GuardHost.wants_guard, 0, asyncio.Event()

    async def broken_once(host: GuardHost) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError("oops")
        again.set()
        return await asked(host)

    monkeypatch.setattr(GuardHost, "wants_guard", broken_once)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(LIMIT):
        await again.wait()
    assert await state(runner) == GuardState(GuardPhase.ON)
    assert not running.done() and service.listens
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
