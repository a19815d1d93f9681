"""Connections of clients: each request is answered by a task, which is cancelled when the client leaves.

At most 64 connections without authentication stay open, and a request's head has 10 seconds. A request without the password is
answered and its connection closed, so only connections without a complete first request are unauthenticated. If there are too
many, the oldest is closed: T3 Code sends its request within milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import h11

from t3tray.guard.channel import Channel
from t3tray.guard.exchange import Exchange, Gone, UnreadableRequest, head_of

# In seconds: from a head's first byte to its last; for the first request, from the start of the connection.
HEAD_LIMIT = 10.0
MOST_STRANGERS = 64
# In seconds. T3 Code closes its idle connections after 4; the guard never does so first.
_KEEP_IDLE = 120.0


@dataclass
class Connections:
    """All open connections. `strangers` have sent no complete request yet, oldest first; `head_limit` in seconds."""

    serve: Callable[[Exchange], Awaitable[None]]
    head_limit: float = HEAD_LIMIT
    open: set[ClientConnection] = field(default_factory=set)
    strangers: dict[ClientConnection, None] = field(default_factory=dict)

    def new(self) -> ClientConnection:
        return ClientConnection(self)

    async def end(self, limit: float) -> None:
        """Cancel all requests under way, wait for them at most `limit` seconds, and close every connection."""
        tasks = [each.task for each in self.open if each.task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=limit)
        for each in list(self.open):
            each.drop()


class ClientConnection(Channel):
    """One connection of a client."""

    def __init__(self, all_: Connections) -> None:
        super().__init__(h11.SERVER)
        self.task: asyncio.Task[None] | None = None
        self._all = all_
        self._exchange: Exchange | None = None
        self._due: asyncio.TimerHandle | None = None
        # Idle between two requests.
        self._rests = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        while len(self._all.strangers) >= MOST_STRANGERS:
            next(iter(self._all.strangers)).drop()
        self._all.open.add(self)
        self._all.strangers[self] = None
        self._wait(self._all.head_limit)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.task is None and self.is_open:
            if self._rests:
                self._rests = False
                self._wait(self._all.head_limit)
            self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._settle()
        self._all.open.discard(self)
        if self.task and self._exchange and not self._exchange.is_complete:
            self.task.cancel()

    def drop(self) -> None:
        """Close the connection immediately, without an answer."""
        self._settle()
        self.transport.abort()

    async def receive(self) -> bytes | None:
        """Return the next part of the request's body; None at its end. Raises Gone, UnreadableRequest."""
        if self.http.they_are_waiting_for_100_continue:
            self.put(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        try:
            event = await self.read()
        except h11.RemoteProtocolError as error:
            raise UnreadableRequest from error
        except ConnectionError as error:
            raise Gone from error
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def send(self, event: h11.Event) -> None:
        if self.is_open:
            await self.write(event)

    def _advance(self) -> None:
        """Start the next request if its head is complete."""
        try:
            event = self.http.next_event()
        except h11.RemoteProtocolError:
            self._refuse()
            return
        if isinstance(event, h11.Request):
            self._settle()
            peer = self.transport.get_extra_info("peername")
            self._exchange = Exchange(
                event.method.decode("ascii"), event.target, tuple(event.headers), peer[0] if peer else "", self
            )
            self.task = asyncio.get_running_loop().create_task(self._serve(self._exchange))
        elif event is not h11.NEED_DATA:
            self.transport.close()

    async def _serve(self, exchange: Exchange) -> None:
        try:
            await self._all.serve(exchange)
        except UnreadableRequest:
            if not exchange.is_answered:
                self._refuse()
        finally:
            self.task = None
            self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> None:
        if not exchange.is_complete or not self._has_whole_request() or not self.start_next():
            self.transport.close()
            return
        self._rests = not self.http.trailing_data[0]
        self._wait(_KEEP_IDLE if self._rests else self._all.head_limit)
        if not self._rests:
            self._advance()

    def _has_whole_request(self) -> bool:
        """Return whether the request has arrived completely; its unread rest is discarded."""
        try:
            while self.http.their_state is h11.SEND_BODY:
                if self.http.next_event() is h11.NEED_DATA:
                    return False
        except h11.RemoteProtocolError:
            return False
        return True

    def _refuse(self) -> None:
        """Answer invalid HTTP with 400, and close."""
        self._settle()
        if self.is_open and self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = b"Invalid HTTP request received."
            for event in head_of(400, ((b"content-length", b"%d" % len(body)), (b"connection", b"close"))), h11.Data(body):
                self.put(event)
        self.transport.close()

    def _wait(self, limit: float) -> None:
        """Close the connection if no request arrives within `limit` seconds."""
        if self._due is not None:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(limit, self.drop)

    def _settle(self) -> None:
        """Stop waiting: a request is complete, or the connection is gone."""
        self._all.strangers.pop(self, None)
        if self._due is not None:
            self._due.cancel()
            self._due = None
