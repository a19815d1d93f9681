"""HTTP as bytes: a server that records exactly what it received and answers as a test says, and a client of exact bytes."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import h11

from t3tray.domain.guard import BoundSession, GuardAnswer, T3CodeState, T3ThreadState
from t3tray.guard.facts import GuardFacts
from t3tray.guard.guard import Guard
from t3tray.guard.ports import Intent
from t3tray.guard.upstream import Upstream
from t3tray.server.manager import Endpoint
from t3tray.server.port import choose_port
from tests.support.t3_world import NOON

GUARD_PASSWORD = "opens the guard"
SERVER_PASSWORD = "opens the server behind it"


@dataclass
class Arrived:
    """A received request: the bytes of its head, its body once read, and the writer for the response."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, _, value in (line.partition(b": ") for line in self.head.split(b"\r\n")[1:] if line)]

    async def read_body(self) -> bytes:
        named = {name.lower(): value for name, value in self.headers}
        if b"content-length" in named:
            self.body = await self.reader.readexactly(int(named[b"content-length"]))
        elif b"transfer-encoding" in named:
            while size := int((await self.reader.readline()).strip(), 16):
                self.body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        return self.body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Handler = Callable[[Arrived], Awaitable[None]]


async def answer_ok(arrived: Arrived) -> None:
    await arrived.read_body()
    await arrived.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


@dataclass
class RawUpstream:
    """A server on loopback. `handler` answers each request; it ends a connection by closing the writer."""

    handler: Handler = answer_ok
    arrived: list[Arrived] = field(default_factory=list)
    port: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                arrived = Arrived(head.removesuffix(b"\r\n\r\n"), reader, writer)
                self.arrived.append(arrived)
                await self.handler(arrived)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.serving.discard(task)
            writer.close()


@asynccontextmanager
async def upstream(handler: Handler = answer_ok) -> AsyncIterator[RawUpstream]:
    made = RawUpstream(handler)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for arrived in made.arrived:
            arrived.writer.close()
        if made.serving:
            _, left = await asyncio.wait(made.serving, timeout=90)
            assert not left, "a handler of the test does not end"


class NoClient:
    """No client process, for decisions by a request's head alone."""

    async def receive(self) -> bytes | None:
        raise AssertionError

    async def send(self, event: h11.Event) -> None:
        raise AssertionError


class Nothing:
    """No bindings, and a ledger that stores nothing, for a guard in front of servers without sessions."""

    def __init__(self) -> None:
        self.answers: list[GuardAnswer] = []
        self.seen_sessions: list[str] = []

    async def bound(self, thread: T3ThreadState) -> BoundSession | None:
        return None

    async def bound_session(self, thread_id: str) -> str | None:
        return None

    async def has_left(self, thread_id: str, session_id: str) -> bool:
        return False

    async def last_change(self, thread_id: str) -> int:
        return 0

    def intend(self, thread: T3ThreadState, why: str, since: int) -> AbstractAsyncContextManager[Intent]:
        raise AssertionError("nothing is to be bound here")

    async def seen(self, session_id: str, thread: T3ThreadState | None) -> None:
        self.seen_sessions.append(session_id)

    async def strayed(self, thread: T3ThreadState, session_id: str) -> None:
        raise AssertionError("nothing is bound that a message could miss")

    async def ended(self, session_id: str) -> None:
        """Stored nowhere."""

    async def record_answer(self, answer: GuardAnswer) -> None:
        self.answers.append(answer)


def upstream_of(server: str | Callable[[], Awaitable[Endpoint]], limit: float = 90.0) -> Upstream:
    """Return the guard's way to a server at this address, or to one that the endpoint function returns."""

    async def endpoint() -> Endpoint:
        return Endpoint(server, SERVER_PASSWORD, "1.18.33") if isinstance(server, str) else await server()

    return Upstream(endpoint, limit)


@asynccontextmanager
async def guard_before(
    server: str | Callable[[], Awaitable[Endpoint]],
    t3: T3CodeState | None = None,
    ledger: Nothing | GuardFacts | None = None,
    limit: float = 90.0,
) -> AsyncIterator[Guard]:
    """Run a guard in front of a server at this address, or of one that the endpoint function returns."""

    book = ledger or Nothing()
    guard = Guard(
        port=choose_port(),
        password=GUARD_PASSWORD,
        upstream=upstream_of(server, limit),
        query=lambda _: t3 or T3CodeState(),
        bindings=book,
        ledger=book,
        now=lambda: NOON,
        in_use=lambda: None,
        limit=limit,
    )
    await guard.start()
    try:
        yield guard
    finally:
        await guard.stop()


def basic(password: str = GUARD_PASSWORD) -> bytes:
    return b"Basic " + b64encode(b"opencode:" + password.encode())


def port_of(guard: Guard) -> int:
    return int(guard.url.rpartition(":")[2])


def request(guard: Guard, line: bytes, *headers: bytes, body: bytes = b"", closes: bool = True) -> bytes:
    """Return a request that access control accepts, with further headers."""
    host = b"Host: 127.0.0.1:%d" % port_of(guard)
    lines = [line + b" HTTP/1.1", host, b"Authorization: " + basic(), *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    if closes:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def exchange(guard: Guard, data: bytes, within: float = 10.0) -> bytes:
    """Send bytes; return everything received until the guard closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(guard))
    try:
        async with asyncio.timeout(within):
            writer.write(data)
            return await reader.read()
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
