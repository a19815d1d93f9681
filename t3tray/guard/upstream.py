"""The guard's HTTP client for the OpenCode server, which is started if necessary; requests are forwarded byte for byte.

Uses h11 directly: HTTP clients rewrite paths and headers, and take twice the time. Ignores the environment's proxy settings, and
never repeats a request that may have arrived. The server's password is used only here.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import h11
import httpx

from t3tray.errors import ServerDown, ServerFault, TimedOut
from t3tray.guard.channel import Channel, new_http
from t3tray.guard.exchange import Headers
from t3tray.guard.headers import for_server, without
from t3tray.server.manager import Endpoint

# In seconds. T3 Code starts one turn at a time: a delayed request delays them all.
READY_LIMIT = 15.0
_CONNECT_LIMIT = 2.0
# In seconds and in bytes: for an answer that is read completely, which is a session or an error.
WHOLE_LIMIT = 60.0
ANSWER_LIMIT = 64_000_000
# In seconds: shorter than any server's limit for idle connections, so that none is used while it is being closed.
_KEEP_IDLE = 4.0
_BROKEN = (OSError, h11.ProtocolError)


@dataclass(frozen=True)
class UpstreamResponse:
    """The server's answer; `chunks` yields its body as it arrives."""

    status: int
    headers: Headers
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True)
class Whole:
    """An answer that was read completely."""

    status: int
    headers: Headers
    content: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class _Address:
    """`prefix` precedes every path, and every request gets `headers`."""

    endpoint: Endpoint
    host: str
    port: int
    tls: ssl.SSLContext | None
    prefix: bytes
    headers: Headers


class _Connection(Channel):
    """One connection to the server, for one request at a time.

    h11 reads heads and chunks. A body of known length bypasses it after the first part, so that large answers are not copied.
    """

    def __init__(self, address: _Address) -> None:
        super().__init__(h11.CLIENT)
        self.address = address
        # Timer that closes the connection; set while it is idle.
        self.idle: asyncio.TimerHandle | None = None
        # Whether the answer was read to its end, and another one may follow.
        self.is_done = False
        self._left: int | None = None
        self._parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if self.idle is not None:
            # Data without a request would be taken for the next answer.
            self.transport.abort()
        elif self._left:
            self._parts.append(data)
            self.note_arrival(len(data))
        else:
            super().data_received(data)

    async def ask(self, request: h11.Request, content: AsyncIterable[bytes] | bytes | None) -> h11.Response:
        """Send a request, and return the head of the answer. Raises OSError, h11.ProtocolError."""
        self.is_done = False
        self.http = new_http(h11.CLIENT)
        self.put(request)
        if isinstance(content, bytes):
            await self.write(h11.Data(content))
        elif content is not None:
            async for part in content:
                # A server that accepts no more still sends its answer.
                if self.is_open:
                    await self.write(h11.Data(part))
        if self.is_open:
            self.put(h11.EndOfMessage())
        while isinstance(event := await self.read(), h11.InformationalResponse):
            pass
        if not isinstance(event, h11.Response):
            raise ConnectionResetError
        return event

    async def body(self, head: h11.Response) -> AsyncIterator[bytes]:
        """Yield the answer's body as it arrives. Raises ServerDown."""
        surplus = b""
        try:
            event = await self.read()
            if isinstance(event, h11.Data) and (length := _length_of(head)) is not None:
                self._left = length - len(event.data)
            while isinstance(event, h11.Data):
                yield bytes(event.data)
                if self._left is not None:
                    break
                event = await self.read()
            while self._left:
                while not self._parts:
                    await self.more()
                part = self._parts.pop(0)
                part, surplus = part[: self._left], part[self._left :]
                self._left -= len(part)
                yield part
        except _BROKEN as error:
            raise ServerDown(f"The OpenCode server's answer was interrupted: {type(error).__name__}.") from error
        self._left = None
        self.take_more()
        unasked = surplus or self._parts or self.http.trailing_data[0]
        self.is_done = self.is_open and not unasked and _stays_open(head)


class Upstream:
    """Requests to the server that is ready at that time. All raise ServerDown if no answer comes."""

    def __init__(self, endpoint: Callable[[], Awaitable[Endpoint]], ready_limit: float = READY_LIMIT) -> None:
        """`endpoint` returns the server, started if necessary; its errors pass through."""
        self._endpoint = endpoint
        self._ready_limit = ready_limit
        self._address: _Address | None = None
        self._open: set[_Connection] = set()
        # Idle connections, the last used one at the end.
        self._idle: list[_Connection] = []

    async def aclose(self) -> None:
        for connection in self._open:
            connection.transport.abort()

    async def ready(self) -> Endpoint:
        """Return the server once it is ready. Raises TimedOut, and what `endpoint` raises."""
        try:
            async with asyncio.timeout(self._ready_limit):
                return await self._endpoint()
        except TimeoutError:
            raise TimedOut(f"The server was not ready within {self._ready_limit:g} seconds.") from None

    @asynccontextmanager
    async def open(
        self, method: str, target: bytes, headers: Headers, content: AsyncIterable[bytes] | bytes | None = None
    ) -> AsyncIterator[UpstreamResponse]:
        """Send one request and give its answer; leaving the context ends it, even if it was not read completely."""
        address = await self._address_now()
        sent = [*address.headers, *for_server(headers)]
        if content is not None and all(name != b"content-length" for name, _ in sent):
            length = str(len(content)).encode() if isinstance(content, bytes) else b""
            sent.append((b"content-length", length) if length else (b"transfer-encoding", b"chunked"))
        request = h11.Request(method=method, target=address.prefix + target, headers=sent)
        try:
            connection = await self._connected(address)
        except (OSError, TimeoutError) as error:
            raise ServerDown(f"The OpenCode server gave no answer: {type(error).__name__}.") from error
        try:
            try:
                head = await connection.ask(request, content)
            except _BROKEN as error:
                raise ServerDown(f"The OpenCode server gave no answer: {type(error).__name__}.") from error
            yield UpstreamResponse(head.status_code, tuple(head.headers.raw_items()), connection.body(head))
        finally:
            self._release(connection)

    async def fetch(self, method: str, target: bytes, headers: Headers, body: bytes | None = None) -> Whole:
        """Send a request with a client's headers and our own JSON body, and return its complete answer.

        Also raises TimedOut and ServerFault: work that continues after the client has left needs limits of time and size.
        """
        headers = without(headers, b"content-length", b"content-type", b"transfer-encoding", b"accept-encoding")
        headers = (*headers, (b"accept-encoding", b"identity"))
        if body is not None:
            headers = (*headers, (b"content-type", b"application/json"))
        async with _in_time(), self.open(method, target, headers, body) as answered:
            return await whole(answered)

    async def _address_now(self) -> _Address:
        endpoint = await self.ready()
        if self._address is None or self._address.endpoint != endpoint:
            self._address = await _address_of(endpoint)
        return self._address

    async def _connected(self, address: _Address) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.idle is not None:
                connection.idle.cancel()
                connection.idle = None
            if connection.is_open and connection.address is address:
                return connection
            self._end(connection)
        async with asyncio.timeout(_CONNECT_LIMIT):
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                partial(_Connection, address), address.host, address.port, ssl=address.tls
            )
        self._open.add(connection)
        return connection

    def _release(self, connection: _Connection) -> None:
        """Keep the connection for the next request, or close it if its answer was not read completely."""
        if connection.is_done:
            self._idle.append(connection)
            connection.idle = asyncio.get_running_loop().call_later(_KEEP_IDLE, self._end, connection)
        else:
            self._end(connection)

    def _end(self, connection: _Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        self._open.discard(connection)
        connection.transport.abort()


def _length_of(head: h11.Response) -> int | None:
    named = dict(head.headers)
    return int(named[b"content-length"]) if b"content-length" in named and b"transfer-encoding" not in named else None


def _stays_open(head: h11.Response) -> bool:
    ends = any(name == b"connection" and b"close" in value.lower() for name, value in head.headers)
    return head.http_version == b"1.1" and not ends


async def _address_of(endpoint: Endpoint) -> _Address:
    parts = urlsplit(endpoint.url)
    tls = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False) if parts.scheme == "https" else None
    headers: Headers = ((b"Host", parts.netloc.rpartition("@")[2].encode()),)
    if endpoint.password is not None:
        word = b64encode(f"{endpoint.user}:{endpoint.password}".encode())
        headers = (*headers, (b"Authorization", b"Basic " + word))
    port = parts.port or (443 if tls else 80)
    return _Address(endpoint, parts.hostname or "", port, tls, parts.path.rstrip("/").encode(), headers)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WHOLE_LIMIT):
            yield
    except TimeoutError:
        raise TimedOut(f"The server did not respond within {WHOLE_LIMIT:g} seconds.") from None


async def whole(answered: UpstreamResponse) -> Whole:
    """Read the answer completely. Raises ServerFault for one that is too large, TimedOut for one that does not end."""
    content = bytearray()
    async with _in_time():
        async for chunk in answered.chunks:
            content += chunk
            if len(content) > ANSWER_LIMIT:
                raise ServerFault(f"The server's answer has more than {ANSWER_LIMIT:,} bytes.")
    return Whole(answered.status, answered.headers, bytes(content))
