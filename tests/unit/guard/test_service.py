"""What the guard's service refuses, what it says of others on its port, and what passes it: without a program, on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from pathlib import Path

import pytest

from t3tray.domain.t3code_side import GuardSide
from t3tray.errors import Refused, StoreError
from t3tray.guard.guard import Guard
from t3tray.guard.host import GuardHost
from t3tray.guard.runner import GuardRunner
from t3tray.guard.service import GuardService, load_guard_sides
from t3tray.store.guard_place import GuardPlaces
from t3tray.system.environment import PASSWORD_VARIABLE, SERVER_URL_VARIABLE
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
from tests.support.raw_http import SERVER_PASSWORD, Arrived, basic, status_of, upstream
from tests.support.running_guard import another, another_host, backend, host, owners, runner, service, settings, state, world
from tests.support.t3_world import World

__all__ = ["backend", "host", "owners", "runner", "service", "world"]


@pytest.fixture
def another_guard(host: GuardHost) -> InstanceLock:
    """As the guard of another process holds it."""
    lock = InstanceLock(host.data_directory, "guard.lock")
    assert lock.take(InstanceHolder(1, has_window=False))
    return lock


async def test_beside_another_guard_no_password_is_made(
    host: GuardHost, service: GuardService, another_guard: InstanceLock
) -> None:
    with pytest.raises(Refused, match="its password cannot be found"):
        await service.start()
    assert await host.guard_credentials.port() == 0 and not service.listens
    another_guard.release()
    await service.start()
    assert service.listens
    await service.stop()


@pytest.mark.parametrize(
    ("greeting", "refusal"),
    [
        (b"", "The guard of another t3tray is not responding"),
        (b"220 mail.example ESMTP\r\n", "Another program listens"),
    ],
)
async def test_beside_another_guard_the_port_is_never_given_up(
    host: GuardHost,
    service: GuardService,
    another_guard: InstanceLock,
    greeting: bytes,
    refusal: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("t3tray.guard.proof.PROBE_LIMIT", 90.0 if greeting else 0.1)
    key = await host.guard_credentials.get()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        if not greeting:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", key.port):
        with pytest.raises(Refused, match=refusal):
            await service.start()
    assert await host.guard_credentials.get() == key and not service.listens
    another_guard.release()


async def test_a_port_on_which_nobody_listens_yet_is_not_given_up(host: GuardHost, service: GuardService) -> None:
    key = await host.guard_credentials.get()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", key.port))
        with pytest.raises(Refused):
            await service.start()
    assert await host.guard_credentials.get() == key


async def test_where_the_lock_cannot_be_taken_nothing_is_replaced(
    host: GuardHost, service: GuardService, caplog: pytest.LogCaptureFixture
) -> None:
    (host.data_directory / "guard.lock").mkdir()
    with caplog.at_level(logging.WARNING), pytest.raises(Refused, match="its password cannot be found"):
        await service.start()
    assert "Cannot check whether another guard is running" in caplog.text
    key = await host.guard_credentials.get()
    assert await service.start() == key.url, "with a known password it listens all the same"
    await service.stop()


async def test_a_guard_that_cannot_be_stopped_holds_neither_stores_nor_lock(
    host: GuardHost, service: GuardService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.start()
    stop = Guard.stop

    async def fail(guard: Guard) -> None:
        await stop(guard)
        raise OSError("the socket is gone")

    monkeypatch.setattr(Guard, "stop", fail)
    with pytest.raises(OSError, match="socket is gone"):
        await service.stop()
    lock = InstanceLock(host.data_directory, "guard.lock")
    assert lock.take(InstanceHolder(1, has_window=False))
    lock.release()


async def test_without_t3_code_there_is_nothing_to_protect(host: GuardHost, service: GuardService, tmp_path: Path) -> None:
    host.t3_homes = ()
    for on in (True, False):
        with pytest.raises(Refused, match="No T3 Code was found"):
            await service.plan(on)
    assert service.files == () and not await host.wants_guard()


async def test_a_plan_to_stop_says_what_stands_in_the_settings(runner: GuardRunner, service: GuardService, world: World) -> None:
    await runner.protect(True, False)
    plan = await service.plan(False)
    assert not plan.on and plan.before == ("T3 Code's OpenCode threads go through the guard.",) and plan.running == ()
    assert service.files == (world.home / "userdata" / "settings.json",)
    assert (await runner.status()).is_pointed_at, "nothing was changed"


async def test_settings_that_cannot_be_read_are_named_before_anything_is_changed(
    service: GuardService, host: GuardHost, world: World
) -> None:
    (world.home / "userdata" / "settings.json").write_text("{nonsense")
    with pytest.raises(Refused) as refused:
        await service.plan(True)
    assert refused.value.hint == f"Nothing was changed in {world.home}, nor elsewhere." and not await host.wants_guard()


async def test_every_process_knows_which_home_goes_through_the_guard_and_promises_nothing_unread(
    runner: GuardRunner, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await runner.protect(True, False)
    async with another_host() as other:
        await load_guard_sides(other)
        assert other.t3_sides.guard.of(world.home) is GuardSide.ON

        def unreadable(_: GuardPlaces) -> None:
            raise StoreError("The disk is gone.")

        async with another_host() as third:
            monkeypatch.setattr(GuardPlaces, "read", unreadable)
            await load_guard_sides(third)
            assert third.t3_sides.guard.of(world.home) is GuardSide.OFF and "The disk is gone." in caplog.text


async def test_a_store_that_cannot_be_read_is_told_and_the_last_state_stays(
    runner: GuardRunner, service: GuardService, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await runner.protect(True, False)

    def unreadable(_: GuardPlaces) -> None:
        raise StoreError("The disk is gone.")

    monkeypatch.setattr(GuardPlaces, "read", unreadable)
    found = await state(runner)
    assert found.sentence == "The disk is gone." and service.listens
    assert (await runner.status()).homes == before.homes


async def respond(arrived: Arrived) -> None:
    """As an OpenCode without sessions."""
    await arrived.read_body()
    path = arrived.line.split()[1]
    body = {b"/global/health": {"healthy": True, "version": "1.18.33"}, b"/api/session/ses_1": {"id": "ses_1"}}.get(path, [])
    content = json.dumps(body).encode()
    await arrived.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    )


async def test_a_t3_code_that_uses_the_newer_api_is_told_to_stop_protecting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upstream(respond) as server:
        monkeypatch.setenv(SERVER_URL_VARIABLE, server.url)
        monkeypatch.setenv(PASSWORD_VARIABLE, SERVER_PASSWORD)
        async with another() as service:
            await service.start()
            await service.protect(False)
            assert (await service.status()).unfit == ""
            opencode = settings(world)["providers"]["opencode"]
            port = int(opencode["serverUrl"].rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            who = b"Authorization: " + basic(opencode["serverPassword"])
            line = b"GET /api/session/ses_1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port
            writer.write(line + who + b"\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            assert status_of(answer) == 200 and answer.endswith(b'{"id": "ses_1"}')
            status = await service.status()
            assert status.unfit.startswith("T3 Code now uses OpenCode's newer API") and status.unfit_homes == {world.home}
            await service.unprotect(False)
    asked = [arrived for arrived in server.arrived if arrived.line.startswith(b"GET /api/session/ses_1")]
    assert len(asked) == 1 and (b"Authorization", basic(SERVER_PASSWORD)) in asked[0].headers
