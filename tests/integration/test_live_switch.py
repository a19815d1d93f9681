"""The original report, live: a process imitates T3 Code beside the real opencode, and the alarm comes soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.domain.alarm import AlarmKind, Cause
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.t3_player import T3Code
from tests.support.t3_world import World, empty_world
from tests.support.unchanged import tree

WITHIN = 3.0


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome, server: RawServer) -> World:
    """T3 Code's home beside the database of the real server."""
    made = empty_world(tmp_path / "world")
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def t3(world: World) -> Iterator[T3Code]:
    player = T3Code(world)
    yield player
    player.quit()


class Watcher:
    """The snapshots that the backend has published, and waiting for one."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.snapshot: Snapshot | None = None
        self._news = asyncio.Event()

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._news.set()

    async def until(self, condition: Callable[[Snapshot], object], within: float = 20.0) -> Snapshot:
        """Wait until it holds; return the snapshot of that moment."""
        async with asyncio.timeout(within):
            while self.snapshot is None or not condition(self.snapshot):
                await self._news.wait()
                self._news.clear()
            return self.snapshot

    async def until_kept(self, messages: int, within: float = 20.0, thread: str = "t1") -> None:
        """Wait until t3tray's own record of the thread has that many messages."""
        async with asyncio.timeout(within):
            while True:
                details = await self.backend.details.read(thread)
                if details.cursor and details.cursor.message_count == messages:
                    return
                await self._news.wait()
                self._news.clear()


@pytest_asyncio.fixture
async def watcher(
    world: World, t3: T3Code, opencode_home: OpenCodeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watcher]:
    for name, value in {**opencode_home.environment, "T3CODE_HOME": str(world.home)}.items():
        monkeypatch.setenv(name, value)
    backend = await Backend.open(str(tmp_path / "data"), "tray")
    found = Watcher(backend)
    running = asyncio.create_task(backend.run(found.publish))
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await backend.close()


def session(server: RawServer, world: World, words: str) -> str:
    """A session of one turn, created as by T3 Code."""
    with server.http() as http:
        made: str = http.post("/session", params={"directory": str(world.code / "proj")}, json={}).json()["id"]
    turn(server, made, words)
    return made


def turn(server: RawServer, name: str, words: str) -> None:
    with server.http() as http:
        http.post(f"/session/{name}/message", json={"parts": [{"type": "text", "text": words}]}).raise_for_status()


@pytest.mark.parametrize("deleted", [False, True])
async def test_the_follow_up_that_went_to_another_session_is_told_within_three_seconds(
    server: RawServer, world: World, t3: T3Code, watcher: Watcher, deleted: bool
) -> None:
    """The original report: two turns, half an hour of quiet, and a follow-up without memory."""
    old = await asyncio.to_thread(session, server, world, "the codeword is PELICAN")
    t3.tell("thread", "t1", old)
    await asyncio.to_thread(turn, server, old, "say: a second turn")
    t3.tell("idle")
    await watcher.until(lambda seen: seen.rows and seen.rows[0].verdict.reason is Reason.PROVED)
    await watcher.until_kept(4)
    t3.tell("reaped")
    if deleted:
        with server.http() as http:
            http.delete(f"/session/{old}").raise_for_status()
        began = time.monotonic()
        lost = await watcher.until(lambda seen: seen.alarms)
        assert time.monotonic() - began < WITHIN, "before anything was typed"
        assert [(alarm.kind, alarm.cause) for alarm in lost.alarms] == [(AlarmKind.LOST, Cause.SESSION_DELETED)]
    new = await asyncio.to_thread(session, server, world, "what is the codeword?")
    before = tree(world.home)

    t3.tell("cursor", new)
    began = time.monotonic()
    snapshot = await watcher.until(lambda seen: any(alarm.kind is AlarmKind.SWITCHED for alarm in seen.alarms))
    assert time.monotonic() - began < WITHIN
    (alarm,) = snapshot.alarms
    assert alarm.cause is (Cause.SESSION_DELETED if deleted else Cause.UNKNOWN), "one loss is told once: by the switch it led to"
    assert (alarm.before.session_id, alarm.before.messages, alarm.now.session_id) == (old, 4, new)
    assert snapshot.rows[0].verdict.reason is Reason.CONFLICT
    changed = {name for name, content in tree(world.home).items() if before.get(name) != content}
    assert {Path(name).name for name in changed} <= {"state.sqlite-wal"}, "only T3 Code itself has written"
