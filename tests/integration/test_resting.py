"""t3tray's own reaper on the real server: it ends an unused server, and none in which anything is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.domain.reaper import Blocker
from t3tray.domain.server import ServerState
from t3tray.threads.idle_shutdown import IdleShutdown
from tests.support.opencode import OpenCodeHome
from tests.support.stub_model import StubModel
from tests.support.waiting import lives


@pytest_asyncio.fixture
async def backend(tmp_path: Path, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Backend]:
    for name, value in opencode_home.environment.items():
        monkeypatch.setenv(name, value)
    opened = await Backend.open(str(tmp_path / "data"), "tray")
    opened.idle_shutdown.idle_after = timedelta(microseconds=1)
    yield opened
    await opened.close()


async def thread_in(backend: Backend, folder: Path, prompt: str) -> str:
    folder.mkdir()
    (folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    made = await backend.threads.create(str(folder), "T", await backend.settlement.connect())
    async for _ in backend.prompting.converse(made.id, prompt):
        pass
    return made.id


async def test_an_idle_server_is_ended_and_the_next_resume_starts_it_again(backend: Backend, tmp_path: Path) -> None:
    thread = await thread_in(backend, tmp_path / "work", "the codeword is HERON")
    pid = backend.server.status.pid
    assert await backend.upkeep.end_idle_server(await backend.scanning.scan())
    said = (await backend.snapshots.read()).idle_status
    assert said.startswith("t3tray stopped its server at 20") and said.endswith("The next resume starts it again.")
    other = await Backend.open(str(tmp_path / "data"), "command")
    assert (await other.snapshots.read()).idle_status == said.replace(" 0 minutes", " 30 minutes")
    await other.close()
    assert backend.server.status.state is ServerState.STOPPED and pid and not lives(pid)
    assert (await backend.prompting.verify(thread)).verdict.reason == "proved"
    assert backend.server.status.pid != pid


async def test_what_is_under_way_or_was_a_moment_ago_keeps_it(backend: Backend, tmp_path: Path, model: StubModel) -> None:
    """One server for three reasons, each of which is checked alone."""
    thread = await thread_in(backend, tmp_path / "work", "the codeword is HERON")
    connection = await backend.settlement.connect()

    # A use a moment ago.
    backend.idle_shutdown.idle_after = timedelta(minutes=30)
    assert (await backend.idle_shutdown.check(connection, await backend.scanning.scan())).why is Blocker.RECENT

    # A turn that runs.
    backend.idle_shutdown = IdleShutdown(backend.server, timedelta(microseconds=1), utc_now)
    turn = asyncio.create_task(_drain(backend, thread, "hold it"))
    await asyncio.to_thread(model.wait_for_chats, 2)
    rest = await backend.idle_shutdown.check(connection, await backend.scanning.scan())
    assert (rest.ended, rest.why) == (False, Blocker.TURN)
    assert "a turn runs in it" in backend.idle_shutdown.sentence(rest, True)
    model.release()
    await turn

    # Another user of the server.
    await backend.server.detach()
    rest = await backend.idle_shutdown.check(connection, await backend.scanning.scan())
    assert rest.why is Blocker.SHARED and backend.server.status.state is ServerState.READY
    await backend.server.stop()


async def test_a_permission_that_is_waited_for_keeps_it(backend: Backend, tmp_path: Path, model: StubModel) -> None:
    thread = await thread_in(backend, tmp_path / "work", "the codeword is HERON")
    turn = asyncio.create_task(_drain(backend, thread, "run: touch x"))
    connection = await backend.settlement.connect()
    while not await connection.permissions(str(tmp_path / "work")):
        await asyncio.sleep(0.05)
    rest = await backend.idle_shutdown.check(connection, await backend.scanning.scan())
    assert not rest.ended and rest.why in (Blocker.TURN, Blocker.PERMISSION)
    # As after a new start, before any event.
    backend.idle_shutdown = IdleShutdown(backend.server, timedelta(microseconds=1), utc_now)
    rest = await backend.idle_shutdown.check(connection, await backend.scanning.scan())
    assert not rest.ended and rest.why in (Blocker.TURN, Blocker.PERMISSION)
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn


async def _drain(backend: Backend, thread: str, text: str) -> None:
    async for _ in backend.prompting.converse(thread, text):
        pass
