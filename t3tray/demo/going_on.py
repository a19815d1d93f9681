"""What T3 Code goes on to write while the demo runs: turns that come to their end, and the silent switch that happens while you
watch, in which a follow-up goes to a new, empty session and nobody is told. Lives on the event loop.
"""

from __future__ import annotations

import asyncio

from t3tray.backend.engine import Engine, utc_now
from t3tray.demo.scratch import Scratch
from t3tray.demo.sessions import ShownMessage
from t3tray.demo.stories import AFTER_THE_SWITCH
from t3tray.demo.t3 import T3Player
from t3tray.demo.table import Fate, thread_of
from t3tray.demo.world import Live, OpenCode
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message
from t3tray.errors import ServerError
from t3tray.opencode.connection import Connection

SWITCHED = thread_of(Fate.SWITCHES)
# In s.
_LOOK = 1.0


async def switch(engine: Engine, t3: T3Player, scratch: Scratch) -> None:
    """Let it happen. Raises T3TrayError, and httpx's errors."""
    opencode = OpenCode(await engine.server.ensure_ready())
    try:
        session_id = await opencode.make_session(scratch.code / SWITCHED.project)
        now = utc_now()
        await asyncio.to_thread(t3.log_session, SWITCHED.id, session_id, now)
        await opencode.ask(session_id, AFTER_THE_SWITCH)
        await asyncio.to_thread(t3.begin_turn, SWITCHED.id, AFTER_THE_SWITCH, session_id, now)
    finally:
        await opencode.close()
    await end_turn(engine, t3, Live(SWITCHED.id, session_id))


async def end_turn(engine: Engine, t3: T3Player, live: Live) -> None:
    """Wait for the end of the turn that runs in this thread, and write it down. Raises T3TrayError."""
    while (answer := await _answer(await engine.connect(), live.session_id)) is None:  # noqa: ASYNC110 (no event tells)
        await asyncio.sleep(_LOOK)
    part = next((piece.id for piece in answer.pieces if piece.text), "")
    await asyncio.to_thread(t3.end_turn, live.thread_id, ShownMessage("assistant", answer.text, utc_now(), part))


async def _answer(connection: Connection, session_id: str) -> Message | None:
    """The session's last message, when it is the end of a turn; None before, and while the server does not say."""
    try:
        page = await connection.transcript(session_id, 1)
    except ServerError:
        return None
    last = page.messages[-1].message() if page.messages else None
    return last if last and last.role is Role.ASSISTANT and last.finished else None
