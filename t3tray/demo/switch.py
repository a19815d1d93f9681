"""The silent switch that happens while you watch: a follow-up in T3 Code goes to a new, empty session, and nobody is told."""

from __future__ import annotations

import asyncio

from t3tray.core.domain.evidence import Role
from t3tray.core.domain.transcript import Utterance
from t3tray.core.engine import Engine, utc_now
from t3tray.core.errors import WorldError
from t3tray.core.opencode.connection import Connection
from t3tray.demo.scratch import Scratch
from t3tray.demo.sessions import Line
from t3tray.demo.stories import AFTER_THE_SWITCH
from t3tray.demo.t3 import T3Player
from t3tray.demo.table import Fate, thread_of
from t3tray.demo.world import OpenCode

THREAD = thread_of(Fate.SWITCHES)
# In s: how long the answer may take.
_ANSWER = 60.0
_LOOK = 0.2


async def switch(engine: Engine, t3: T3Player, scratch: Scratch) -> None:
    """Do it. Raises T3TrayError, and httpx's errors."""
    connection = await engine.connect()
    opencode = OpenCode(await engine.server.ensure_ready())
    try:
        session_id = await opencode.make_session(scratch.code / THREAD.project)
        now = utc_now()
        await asyncio.to_thread(t3.log_session, THREAD.id, session_id, now)
        await opencode.ask(session_id, AFTER_THE_SWITCH)
        await asyncio.to_thread(t3.begin_turn, THREAD.id, AFTER_THE_SWITCH, session_id, now)
        answer = await _answer(connection, session_id)
        part = next(piece.id for piece in answer.pieces if piece.text)
        await asyncio.to_thread(t3.end_turn, THREAD.id, Line("assistant", answer.text, utc_now(), part))
    finally:
        await opencode.close()


async def _answer(connection: Connection, session_id: str) -> Utterance:
    try:
        async with asyncio.timeout(_ANSWER):
            while True:
                page = await connection.transcript(session_id, 1)
                last = page.messages[-1].utterance() if page.messages else None
                if last and last.role is Role.ASSISTANT and last.finished and last.text:
                    return last
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise WorldError("The answer did not come.") from None
