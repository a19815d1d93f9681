"""Which connections to the guard may stay open: few that have shown no password, and none that is slow to ask.

Whoever asks without the password is answered and closed at once, so that a connection whose first request is not whole yet is one
that has shown none. The oldest of too many goes: T3 Code sends its request within milliseconds.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# In seconds: from its first byte to its last, and for the first of a connection from the beginning of that.
HEAD_LIMIT = 10.0
MOST_STRANGERS = 64


class Connection(H11Protocol):
    """One connection. `strangers` are those that have not asked for anything yet, the oldest first; `head_limit` in seconds."""

    def __init__(self, *args: Any, strangers: dict[Connection, None], head_limit: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._strangers = strangers
        self._head_limit = head_limit
        self._head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        while len(self._strangers) >= MOST_STRANGERS:
            next(iter(self._strangers)).drop()
        self._strangers[self] = None
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._await_head()
        else:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def drop(self) -> None:
        """End it at once, without an answer."""
        self._settle()
        self.transport.abort()

    def _await_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(self._head_limit, self.drop)

    def _settle(self) -> None:
        """It has asked, or is gone."""
        self._strangers.pop(self, None)
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None
