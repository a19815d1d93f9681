"""HTTP/1.1 over an asyncio transport: h11 parses and writes the messages, with flow control in both directions.

h11 is strict: it raises for an ambiguous message, and writes every message in one regular form.
"""

from __future__ import annotations

import asyncio

import h11

# Bytes that may wait in one direction before the sender is held back.
BUFFER = 2**20
# Bytes of the longest head of a message.
_HEAD_SIZE = 64 * 1024


def new_http(role: type[h11.CLIENT] | type[h11.SERVER]) -> h11.Connection:
    return h11.Connection(role, max_incomplete_event_size=_HEAD_SIZE)


class Channel(asyncio.Protocol):
    """One connection. `read` returns the next event, `write` sends one; one task at a time uses them."""

    transport: asyncio.Transport

    def __init__(self, role: type[h11.CLIENT] | type[h11.SERVER]) -> None:
        self.http = new_http(role)
        self._unread = 0
        self._arrival: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._is_lost = False
        self._failure: Exception | None = None

    @property
    def is_open(self) -> bool:
        return not (self._is_lost or self.transport.is_closing())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=BUFFER)

    def data_received(self, data: bytes) -> None:
        self.http.receive_data(data)
        self.note_arrival(len(data))

    def eof_received(self) -> None:
        self.http.receive_data(b"")
        _wake(self._arrival)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._failure = exc
        if exc is None:
            self.http.receive_data(b"")
        _wake(self._arrival)
        _wake(self._room)

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._room)
        self._room = None

    async def read(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the other side's next event. Raises h11.RemoteProtocolError, ConnectionError."""
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            await self.more()

    async def more(self) -> None:
        """Wait for more bytes. Raises ConnectionError."""
        if self._is_lost:
            raise ConnectionResetError from self._failure
        self.take_more()
        self._arrival = asyncio.get_running_loop().create_future()
        await self._arrival

    def note_arrival(self, count: int) -> None:
        """Count received bytes that were not read yet; above the limit, pause the sender."""
        self._unread += count
        if self._unread >= BUFFER:
            self.transport.pause_reading()
        _wake(self._arrival)

    async def write(self, event: h11.Event) -> None:
        """Send an event, and wait until the other side has taken most of what was sent."""
        self.put(event)
        if self._room is not None:
            await self._room

    def put(self, event: h11.Event) -> None:
        """Send a small event without waiting."""
        if data := self.http.send(event):
            self.transport.write(data)

    def start_next(self) -> bool:
        """Return whether another request may follow on this connection; start its cycle if so."""
        if not self.is_open or self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        self.take_more()
        return True

    def take_more(self) -> None:
        """Resume receiving, after the received bytes were read."""
        self._unread = 0
        self.transport.resume_reading()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
