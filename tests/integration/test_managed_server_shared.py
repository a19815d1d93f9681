"""The managed server between several t3tray processes, with an imitated server: found, adopted, shared, ended with the last."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from t3tray.domain.server import ServerState
from t3tray.errors import ServerDown, TimedOut, Unauthorized
from tests.support.bad_server import LIMIT, BadServer, owning, until, until_state
from tests.support.server_owner import other_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bad server is a POSIX script")


async def test_an_orphan_of_a_killed_process_is_adopted_and_ended_with_the_last(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        other.kill()
        assert bad.living() == [other.server_pid]
        async with owning(data, bad.program) as owner:
            assert (await owner.server.read_status()).pid == other.server_pid
            assert owner.server.status.state is ServerState.STOPPED
            endpoint = await owner.server.ensure_ready()
            assert (endpoint.url, owner.server.status.pid) == (other.said["url"], other.server_pid)
            assert owner.launches == 0
    assert len(bad.pids()) == 1


async def test_an_orphan_that_hangs_is_ended_and_another_one_started(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        other.kill()
        bad.behave("hang")
        async with owning(data, bad.program) as owner:
            waiting = asyncio.ensure_future(owner.server.ensure_ready())
            await until_state(owner, ServerState.WAITING)
            bad.behave("")
            await waiting
            assert bad.living() == [owner.server.status.pid] != [other.server_pid]


async def test_a_process_killed_between_spawn_and_record_leaves_no_second_server(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "die-before-record") as other:
        assert other.process.wait(LIMIT) == -signal.SIGKILL
        async with owning(data, bad.program) as owner:
            await owner.server.ensure_ready()
            assert (owner.launches, bad.pids()) == (0, [owner.server.status.pid])


async def test_two_processes_share_one_and_the_last_ends_it(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        async with owning(data, bad.program) as owner:
            await owner.server.sync()
            assert (owner.server.status.state, owner.server.status.pid) == (ServerState.READY, other.server_pid)
            assert await owner.server.outlives_us()
        assert bad.living() == [other.server_pid]
        async with owning(data, bad.program) as owner:
            await owner.server.ensure_ready()
            other.finish()
            assert bad.living() == [owner.server.status.pid]
            assert not await owner.server.outlives_us()
    assert bad.living() == []


async def test_many_who_start_at_once_start_one(data: Path, bad: BadServer) -> None:
    bad.behave("slow=0.5")
    with (
        other_process(data, bad.program, "hold") as first,
        other_process(data, bad.program, "hold") as second,
    ):
        async with owning(data, bad.program) as owner:
            await owner.server.ensure_ready()
            assert owner.server.status.pid == first.server_pid == second.server_pid
        first.finish()
        second.finish()
    assert len(bad.pids()) == 1


async def test_a_stop_by_another_process_is_no_crash(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        with other_process(data, bad.program, "stop"):
            await until_state(owner, ServerState.STOPPED, ServerState.WAITING)
        assert (owner.server.status.state, owner.server.status.attempt) == (ServerState.STOPPED, 0)
        with pytest.raises(ServerDown):
            await owner.server.ensure_ready()
        assert len(bad.pids()) == 1


async def test_a_restart_by_another_process_is_followed(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        with other_process(data, bad.program, "restart") as other:
            await until(lambda: owner.server.status.pid == other.server_pid)
            await until_state(owner, ServerState.READY)
            other.finish()
        assert bad.living() == [owner.server.status.pid]
        assert len(bad.pids()) == 2


async def test_a_detached_one_outlives_its_starter_until_it_is_stopped(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "leave-detached") as other:
        assert other.process.wait(LIMIT) == 0
    assert bad.living() == [other.server_pid]
    async with owning(data, bad.program) as owner:
        await owner.server.sync()
        assert await owner.server.outlives_us()
    assert bad.living() == [other.server_pid]
    async with owning(data, bad.program) as owner:
        await owner.server.stop()
        assert (await owner.server.read_status()).state is ServerState.STOPPED
    assert bad.living() == []


async def test_one_that_hangs_and_that_others_hold_is_told_as_a_timeout_and_left_alone(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        bad.behave("hang")
        async with owning(data, bad.program) as owner:
            with pytest.raises(TimedOut):
                await owner.server.ensure_ready()
            known, read = owner.server.status, await owner.server.read_status()
            assert known.state is read.state is ServerState.UNRESPONSIVE
            assert bad.living() == [other.server_pid]
            bad.behave("")
            assert await owner.server.ensure_ready()
            assert owner.server.status.state is ServerState.READY
        other.finish()


async def test_one_whose_password_is_lost_is_told_as_that_and_a_restart_helps(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        (secret,) = (data / "secrets").iterdir()
        secret.write_text("wrong")
        async with owning(data, bad.program) as owner:
            with pytest.raises(Unauthorized):
                await owner.server.ensure_ready()
            assert bad.living() == [other.server_pid]
            await owner.server.restart()
            assert bad.living() == [owner.server.status.pid]
        other.finish()
