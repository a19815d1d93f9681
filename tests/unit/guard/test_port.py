"""The guard's port and password: strangers on the port, a second guard, a password that is lost or unreadable."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.t3code_side import GuardSide
from t3tray.errors import Refused
from t3tray.guard.host import GuardHost
from t3tray.guard.runner import GuardRunner
from t3tray.guard.service import GuardService
from t3tray.guard.status import guard_sides
from t3tray.threads.scan import Scan
from tests.support.running_guard import (
    PortOwners,
    another,
    backend,
    host,
    owners,
    runner,
    runner_of,
    service,
    settings,
    state,
    world,
)
from tests.support.t3_world import World

__all__ = ["backend", "host", "owners", "runner", "service", "world"]


async def test_a_port_that_a_stranger_has_is_given_up_with_the_password_that_it_may_have_heard(
    runner: GuardRunner, owners: PortOwners, host: GuardHost, service: GuardService, world: World
) -> None:
    await runner.protect(True, False)
    key = await host.guard_credentials.get()
    await service.stop()

    async def as_the_guard_did(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm="t3tray"\r\nContent-Length: 2\r\n\r\n{}')
        writer.close()

    async with await asyncio.start_server(as_the_guard_did, "127.0.0.1", key.port):
        async with another() as command:
            status = await command.status()
            assert not status.answers and status.is_unproved, "it cannot prove that it is the guard"
            assert guard_sides(status).of(world.home) is GuardSide.UNPROVED
        # It answers as a t3tray before the proof does; and it may be one, as long as the system does not show that it is none.
        found = await state(runner)
        assert found.phase is GuardPhase.ALONE and "does not prove to be the guard" in found.sentence
        assert await host.guard_credentials.get() == key and settings(world)["providers"]["opencode"]["serverUrl"] == key.url
        owners.verdict = False
        assert await state(runner) == GuardState(GuardPhase.ON) and service.listens
    other = await host.guard_credentials.get()
    assert other.port != key.port and other.password != key.password
    opencode = settings(world)["providers"]["opencode"]
    assert (opencode["serverUrl"], opencode["serverPassword"]) == (other.url, other.password)
    await runner.protect(False, False)
    assert settings(world) == {}, "the guard's first address was no word of the user's"


@pytest.mark.parametrize("may_be_ours", [True, False])
async def test_who_says_nothing_is_a_stranger_only_where_the_system_shows_it(
    runner: GuardRunner,
    owners: PortOwners,
    host: GuardHost,
    service: GuardService,
    may_be_ours: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("t3tray.guard.proof.PROBE_LIMIT", 0.1)
    key = await host.guard_credentials.get()
    await host.want_guard(True)
    owners.verdict = may_be_ours
    with socket.create_server(("127.0.0.1", key.port)):
        await runner.check()
        assert service.listens is not may_be_ours
        assert (await host.guard_credentials.get() == key) is may_be_ours
    await runner.check()
    assert service.listens


async def test_a_port_whose_owner_answers_wrongly_is_given_up_whatever_the_system_shows(
    runner: GuardRunner, host: GuardHost, service: GuardService
) -> None:
    key = await host.guard_credentials.get()
    await host.want_guard(True)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", key.port):
        await runner.check()
    assert service.listens and (await host.guard_credentials.get()).port != key.port


async def test_switched_off_the_password_opens_nothing_any_more_and_another_guard_follows_the_next_one(
    runner: GuardRunner, host: GuardHost, world: World
) -> None:
    async with another() as running:
        await running.start()
        await runner.protect(True, False)
        first = await host.guard_credentials.get()
        await runner.protect(False, False)
        assert await host.guard_credentials.known() is None
        assert not list((host.data_directory / "secrets").glob("guard*"))
        second = await host.guard_credentials.renew()
        assert second.port != first.port and second.password != first.password
        await running.follow()
        assert running.serves(second.url)


async def test_a_lost_password_is_replaced_and_t3_code_gets_the_new_one(
    runner: GuardRunner, host: GuardHost, world: World
) -> None:
    await runner.protect(True, False)
    await runner.close()
    (host.data_directory / "secrets" / "guard").unlink()
    later = runner_of(host)
    try:
        assert await state(later) == GuardState(GuardPhase.ON)
        await later.protect(False, False)
        assert settings(world) == {}
    finally:
        await later.close()


async def test_of_two_guards_one_has_the_port_and_the_other_says_so_until_it_ends(
    runner: GuardRunner, service: GuardService, world: World
) -> None:
    async with another() as running:
        await running.start()
        await runner.protect(True, False)
        found = await state(runner)
        assert found == GuardState(GuardPhase.ON, "The guard is already running, in another t3tray.")
        assert not service.listens
    assert await state(runner) == GuardState(GuardPhase.ON) and service.listens
    async with another() as second:
        with pytest.raises(Refused, match="is already running, in another t3tray"):
            await second.start()


async def test_a_guard_that_stopped_listening_comes_again(
    runner: GuardRunner, service: GuardService, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    create_server, servers = loop.create_server, list[asyncio.Server]()

    async def recorded(*arguments: Any, **options: Any) -> asyncio.Server:
        servers.append(await create_server(*arguments, **options))
        return servers[-1]

    monkeypatch.setattr(loop, "create_server", recorded)
    await runner.protect(True, False)
    (server,) = servers
    server.close()
    assert not service.listens
    assert (await state(runner)).phase is GuardPhase.ON and service.listens


async def test_a_password_that_cannot_be_read_is_told_and_no_other_is_chosen(
    runner: GuardRunner, host: GuardHost, world: World
) -> None:
    await runner.protect(True, False)
    await runner.close()
    secret = host.data_directory / "secrets" / "guard"
    before = secret.read_bytes()
    secret.unlink()
    secret.mkdir()
    later = runner_of(host)
    assert await later.check() is False
    found, guarded = await later.seen(Scan(()))
    assert found.phase is GuardPhase.ALONE and "cannot be read" in found.sentence and not guarded
    secret.rmdir()
    secret.write_bytes(before)
    assert await state(later) == GuardState(GuardPhase.ON)
    await later.close()
