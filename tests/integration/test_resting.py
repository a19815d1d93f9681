"""t3tray's own reaper on the real server: it ends what nobody uses, and nothing in which anything is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.engine import Engine, utc_now
from t3tray.domain.reaper import Blocker
from t3tray.domain.server import ServerState
from t3tray.threads.idle_shutdown import IdleShutdown
from tests.support.opencode import OpenCodeHome
from tests.support.stub_model import StubModel
from tests.support.waiting import lives


@pytest_asyncio.fixture
async def engine(tmp_path: Path, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    for name, value in opencode_home.environment.items():
        monkeypatch.setenv(name, value)
    opened = await Engine.open(str(tmp_path / "data"), "tray")
    opened.idle_shutdown = IdleShutdown(opened.server, timedelta(microseconds=1), utc_now)
    yield opened
    await opened.close()


async def thread_in(engine: Engine, folder: Path, prompt: str) -> str:
    folder.mkdir()
    (folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    made = await engine.threads.create(str(folder), "T", await engine.connect())
    async for _ in engine.converse(made.id, prompt):
        pass
    return made.id


async def test_an_idle_server_is_ended_and_the_next_resume_starts_it_again(engine: Engine, tmp_path: Path) -> None:
    thread = await thread_in(engine, tmp_path / "work", "the codeword is HERON")
    pid = engine.server.status.pid
    assert await engine.rest_if_idle(await engine.look())
    said = (await engine.overview()).idle_status
    assert said.startswith("t3tray stopped its server at 20") and said.endswith("The next resume starts it again.")
    other = await Engine.open(str(tmp_path / "data"), "command")
    assert (await other.overview()).idle_status == said.replace(" 0 minutes", " 30 minutes")
    await other.close()
    assert engine.server.status.state is ServerState.STOPPED and pid and not lives(pid)
    assert (await engine.verify(thread)).verdict.reason == "proved"
    assert engine.server.status.pid != pid


async def test_what_is_under_way_or_was_a_moment_ago_keeps_it(engine: Engine, tmp_path: Path, model: StubModel) -> None:
    """One server for three reasons, each of which stands alone when it is looked for."""
    thread = await thread_in(engine, tmp_path / "work", "the codeword is HERON")
    connection = await engine.connect()

    # A use a moment ago.
    engine.idle_shutdown = IdleShutdown(engine.server, timedelta(minutes=30), utc_now)
    assert (await engine.idle_shutdown.look(connection, await engine.look())).why is Blocker.RECENT

    # A turn that runs.
    engine.idle_shutdown = IdleShutdown(engine.server, timedelta(microseconds=1), utc_now)
    turn = asyncio.create_task(_drain(engine, thread, "hold it"))
    await asyncio.to_thread(model.wait_for_chats, 2)
    rest = await engine.idle_shutdown.look(connection, await engine.look())
    assert (rest.ended, rest.why) == (False, Blocker.TURN)
    assert "a turn runs in it" in engine.idle_shutdown.sentence(rest, True)
    model.release()
    await turn

    # Somebody else who uses it.
    await engine.server.detach()
    rest = await engine.idle_shutdown.look(connection, await engine.look())
    assert rest.why is Blocker.SHARED and engine.server.status.state is ServerState.READY
    await engine.server.stop()


async def test_a_permission_that_is_waited_for_keeps_it(engine: Engine, tmp_path: Path, model: StubModel) -> None:
    thread = await thread_in(engine, tmp_path / "work", "the codeword is HERON")
    turn = asyncio.create_task(_drain(engine, thread, "run: touch x"))
    connection = await engine.connect()
    while not await connection.permissions(str(tmp_path / "work")):
        await asyncio.sleep(0.05)
    rest = await engine.idle_shutdown.look(connection, await engine.look())
    assert not rest.ended and rest.why in (Blocker.TURN, Blocker.PERMISSION)
    # As after a new start, which has heard of nothing yet.
    engine.idle_shutdown = IdleShutdown(engine.server, timedelta(microseconds=1), utc_now)
    rest = await engine.idle_shutdown.look(connection, await engine.look())
    assert not rest.ended and rest.why in (Blocker.TURN, Blocker.PERMISSION)
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn


async def _drain(engine: Engine, thread: str, text: str) -> None:
    async for _ in engine.converse(thread, text):
        pass
