"""The client of OpenCode's API for the guard's own questions: its requests go the way of those that the guard forwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx

from t3tray.guard.upstream import Upstream
from t3tray.opencode.connection import Connection
from t3tray.server.manager import Endpoint


class UpstreamClient:
    """`connect` returns a connection to the server that is ready, started if necessary."""

    def __init__(self, upstream: Upstream, prepare: Callable[[], Awaitable[bool]]) -> None:
        """`prepare` does what has to be done once for each server before its answers count, and returns whether that is done."""
        self._upstream = upstream
        self._prepare = prepare
        self._prepared: Endpoint | None = None
        self._connection: tuple[Endpoint, Connection] | None = None

    async def connect(self) -> Connection:
        """Raises what the endpoint of the upstream and `prepare` raise, TimedOut too."""
        endpoint = await self._upstream.ready()
        if self._prepared != endpoint and await self._prepare():
            self._prepared = endpoint
        if self._connection is None or self._connection[0] != endpoint:
            # The upstream adds the password, and what precedes a path.
            url = urlsplit(endpoint.url)._replace(path="").geturl()
            transport = UpstreamTransport(self._upstream)
            self._connection = endpoint, Connection(url, None, endpoint.version, endpoint.user, transport)
        return self._connection[1]


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Sends the requests of an httpx client by the upstream, whose errors pass through. The read timeout holds for each step."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread() or None
        headers = tuple((name.lower(), value) for name, value in request.headers.raw)
        opened = AsyncExitStack()
        try:
            async with _step(request):
                asking = self._upstream.open(request.method, request.url.raw_path, headers, body)
                answered = await opened.enter_async_context(asking)
        except BaseException:
            await opened.aclose()
            raise
        return httpx.Response(answered.status, headers=list(answered.headers), stream=_Body(request, answered.chunks, opened))


class _Body(httpx.AsyncByteStream):
    def __init__(self, request: httpx.Request, chunks: AsyncIterator[bytes], opened: AsyncExitStack) -> None:
        self._request = request
        self._chunks = chunks
        self._opened = opened

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            async with _step(self._request):
                chunk = await anext(self._chunks, None)
            if chunk is None:
                return
            yield chunk

    async def aclose(self) -> None:
        await self._opened.aclose()


@asynccontextmanager
async def _step(request: httpx.Request) -> AsyncIterator[None]:
    limit: float | None = request.extensions.get("timeout", {}).get("read")
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
