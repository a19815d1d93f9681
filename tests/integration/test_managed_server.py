"""The managed server with real processes: bad ones imitated by a small program, and the real opencode."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from t3tray.domain.server import ServerState
from t3tray.errors import BinaryNotFound, Refused, ServerDown, ServerFailed, Unauthorized, UnsupportedVersion
from t3tray.server import lease, supervisor_runner
from t3tray.server.handles import ExternalServer, ServerProgram
from t3tray.server.log import LARGEST
from t3tray.server.manager import CLOSE_LIMIT
from t3tray.server.port import choose_port
from t3tray.system.environment import INSTANCE_VARIABLE, server_environment
from tests.support import fake_opencode
from tests.support.bad_server import BadServer, is_alive, owning, until, until_state
from tests.support.opencode import OpenCodeHome, opencode_binary
from tests.support.server_owner import other_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bad server is a POSIX script")


async def test_a_slow_one_is_waited_for_and_its_states_are_told(data: Path, bad: BadServer) -> None:
    bad.behave("slow=0.5")
    async with owning(data, bad.program) as owner:
        told: list[ServerState] = []
        owner.server.subscribe(lambda status: told.append(status.state))
        endpoint = await owner.server.ensure_ready()
        assert endpoint.version == fake_opencode.VERSION
        status = owner.server.status
        assert (status.state, status.pid, status.url) == (ServerState.READY, bad.pids()[0], endpoint.url)
        assert list(dict.fromkeys(told)) == [ServerState.STARTING, ServerState.READY]
        assert await owner.server.ensure_ready() == endpoint
        await until(lambda: (owner.server.status.memory or 0) > 2**20)
        assert (await owner.server.read_status()).state is ServerState.READY
    assert bad.living() == []
    assert list((data / "secrets").iterdir()) == []


async def test_the_password_is_in_the_environment_only_and_the_port_on_loopback(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        endpoint = await owner.server.ensure_ready()
        assert endpoint.password and len(endpoint.password) >= 32
        process = psutil.Process(owner.server.status.pid)
        assert endpoint.password not in " ".join(process.cmdline())
        assert process.environ()["OPENCODE_SERVER_PASSWORD"] == endpoint.password
        assert process.environ()[INSTANCE_VARIABLE]
        assert process.cmdline()[-4:-2] == ["--hostname", "127.0.0.1"]
        assert endpoint.password not in owner.server.log_path.read_text()


async def test_one_that_always_crashes_is_given_up_with_its_last_words(data: Path, bad: BadServer) -> None:
    bad.behave("crash")
    async with owning(data, bad.program) as owner:
        with pytest.raises(ServerFailed, match=r"code 1\).*\n.*configuration is wrong"):
            await owner.server.ensure_ready()
        status = owner.server.status
        assert (status.state, status.attempt, len(bad.pids())) == (ServerState.FAILED, 3, 3)
        assert status.log_tail == "the configuration is wrong"
        bad.behave("")
        assert await owner.server.start()
        assert (owner.server.status.attempt, owner.server.status.reason) == (0, "")


async def test_one_that_crashes_at_first_is_tried_again_after_a_while(data: Path, bad: BadServer) -> None:
    bad.behave("crash=1")
    async with owning(data, bad.program) as owner:
        waiting = asyncio.ensure_future(owner.server.ensure_ready())
        await until_state(owner, ServerState.WAITING)
        assert owner.server.status.until is not None
        assert "code 1" in owner.server.status.reason
        assert (await waiting).version == fake_opencode.VERSION
        assert len(bad.pids()) == 2


async def test_a_port_that_another_program_took_is_named_and_another_one_is_tried(
    data: Path, bad: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        taken: int = taker.getsockname()[1]
        ports = iter([taken])
        monkeypatch.setattr(lease, "choose_port", lambda: next(ports, None) or choose_port())
        async with owning(data, bad.program) as owner:
            waiting = asyncio.ensure_future(owner.server.ensure_ready())
            await until_state(owner, ServerState.WAITING)
            assert owner.server.status.reason == f"Another program took port {taken} before OpenCode could."
            assert str(taken) not in (await waiting).url


async def test_a_missing_program_is_told_as_that_and_looked_for_again(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        owner.program = None
        with pytest.raises(BinaryNotFound, match="There is none"):
            await owner.server.ensure_ready()
        assert (owner.server.status.state, owner.launches) == (ServerState.FAILED, 1)
        assert owner.store.lease.read() is None
        owner.program = bad.program
        assert await owner.server.ensure_ready()


async def test_one_that_ignores_the_request_to_end_is_ended_all_the_same(data: Path, bad: BadServer) -> None:
    bad.behave("stubborn")
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        stopping = asyncio.ensure_future(owner.server.stop())
        await until_state(owner, ServerState.STOPPING)
        await stopping
        assert owner.server.status.state is ServerState.STOPPED
        assert bad.living() == []


async def test_closing_ends_a_stubborn_one_within_its_limit(data: Path, bad: BadServer) -> None:
    bad.behave("stubborn")
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        began = time.monotonic()
        await owner.server.close()
        assert time.monotonic() - began < CLOSE_LIMIT
        assert bad.living() == []


async def test_closing_in_the_middle_of_a_start_leaves_nothing(data: Path, bad: BadServer) -> None:
    bad.behave("never-ready")
    async with owning(data, bad.program) as owner:
        waiting = asyncio.ensure_future(owner.server.ensure_ready())
        await until(lambda: bad.pids() != [])
        await owner.server.close()
        with pytest.raises(ServerDown, match="shutting down"):
            await waiting
        assert bad.living() == []
        assert owner.store.lease.read() is None


async def test_who_gives_up_waiting_does_not_disturb_the_start(data: Path, bad: BadServer) -> None:
    bad.behave("slow=0.3")
    async with owning(data, bad.program) as owner:
        impatient = asyncio.ensure_future(owner.server.ensure_ready())
        await until(lambda: bad.pids() != [])
        impatient.cancel()
        assert (await owner.server.ensure_ready()).version == fake_opencode.VERSION
        assert len(bad.pids()) == 1


async def test_a_flood_of_output_neither_blocks_it_nor_fills_the_disk(
    data: Path, bad: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_runner, "ROTATE_EVERY", 0.05)
    bad.behave("flood")
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        await until(owner.server.log_path.with_name("opencode-serve.log.3").exists)
        # In the middle of a rotation there is one less for a moment; there is never one more.
        await until(lambda: len(list(owner.server.log_path.parent.iterdir())) == 4)
        assert owner.server.log_path.stat().st_size < 20 * LARGEST
        assert (await owner.server.read_status()).state is ServerState.READY


async def test_one_that_ends_unasked_comes_back(data: Path, bad: BadServer) -> None:
    bad.behave("exits-after=0.2")
    async with owning(data, bad.program) as owner:
        first = await owner.server.ensure_ready()
        await until_state(owner, ServerState.WAITING)
        assert "code 7" in owner.server.status.reason
        bad.behave("")
        second = await owner.server.ensure_ready()
        assert second.password != first.password and len(bad.pids()) == 2


async def test_stopped_by_the_user_it_stays_stopped_until_started(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        await owner.server.ensure_ready()
        await owner.server.stop()
        assert (owner.server.status.state, owner.server.status.pid) == (ServerState.STOPPED, None)
        with pytest.raises(ServerDown, match="stopped"):
            await owner.server.ensure_ready()
        await owner.server.sync()
        assert len(bad.pids()) == 1
        await owner.server.start()
        assert len(bad.pids()) == 2


async def test_a_later_process_that_needs_one_may_start_it_after_a_stop(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        await owner.server.start()
        await owner.server.stop()
    async with owning(data, bad.program) as owner:
        assert await owner.server.ensure_ready()


async def test_a_restart_is_another_process_and_counts_as_no_failure(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        before = await owner.server.ensure_ready()
        after = await owner.server.restart()
        assert after != before and len(bad.living()) == 1
        assert owner.server.status.attempt == 0


async def test_a_restart_without_a_program_leaves_the_good_server(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        before = await owner.server.ensure_ready()
        owner.program = None
        with pytest.raises(BinaryNotFound):
            await owner.server.restart()
        too_old = bad.program.binary.with_name("too-old")
        too_old.write_text("#!/bin/sh\necho 1.14.2\n")
        too_old.chmod(0o700)
        owner.program = replace(bad.program, binary=too_old)
        with pytest.raises(UnsupportedVersion, match=r"1.14.2 .* too old.* was not changed"):
            await owner.server.restart()
        assert await owner.server.ensure_ready() == before
        assert bad.living() == [owner.server.status.pid] and len(bad.pids()) == 1


async def test_a_detached_one_that_was_killed_comes_back_detached(data: Path, bad: BadServer) -> None:
    async with owning(data, bad.program) as owner:
        await owner.server.start()
        await owner.server.detach()
        os.kill(bad.pids()[0], signal.SIGKILL)
        await until(lambda: len(bad.pids()) == 2)
        await owner.server.ensure_ready()
        assert await owner.server.outlives_us()
        await owner.server.stop()


async def test_an_external_one_is_used_and_never_ended(data: Path, bad: BadServer) -> None:
    port = choose_port()
    url = f"http://127.0.0.1:{port}"
    environment = server_environment(bad.program.environment, "theirs", "not ours")
    process = await asyncio.create_subprocess_exec(
        bad.program.binary, "serve", "--port", str(port), env=environment, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout and b"listening" in await process.stdout.readline()
        async with owning(data, bad.program, ExternalServer(url, "theirs")) as owner:
            await owner.server.sync()
            assert owner.server.status.state is ServerState.EXTERNAL
            assert (await owner.server.ensure_ready()).version == fake_opencode.VERSION
            assert await owner.server.start() == await owner.server.ensure_ready()
            for refused in (owner.server.stop, owner.server.restart):
                with pytest.raises(Refused, match="not t3tray's own"):
                    await refused()
            assert (await owner.server.read_status()).state is ServerState.EXTERNAL
        assert process.returncode is None and is_alive(process.pid)
        async with owning(data, bad.program, ExternalServer(url, "wrong")) as owner:
            with pytest.raises(Unauthorized):
                await owner.server.ensure_ready()
    finally:
        process.kill()
        await process.communicate()
    async with owning(data, bad.program, ExternalServer(url, "theirs")) as owner:
        with pytest.raises(ServerDown):
            await owner.server.ensure_ready()
        assert owner.server.status.state is ServerState.EXTERNAL
        assert url in owner.server.status.reason


async def test_the_real_one_starts_comes_back_after_a_kill_and_is_adopted(data: Path, opencode_home: OpenCodeHome) -> None:
    program = ServerProgram(opencode_binary(), opencode_home.environment, opencode_home.home, data / "unpacked")
    async with owning(data, program) as owner:
        await owner.server.ensure_ready()
        killed = owner.server.status.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        await until_state(owner, ServerState.WAITING)
        assert "signal 9" in owner.server.status.reason
        await until_state(owner, ServerState.READY)
        assert owner.server.status.pid != killed
        last = owner.server.status.pid
    assert last and not is_alive(last)
    with other_process(data, program, "hold") as other:
        other.kill()
        async with owning(data, program) as owner:
            endpoint = await owner.server.ensure_ready()
            assert (endpoint.url, owner.launches) == (other.said["url"], 0)
    assert not is_alive(other.server_pid)
