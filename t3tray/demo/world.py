"""Builds the demo's world on a real OpenCode: what the table says, step by step.

First every thread as it was while all was well, and t3tray's own look at them; then what befell them; then what is under way.
Lives on the event loop.
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

from t3tray.backend.engine import Engine, utc_now
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

# In s: how long a scene may take to get under way.
_SCENE = 30.0
_LOOK = 0.1
_BEFORE = timedelta(hours=3)
_log = logging.getLogger(__name__)


class _Made(msgspec.Struct):
    id: str


@dataclass
class _Cast:
    """A thread of the table as it was made. `children` are the sub-agents' sessions."""

    thread: DemoThread
    id: str
    session_id: str = ""
    children: tuple[str, ...] = ()
    lines: list[ShownMessage] = field(default_factory=list)


@dataclass(frozen=True)
class Live:
    """A turn that runs in a thread when the demo begins."""

    thread_id: str
    session_id: str


class OpenCode:
    """What the demo asks of a server and t3tray never does."""

    def __init__(self, endpoint: Endpoint) -> None:
        auth = ("opencode", endpoint.password) if endpoint.password else None
        self._http = httpx.AsyncClient(base_url=endpoint.url, auth=auth, timeout=_SCENE, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def make_session(self, folder: Path, title: str = "", parent: str | None = None) -> str:
        """A new session's id. Without a title OpenCode finds one itself."""
        body = {name: value for name, value in (("title", title), ("parentID", parent)) if value}
        answer = await self._http.post("/session", params={"directory": str(folder)}, json=body)
        return msgspec.json.decode(answer.raise_for_status().content, type=_Made).id

    async def ask(self, session_id: str, words: str) -> None:
        """Send a message, and do not wait for the answer."""
        parts = [{"type": "text", "text": words}]
        (await self._http.post(f"/session/{session_id}/prompt_async", json={"parts": parts})).raise_for_status()

    async def children(self, session_id: str) -> bool:
        """Whether a sub-agent was started in it."""
        return bool((await self._http.get(f"/session/{session_id}/children")).raise_for_status().json())


class WorldBuilder:
    """Builds once. `tell` is told how far it is, in words."""

    def __init__(self, scratch: Scratch, t3: T3Player, tell: Callable[[str], None]) -> None:
        self._scratch = scratch
        self._t3 = t3
        self._tell = tell
        self._now = utc_now()

    async def build(self) -> tuple[Live, ...]:
        """The turns that run then, on a server that the app joins. Raises T3TrayError, and httpx's errors."""
        self._tell("Building the demo world: starting OpenCode")
        engine = await Engine.open(str(self._scratch.data), "command")
        try:
            connection = await engine.connect()
            await engine.server.detach()
            opencode = OpenCode(await engine.server.ensure_ready())
            try:
                return await self._fill(engine, connection, opencode)
            finally:
                await opencode.close()
        finally:
            await engine.close()

    async def _fill(self, engine: Engine, connection: Connection, opencode: OpenCode) -> tuple[Live, ...]:
        writer = SessionWriter(engine.database.path)
        self._t3.add_projects(self._scratch.code, self._now - timedelta(days=40))
        casts: list[_Cast] = []
        for thread in THREADS:
            self._tell(f"Building the demo world: {len(casts) + 1} of {len(THREADS)} threads")
            casts.append(await self._add(thread, engine, connection, opencode, writer))
        # t3tray sees all of them for the first time, and records what could be proved.
        while await engine.keep(await engine.look()):
            pass
        for cast in casts:
            await self._befall(cast, connection, opencode, writer)
        self._tell("Building the demo world: setting the scenes")
        await asyncio.gather(*(self._begin(cast, connection, opencode) for cast in casts if cast.thread.is_live))
        # What is wrong by now is no news when the demo begins; what happens later is.
        await engine.alert(await engine.look())
        for cast in casts:
            await engine.acknowledge(cast.id, Acknowledged.SIDE)
        return tuple(Live(cast.id, cast.session_id) for cast in casts if cast.thread.is_live)

    async def _add(
        self, thread: DemoThread, engine: Engine, connection: Connection, opencode: OpenCode, writer: SessionWriter
    ) -> _Cast:
        ended = self._now - thread.age
        cast = _Cast(thread, thread.id)
        if thread.story or thread.own:
            cast.session_id = await opencode.make_session(self._folder(thread), thread.title)
        if thread.story:
            earlier = _BEFORE if thread.fate is Fate.SPLIT else timedelta()
            await self._tell_story(cast, thread.story, ended - earlier, opencode, writer)
        match thread.fate:
            case Fate.UNFINISHED:
                await asyncio.to_thread(writer.leave_unfinished, cast.session_id)
            case Fate.EMPTY:
                await asyncio.to_thread(writer.forget, cast.session_id)
            case Fate.SPLIT:
                await self._go_on_elsewhere(cast, ended, opencode, writer)
        if thread.own:
            await asyncio.to_thread(writer.set_time, cast.session_id, ended)
            cast.id = (await engine.threads.adopt(cast.session_id, connection)).id
        else:
            created = min((line.at for line in cast.lines), default=ended) - timedelta(seconds=5)
            await asyncio.to_thread(self._t3.add_thread, thread, self._named_by_t3(cast), cast.lines, created, self._now)
        return cast

    async def _befall(self, cast: _Cast, connection: Connection, opencode: OpenCode, writer: SessionWriter) -> None:
        """What happened to the thread after t3tray had seen it."""
        ended = self._now - cast.thread.age
        match cast.thread.fate:
            case Fate.REVERTED:
                await asyncio.to_thread(writer.set_revert, cast.session_id, 1)
            case Fate.DELETED:
                await connection.delete_session(cast.session_id)
            case Fate.REWRITTEN:
                await asyncio.to_thread(writer.forget, cast.session_id)
                await self._tell_story(cast, cast.thread.after, ended, opencode, writer)
            case Fate.FOLDER_GONE:
                await asyncio.to_thread(shutil.rmtree, self._folder(cast.thread))
            case Fate.FOLDER_LOOPS:
                await self._close_off(self._folder(cast.thread))
            case Fate.MOVED:
                folder = self._scratch.code / Project.PAYMENTS
                await asyncio.to_thread(self._t3.set_worktree, cast.id, folder, "payments")
            case Fate.REPLACED:
                await self._go_on_elsewhere(cast, ended, opencode, writer)
                await asyncio.to_thread(self._t3.set_cursor, cast.id, cast.session_id)

    async def _begin(self, cast: _Cast, connection: Connection, opencode: OpenCode) -> None:
        """Ask what is being worked on when the demo begins, and wait until it has come to the point."""
        thread, folder = cast.thread, str(self._folder(cast.thread))
        at = self._now - thread.age
        await asyncio.to_thread(self._t3.begin_turn, cast.id, thread.prompt, cast.session_id, at)
        await opencode.ask(cast.session_id, thread.prompt)
        match thread.fate:
            case Fate.AGENT_WORKS:
                await _until(lambda: opencode.children(cast.session_id), thread)
            case Fate.ASKS_FOR_LEAVE:
                await _until(lambda: _any(connection.permissions(folder)), thread)
                await asyncio.to_thread(self._t3.set_waiting, cast.id, approvals=1)
            case Fate.ASKS:
                await _until(lambda: _any(connection.questions(folder)), thread)
                await asyncio.to_thread(self._t3.set_waiting, cast.id, answers=1)

    async def _tell_story(
        self, cast: _Cast, turns: tuple[DemoTurn, ...], ended: datetime, opencode: OpenCode, writer: SessionWriter
    ) -> None:
        folder = self._folder(cast.thread)
        tasks = [step.use for turn in turns for step in turn.steps if step.use and step.use.child]
        cast.children = tuple(
            [await opencode.make_session(folder, f"{use.title} (@explore subagent)", cast.session_id) for use in tasks]
        )
        lines = await asyncio.to_thread(writer.tell, cast.session_id, folder, turns, ended, cast.children)
        cast.lines += lines
        if not cast.thread.own:
            await asyncio.to_thread(self._t3.log_session, cast.id, cast.session_id, lines[0].at)

    async def _close_off(self, folder: Path) -> None:
        try:
            await asyncio.to_thread(close_off, folder)
        except OSError as error:
            # Windows lets only some users make links.
            _log.warning("The demo shows no folder that cannot be looked into: %s", error)

    async def _go_on_elsewhere(self, cast: _Cast, ended: datetime, opencode: OpenCode, writer: SessionWriter) -> None:
        """Another session takes the thread over, without a word."""
        cast.session_id = await opencode.make_session(self._folder(cast.thread), cast.thread.title)
        await self._tell_story(cast, cast.thread.after, ended, opencode, writer)

    def _named_by_t3(self, cast: _Cast) -> str | None:
        match cast.thread.fate:
            case Fate.CURSOR_LOST:
                return None
            case Fate.DAMAGED:
                return "conversation-7"
            case Fate.SUB_AGENT:
                return cast.children[0]
        return cast.session_id or None

    def _folder(self, thread: DemoThread) -> Path:
        return self._scratch.code / thread.project


async def _any(asked: Awaitable[tuple[object, ...]]) -> bool:
    return bool(await asked)


async def _until(condition: Callable[[], Awaitable[bool]], thread: DemoThread) -> None:
    """Look until it holds. Raises WorldError when that takes too long."""
    try:
        async with asyncio.timeout(_SCENE):
            while not await condition():  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise WorldError(f"“{thread.title}” did not come to the point where {thread.fate}.") from None
