"""What T3 Code writes while the demo runs: the ends of running turns, and the silent switch, in which a follow-up goes to a new,
empty session without a notice. Runs on the event loop.
"""

from __future__ import annotations

import asyncio

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.demo.scratch import Scratch
from t3tray.demo.sessions import ShownMessage
from t3tray.demo.stories import AFTER_THE_SWITCH
from t3tray.demo.t3 import T3Player
from t3tray.demo.table import Fate, thread_of
from t3tray.demo.world import OpenCode, RunningTurn
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message
from t3tray.errors import ServerError
from t3tray.opencode.connection import Connection

SWITCHED = thread_of(Fate.SWITCHES)
# In s.
_POLL = 1.0


async def switch(backend: Backend, t3: T3Player, scratch: Scratch) -> None:
    """Perform the silent switch. Raises T3TrayError, and httpx's errors."""
    opencode = OpenCode(await backend.server.ensure_ready())
    try:
        session_id = await opencode.make_session(scratch.code / SWITCHED.project)
        now = utc_now()
        await asyncio.to_thread(t3.log_session, SWITCHED.id, session_id, now)
        await opencode.ask(session_id, AFTER_THE_SWITCH)
        await asyncio.to_thread(t3.begin_turn, SWITCHED.id, AFTER_THE_SWITCH, session_id, now)
    finally:
        await opencode.close()
    await end_turn(backend, t3, RunningTurn(SWITCHED.id, session_id))


async def end_turn(backend: Backend, t3: T3Player, turn: RunningTurn) -> None:
    """Wait for the end of a thread's running turn, and write it to T3 Code's database. Raises T3TrayError."""
    while (answer := await _final_answer(await backend.servers.connect(), turn.session_id)) is None:  # noqa: ASYNC110 (no event tells)
        await asyncio.sleep(_POLL)
    part = next((piece.id for piece in answer.pieces if piece.text), "")
    await asyncio.to_thread(t3.end_turn, turn.thread_id, ShownMessage("assistant", answer.text, utc_now(), part))


async def _final_answer(connection: Connection, session_id: str) -> Message | None:
    """Return the session's last message if it is the end of a turn; None before that, and while the server does not answer."""
    try:
        page = await connection.transcript(session_id, 1)
    except ServerError:
        return None
    last = page.messages[-1].message() if page.messages else None
    return last if last and last.role is Role.ASSISTANT and last.finished else None
