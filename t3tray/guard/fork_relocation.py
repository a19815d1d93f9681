"""Moves a fork to the requested directory: OpenCode creates every fork in its parent's directory.

Fork, mark, move, and only then answer. A fork that cannot be moved is kept, named in the journal and not bound to the thread: the
parent still has the whole conversation, and the fork may have been opened and written to.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from urllib.parse import quote

import msgspec

from t3tray.domain.guard import ForkRequest, Refusal, T3ThreadState
from t3tray.errors import Refused, ServerError, StoreError
from t3tray.guard.blocking import BlockingCalls
from t3tray.guard.exchange import Exchange
from t3tray.guard.headers import without
from t3tray.guard.ports import Intent, Ledger
from t3tray.guard.requests import DIRECTORY_HEADER, Fields, with_marker
from t3tray.guard.upstream import Upstream, Whole
from t3tray.messages.journal_reasons import forked_for
from t3tray.opencode import wire
from t3tray.system.folders import same_directory

_MOVE = b"/experimental/control-plane/move-session"
_log = logging.getLogger(__name__)


class ForkRelocator:
    """Creates forks in the requested directory."""

    def __init__(self, upstream: Upstream, ledger: Ledger, run: BlockingCalls) -> None:
        self._upstream = upstream
        self._ledger = ledger
        self._run = run

    async def fork(
        self, exchange: Exchange, request: ForkRequest, body: bytes | None, thread: T3ThreadState | None, since: int = 0
    ) -> Whole | Refusal:
        """Return OpenCode's answer for the fork in its directory, OpenCode's own failure, or the reason of a refusal.

        `thread` is bound to the fork; without one nothing is recorded. `since` is the last change of its binding at the time of
        the request. Raises StoreError, Refused, ServerError.
        """
        async with AsyncExitStack() as stack:
            intent = None
            if thread is not None:
                why = forked_for(request.directory, request.session_id)
                intent = await stack.enter_async_context(self._ledger.intend(thread, why, since))
            made = await self._upstream.fetch(exchange.method, exchange.target, exchange.headers, body)
            if not made.is_good:
                return Refusal.SESSION_GONE if made.status == 404 else made
            fork = wire.decode(made.content, wire.WireSession, "the fork").id
            try:
                moved = await self._move(exchange, request, fork, made, intent)
            except ServerError:
                await self._leave(intent, fork)
                raise
            if moved is None:
                await self._leave(intent, fork)
                return Refusal.MOVE_REFUSED
            if intent is not None:
                await self._confirm(intent, moved)
            return moved

    async def _move(
        self, exchange: Exchange, request: ForkRequest, fork: str, made: Whole, intent: Intent | None
    ) -> Whole | None:
        """Return OpenCode's answer for the moved fork; None if it could not be moved."""
        path = f"/session/{quote(fork, safe='')}".encode()
        headers = without(exchange.headers, DIRECTORY_HEADER)
        if intent is not None:
            fields = msgspec.json.decode(made.content, type=Fields)
            body = with_marker({"metadata": fields["metadata"]} if "metadata" in fields else {}, intent.marker)
            marked = await self._upstream.fetch("PATCH", path, headers, body)
            if not marked.is_good:
                return None
        if await self._run(_works_in, made, request.directory):
            return await self._upstream.fetch("GET", path, headers)
        destination = {"sessionID": fork, "destination": {"directory": request.directory}}
        if not (await self._upstream.fetch("POST", _MOVE, headers, msgspec.json.encode(destination))).is_good:
            return None
        moved = await self._upstream.fetch("GET", path, headers)
        return moved if moved.is_good and await self._run(_works_in, moved, request.directory) else None

    async def _leave(self, intent: Intent | None, fork: str) -> None:
        _log.warning("The fork %s could not be moved to the requested folder; it was not changed.", fork)
        if intent is None:
            return
        try:
            await intent.give_up(fork)
        except (StoreError, Refused) as error:
            # The intent is written ahead, and recovery settles it.
            _log.warning("The abandoned fork %s could not be recorded: %s", fork, error.message)

    async def _confirm(self, intent: Intent, moved: Whole) -> None:
        try:
            await intent.confirm(wire.decode(moved.content, wire.WireSession, "the fork").record())
        except (StoreError, Refused, ServerError) as error:
            # The intent is written ahead and the session has the marker: the next reconciliation finds it.
            _log.warning("The fork of a moved thread could not be recorded: %s", error.message)


def _works_in(session: Whole, directory: str) -> bool:
    """Return whether this is the session's directory. Blocks."""
    return same_directory(wire.decode(session.content, wire.WireSession, "the fork").directory, directory) is True
