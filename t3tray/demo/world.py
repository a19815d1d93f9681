"""Builds the demo's world on a real OpenCode, from `table`.

First every thread in a healthy state, which t3tray then scans; then each thread's fate; then the running turns. Runs on the event
loop.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.demo.folders import close_off
from t3tray.demo.scratch import Scratch
from t3tray.demo.sessions import SessionWriter, ShownMessage
from t3tray.demo.story import DemoTurn
from t3tray.demo.t3 import T3Player
from t3tray.demo.table import THREADS, DemoThread, Fate, Project
from t3tray.domain.alarm import Acknowledged
from t3tray.errors import WorldError
from t3tray.opencode.connection import Connection
from t3tray.server.manager import Endpoint

# In s: time limit for a running turn to reach its point.
_SCENE = 30.0
_POLL = 0.1
_BEFORE = timedelta(hours=3)
_log = logging.getLogger(__name__)


class _Made(msgspec.Struct):
    id: str


@dataclass
class _BuiltThread:
    """A thread of the table as it was built. `children` are the sub-agents' sessions."""

    thread: DemoThread
    id: str
    session_id: str = ""
    children: tuple[str, ...] = ()
    messages: list[ShownMessage] = field(default_factory=list)


@dataclass(frozen=True)
class RunningTurn:
    """A turn that runs in a thread when the demo begins."""

    thread_id: str
    session_id: str


class OpenCode:
    """Requests to a server that only the demo makes, never t3tray itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        auth = ("opencode", endpoint.password) if endpoint.password else None
        self._http = httpx.AsyncClient(base_url=endpoint.url, auth=auth, timeout=_SCENE, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def make_session(self, folder: Path, title: str = "", parent: str | None = None) -> str:
        """Create a session and return its id. Without a title OpenCode generates one."""
        body = {name: value for name, value in (("title", title), ("parentID", parent)) if value}
        answer = await self._http.post("/session", params={"directory": str(folder)}, json=body)
        return msgspec.json.decode(answer.raise_for_status().content, type=_Made).id

    async def ask(self, session_id: str, text: str) -> None:
        """Send a message without waiting for the answer."""
        parts = [{"type": "text", "text": text}]
        (await self._http.post(f"/session/{session_id}/prompt_async", json={"parts": parts})).raise_for_status()

    async def children(self, session_id: str) -> bool:
        """Whether a sub-agent was started in it."""
        return bool((await self._http.get(f"/session/{session_id}/children")).raise_for_status().json())


class WorldBuilder:
    """Builds the world once. `report` is called with the progress, as a text for the user."""

    def __init__(self, scratch: Scratch, t3: T3Player, report: Callable[[str], None]) -> None:
        self._scratch = scratch
        self._t3 = t3
        self._report = report
        self._now = utc_now()

    async def build(self) -> tuple[RunningTurn, ...]:
        """Build the world. Return the running turns; their server keeps running for the app.

        Raises T3TrayError, and httpx's errors.
        """
        self._report("Building the demo world: starting OpenCode")
        backend = await Backend.open(str(self._scratch.data), "command")
        try:
            connection = await backend.servers.connect()
            await backend.server.detach()
            opencode = OpenCode(await backend.server.ensure_ready())
            try:
                return await self._fill(backend, connection, opencode)
            finally:
                await opencode.close()
        finally:
            await backend.close()

    async def _fill(self, backend: Backend, connection: Connection, opencode: OpenCode) -> tuple[RunningTurn, ...]:
        writer = SessionWriter(backend.database.path)
        self._t3.add_projects(self._scratch.code, self._now - timedelta(days=40))
        all_built: list[_BuiltThread] = []
        for thread in THREADS:
            self._report(f"Building the demo world: {len(all_built) + 1} of {len(THREADS)} threads")
            all_built.append(await self._add(thread, backend, connection, opencode, writer))
        # t3tray scans all of them for the first time, and records what it can prove.
        while await backend.upkeep.record(await backend.scanning.scan()):
            pass
        for built in all_built:
            await self._apply_fate(built, connection, opencode, writer)
        self._report("Building the demo world: setting the scenes")
        await asyncio.gather(*(self._begin(built, connection, opencode) for built in all_built if built.thread.is_live))
        # Everything up to now is acknowledged, so that only what happens later is notified.
        await backend.upkeep.alert(await backend.scanning.scan())
        for built in all_built:
            await backend.upkeep.acknowledge(built.id, Acknowledged.SIDE)
        return tuple(RunningTurn(built.id, built.session_id) for built in all_built if built.thread.is_live)

    async def _add(
        self, thread: DemoThread, backend: Backend, connection: Connection, opencode: OpenCode, writer: SessionWriter
    ) -> _BuiltThread:
        ended = self._now - thread.age
        built = _BuiltThread(thread, thread.id)
        if thread.story or thread.own:
            built.session_id = await opencode.make_session(self._folder(thread), thread.title)
        if thread.story:
            earlier = _BEFORE if thread.fate is Fate.SPLIT else timedelta()
            await self._write_story(built, thread.story, ended - earlier, opencode, writer)
        match thread.fate:
            case Fate.UNFINISHED:
                await asyncio.to_thread(writer.leave_unfinished, built.session_id)
            case Fate.EMPTY:
                await asyncio.to_thread(writer.delete_messages, built.session_id)
            case Fate.SPLIT:
                await self._continue_in_new_session(built, ended, opencode, writer)
        if thread.own:
            await asyncio.to_thread(writer.set_time, built.session_id, ended)
            built.id = (await backend.threads.adopt(built.session_id, connection)).id
        else:
            created = min((message.at for message in built.messages), default=ended) - timedelta(seconds=5)
            await asyncio.to_thread(self._t3.add_thread, thread, self._t3_cursor(built), built.messages, created, self._now)
        return built

    async def _apply_fate(self, built: _BuiltThread, connection: Connection, opencode: OpenCode, writer: SessionWriter) -> None:
        """Apply what happens to the thread after t3tray has scanned it."""
        ended = self._now - built.thread.age
        match built.thread.fate:
            case Fate.REVERTED:
                await asyncio.to_thread(writer.set_revert, built.session_id, 1)
            case Fate.DELETED:
                await connection.delete_session(built.session_id)
            case Fate.REWRITTEN:
                await asyncio.to_thread(writer.delete_messages, built.session_id)
                await self._write_story(built, built.thread.after, ended, opencode, writer)
            case Fate.FOLDER_GONE:
                await asyncio.to_thread(shutil.rmtree, self._folder(built.thread))
            case Fate.FOLDER_LOOPS:
                await self._close_off(self._folder(built.thread))
            case Fate.MOVED:
                folder = self._scratch.code / Project.PAYMENTS
                await asyncio.to_thread(self._t3.set_worktree, built.id, folder, "payments")
            case Fate.REPLACED:
                await self._continue_in_new_session(built, ended, opencode, writer)
                await asyncio.to_thread(self._t3.set_cursor, built.id, built.session_id)

    async def _begin(self, built: _BuiltThread, connection: Connection, opencode: OpenCode) -> None:
        """Start the turn that is running when the demo begins, and wait until it has reached its point."""
        thread, folder = built.thread, str(self._folder(built.thread))
        at = self._now - thread.age
        await asyncio.to_thread(self._t3.begin_turn, built.id, thread.prompt, built.session_id, at)
        await opencode.ask(built.session_id, thread.prompt)
        match thread.fate:
            case Fate.AGENT_WORKS:
                await _until(lambda: opencode.children(built.session_id), thread)
            case Fate.ASKS_FOR_LEAVE:
                await _until(lambda: _any(connection.permissions(folder)), thread)
                await asyncio.to_thread(self._t3.set_waiting, built.id, approvals=1)
            case Fate.ASKS:
                await _until(lambda: _any(connection.questions(folder)), thread)
                await asyncio.to_thread(self._t3.set_waiting, built.id, answers=1)

    async def _write_story(
        self, built: _BuiltThread, turns: tuple[DemoTurn, ...], ended: datetime, opencode: OpenCode, writer: SessionWriter
    ) -> None:
        folder = self._folder(built.thread)
        tasks = [step.use for turn in turns for step in turn.steps if step.use and step.use.child]
        built.children = tuple(
            [await opencode.make_session(folder, f"{use.title} (@explore subagent)", built.session_id) for use in tasks]
        )
        messages = await asyncio.to_thread(writer.write_turns, built.session_id, folder, turns, ended, built.children)
        built.messages += messages
        if not built.thread.own:
            await asyncio.to_thread(self._t3.log_session, built.id, built.session_id, messages[0].at)

    async def _close_off(self, folder: Path) -> None:
        try:
            await asyncio.to_thread(close_off, folder)
        except OSError as error:
            # On Windows only some users may create links.
            _log.warning("The demo has no unreadable folder: %s", error)

    async def _continue_in_new_session(
        self, built: _BuiltThread, ended: datetime, opencode: OpenCode, writer: SessionWriter
    ) -> None:
        """Continue the thread in a new session, without a notice."""
        built.session_id = await opencode.make_session(self._folder(built.thread), built.thread.title)
        await self._write_story(built, built.thread.after, ended, opencode, writer)

    def _t3_cursor(self, built: _BuiltThread) -> str | None:
        match built.thread.fate:
            case Fate.CURSOR_LOST:
                return None
            case Fate.DAMAGED:
                return "conversation-7"
            case Fate.SUB_AGENT:
                return built.children[0]
        return built.session_id or None

    def _folder(self, thread: DemoThread) -> Path:
        return self._scratch.code / thread.project


async def _any(asked: Awaitable[tuple[object, ...]]) -> bool:
    return bool(await asked)


async def _until(condition: Callable[[], Awaitable[bool]], thread: DemoThread) -> None:
    """Wait until a condition holds. Raises WorldError after `_SCENE` seconds."""
    try:
        async with asyncio.timeout(_SCENE):
            while not await condition():  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise WorldError(f"“{thread.title}” did not reach the state “{thread.fate}” in time.") from None
