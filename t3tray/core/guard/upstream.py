"""The OpenCode server behind the guard: started where it has to be, asked byte for byte.

httpcore, because httpx would rewrite a path and take twice the time. It follows the environment's proxy settings in nothing, and
repeats no request that may have arrived. The server's password stays in here.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpcore

from t3tray.core.errors import ServerDown, ServerFault, TimedOut
from t3tray.core.guard.exchange import Headers
from t3tray.core.guard.headers import for_server, without
from t3tray.core.opencode.managed import Endpoint

# In seconds. T3 Code starts one turn at a time: a request that is held holds them all.
READY_LIMIT = 15.0
_CONNECT_LIMIT = 2.0
# In seconds and in bytes: for an answer that is held whole, which is a session or an error.
_WHOLE_LIMIT = 60.0
_ANSWER_LIMIT = 64_000_000
# Shorter than any server keeps an idle connection open, so that none is used in the moment in which it is closed.
_KEEP_IDLE = 4.0

# In bytes, at most for each reading of an answer: what lies there is passed on at once. httpcore takes 64 KiB, and so 200 rounds
# of its locks, limits and events for 6 MB that asyncio has read in 50.
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = 2**20

_TIMEOUTS = {"timeout": {"connect": _CONNECT_LIMIT}}
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


@dataclass(frozen=True)
class Answered:
    """The server's answer; `chunks` are its body as it comes."""

    status: int
    headers: Headers
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True)
class Whole:
    """A small answer, held whole."""

    status: int
    headers: Headers
    content: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class _Address:
    endpoint: Endpoint
    origin: httpcore.URL
    headers: Headers


class Upstream:
    """One server, or the next one that takes its place. All requests raise ServerDown when no answer came."""

    def __init__(self, endpoint: Callable[[], Awaitable[Endpoint]], ready_limit: float = READY_LIMIT) -> None:
        """`endpoint` brings the server that is ready, started if it has to be; its errors pass through."""
        self._endpoint = endpoint
        self._ready_limit = ready_limit
        self._address: _Address | None = None
        self._pool = httpcore.AsyncConnectionPool(max_connections=None, keepalive_expiry=_KEEP_IDLE)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def ready(self) -> Endpoint:
        """The server when it can be asked. Raises TimedOut, and what `endpoint` raises."""
        try:
            async with asyncio.timeout(self._ready_limit):
                return await self._endpoint()
        except TimeoutError:
            raise TimedOut(f"The server was not ready within {self._ready_limit:g} seconds.") from None

    @asynccontextmanager
    async def open(
        self, method: str, target: bytes, headers: Headers, content: AsyncIterable[bytes] | bytes | None = None
    ) -> AsyncIterator[Answered]:
        """The answer to one request; leaving ends it, whether or not it was read to its end."""
        address = await self._address_now()
        sent = [*address.headers, *for_server(headers)]
        if content is not None and all(name != b"content-length" for name, _ in sent):
            length = str(len(content)).encode() if isinstance(content, bytes) else b""
            sent.append((b"content-length", length) if length else (b"transfer-encoding", b"chunked"))
        request = httpcore.Request(
            method=method,
            url=httpcore.URL(
                scheme=address.origin.scheme,
                host=address.origin.host,
                port=address.origin.port,
                target=address.origin.target.rstrip(b"/") + target,
            ),
            headers=sent,
            content=content,
            extensions=_TIMEOUTS,
        )
        try:
            response = await self._pool.handle_async_request(request)
        except _BROKEN as error:
            raise ServerDown(f"The OpenCode server gave no answer: {type(error).__name__}.") from error
        try:
            yield Answered(response.status, tuple(response.headers), _read(response))
        finally:
            await response.aclose()

    async def fetch(self, method: str, target: bytes, headers: Headers, body: bytes | None = None) -> Whole:
        """A request whose answer is small; the headers are a client's, the body is JSON of our own.

        Raises TimedOut and ServerFault too: work that is finished whoever leaves must not wait for ever, nor without bound.
        """
        headers = without(headers, b"content-length", b"content-type", b"transfer-encoding", b"accept-encoding")
        headers = (*headers, (b"accept-encoding", b"identity"))
        if body is not None:
            headers = (*headers, (b"content-type", b"application/json"))
        try:
            async with asyncio.timeout(_WHOLE_LIMIT), self.open(method, target, headers, body) as answered:
                return await whole(answered)
        except TimeoutError:
            raise TimedOut(f"The server did not answer within {_WHOLE_LIMIT:g} seconds.") from None

    async def _address_now(self) -> _Address:
        endpoint = await self.ready()
        if self._address is None or self._address.endpoint != endpoint:
            origin = httpcore.URL(endpoint.url)
            host = origin.host if origin.port is None else b"%s:%d" % (origin.host, origin.port)
            headers: Headers = ((b"Host", host),)
            if endpoint.password is not None:
                word = b64encode(f"{endpoint.user}:{endpoint.password}".encode())
                headers = (*headers, (b"Authorization", b"Basic " + word))
            self._address = _Address(endpoint, origin, headers)
        return self._address


async def whole(answered: Answered) -> Whole:
    """The answer, held whole. Raises ServerFault for one that is too large."""
    content = bytearray()
    async for chunk in answered.chunks:
        content += chunk
        if len(content) > _ANSWER_LIMIT:
            raise ServerFault(f"The server's answer has more than {_ANSWER_LIMIT:,} bytes.")
    return Whole(answered.status, answered.headers, bytes(content))


async def _read(response: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_stream():
            yield chunk
    except _BROKEN as error:
        raise ServerDown(f"The OpenCode server broke off its answer: {type(error).__name__}.") from error
