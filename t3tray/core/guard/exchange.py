"""One request and its answer over ASGI, as bytes: nothing is decoded, and no body is held.

It owns no rule; what leaves here is what came in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FRAMING = (b"content-length", b"transfer-encoding")


class TooLarge(Exception):
    """A body that had to be held is longer than anything T3 Code sends there."""


class Gone(Exception):
    """The client left before its request was whole."""


class Exchange:
    """`target` is the path and the query as they came. The names of headers are in lower case, everything else is untouched."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = tuple(scope["headers"])
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self.has_body = any(name in _FRAMING for name, _ in self.headers)
        self.is_answered = False
        self.is_complete = False
        self._receive = receive
        self._send = send
        self._whole = asyncio.Event()

    @property
    def target(self) -> bytes:
        return self.path + b"?" + self.query if self.query else self.path

    def header(self, name: bytes) -> bytes | None:
        """The last header of this name."""
        return next((value for known, value in reversed(self.headers) if known == name), None)

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes. Raises Gone."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            more = message.get("more_body", False)
            if message["body"]:
                yield message["body"]
        self._whole.set()

    async def whole_body(self, limit: int) -> bytes:
        """The request's body, `limit` bytes at most. Raises TooLarge, Gone."""
        held = bytearray()
        async for chunk in self.body():
            held += chunk
            if len(held) > limit:
                raise TooLarge
        return bytes(held)

    async def until_gone(self) -> None:
        """Until the client has left. Whoever reads the body reads it first."""
        if self.has_body:
            await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def relay(self, status: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        """Answer with each chunk as soon as it comes, and no sooner than the client takes it."""
        self.is_answered = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        async for chunk in chunks:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._finish(b"")

    async def answer(self, status: int, headers: Headers, content: bytes) -> None:
        self.is_answered = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._finish(content)

    async def give_json(self, status: int, content: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Answer with a JSON text."""
        length = (b"content-length", str(len(content)).encode())
        await self.answer(status, ((b"content-type", b"application/json"), length, *headers), content)

    async def refuse(self, status: int, name: str, sentence: str, *headers: tuple[bytes, bytes]) -> None:
        """Answer with an error in OpenCode's own form, of which T3 Code shows the sentence."""
        await self.give_json(status, msgspec.json.encode({"name": name, "data": {"message": sentence}}), *headers)

    async def _finish(self, content: bytes) -> None:
        # Before it is sent: from then on the server tells of every client that it has left.
        self.is_complete = True
        await self._send({"type": "http.response.body", "body": content, "more_body": False})
