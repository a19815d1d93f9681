"""Servers that our data does not name: behind a shim, unknown to restored data, on another machine."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from t3tray.domain.server import ServerState
from t3tray.errors import Refused, ServerDown
from t3tray.server import token_bearers
from t3tray.server.handles import ServerProgram
from t3tray.store.server_lease import Lease, LeaseHolder
from tests.support import fake_opencode
from tests.support.bad_server import BadServer, is_alive, owning, until
from tests.support.server_owner import other_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bad server is a POSIX script")


@pytest.fixture
def shim(bad: BadServer) -> ServerProgram:
    """A shim that stays in front of the server, as npm's does; the server is in a group of its own, as mise's is."""
    binary = bad.program.binary.with_name("shim")
    server = f"{sys.executable} -S -E {fake_opencode.__file__}"
    binary.write_text(f'#!/bin/sh\n{sys.executable} -c "import os; os.setpgid(0, 0)"\nsetsid {server} "$@" &\nwait\n')
    binary.chmod(0o700)
    return replace(bad.program, binary=binary)


async def test_what_a_killed_shim_left_is_found_and_ended(data: Path, bad: BadServer, shim: ServerProgram) -> None:
    with other_process(data, shim, "leave-detached") as other:
        assert other.process.wait(90) == 0
    (left,) = bad.living()
    assert other.server_pid != left
    os.kill(other.server_pid, signal.SIGKILL)
    await until(lambda: not is_alive(other.server_pid))
    assert is_alive(left), "it was to outlive its shim"
    async with owning(data, shim) as owner:
        await owner.server.ensure_ready()
        assert owner.launches == 1
        assert not is_alive(left) and len(bad.living()) == 1
    assert bad.living() == []


async def test_the_server_behind_a_shim_is_ours_and_its_memory_is_shown(data: Path, bad: BadServer, shim: ServerProgram) -> None:
    async with owning(data, shim) as owner:
        await owner.server.ensure_ready()
        (real,) = bad.living()
        assert owner.server.status.pid != real
        assert owner.server.own_pids() >= {real, owner.server.status.pid}
        await until(lambda: owner.server.status.memory is not None)
        held, before = psutil.Process(real).memory_info().rss, psutil.Process(owner.server.status.pid).memory_info().rss
        assert abs((owner.server.status.memory or 0) - held) < abs((owner.server.status.memory or 0) - before)
        await owner.server.stop()
        assert bad.living() == []


async def test_data_that_was_lost_finds_the_server_that_runs(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "leave-detached") as other:
        assert other.process.wait(90) == 0
    for file in (*data.glob("*.sqlite*"), *data.glob("backups/*"), *data.glob("*.jsonl"), *data.glob("secrets/*")):
        file.unlink()
    async with owning(data, bad.program) as owner:
        endpoint = await owner.server.ensure_ready()
        assert (owner.launches, owner.server.status.pid) == (0, other.server_pid)
        assert endpoint.url == other.said["url"]
        assert await owner.server.outlives_us(), "nobody knows who else uses it"
        await owner.server.stop()
    assert bad.living() == []


async def test_a_server_that_is_about_to_be_joined_is_ours(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "leave-detached") as other:
        assert other.process.wait(90) == 0
    async with owning(data, bad.program) as owner:
        joining = asyncio.ensure_future(owner.server.ensure_ready())
        while owner.server.status.state is ServerState.STOPPED:
            await asyncio.sleep(0)
        assert (owner.server.status.state, owner.server.status.pid) == (ServerState.STARTING, None)
        await owner.server.sight()
        assert other.server_pid in owner.server.own_pids(), "its turns were called another program's"
        await joining
        await owner.server.stop()


async def test_a_look_finds_and_a_stop_ends_a_server_that_the_data_does_not_know(data: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "leave-detached") as other:
        assert other.process.wait(90) == 0
    async with owning(data, bad.program) as owner:
        lease = owner.store.lease.read()
        assert lease
        assert (await owner.server.with_stray(known := await owner.server.read_status())) is known, "it is known"
        owner.store.lease.drop(lease.token)
        nothing = await owner.server.read_status()
        seen = await owner.server.with_stray(nothing)
        assert (nothing.state, seen.state, seen.pid) == (ServerState.STOPPED, ServerState.READY, other.server_pid)
        assert "not recorded in t3tray's data" in seen.reason and seen.version == fake_opencode.VERSION
        await owner.server.stop()
        assert await owner.server.with_stray(nothing) is nothing
    assert bad.living() == []


def test_the_server_of_another_data_folder_is_none_of_ours(data: Path, tmp_path: Path, bad: BadServer) -> None:
    with other_process(data, bad.program, "hold") as other:
        assert token_bearers.find_stray(tmp_path / "another") is None
        found = token_bearers.find_stray(data)
        assert found and found.process.pid == other.server_pid
        other.finish()


async def test_a_server_that_another_machine_started_is_left_alone_and_told(data: Path, bad: BadServer) -> None:
    told = "The server of this data folder was started on attic, another machine"
    async with owning(data, bad.program) as owner:
        theirs = Lease("feed", 4711, "file", datetime.now(UTC), True, os.getpid(), 1.0, "boot:1", "0123456789abcdef attic")
        assert owner.store.lease.claim(theirs, LeaseHolder(1, 1.0, "tray", "boot:1")) is None
        with pytest.raises(ServerDown, match=told):
            await owner.server.ensure_ready()
        assert (owner.server.status.state, bad.pids()) == (ServerState.FAILED, [])
        seen = await owner.server.read_status()
        assert (seen.state, seen.reason.startswith(told)) == (ServerState.STOPPED, True)
        for refused in (owner.server.stop, owner.server.restart):
            with pytest.raises(Refused, match=told) as error:
                await refused()
            assert "server stop --forget" in (error.value.hint or "")
        assert owner.store.lease.read() == theirs
        assert await owner.server.forget_elsewhere() and not await owner.server.forget_elsewhere()
        assert await owner.server.ensure_ready()
        lease = owner.store.lease.read()
        assert lease and lease.machine
