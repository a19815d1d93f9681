"""One request and its answer, as bytes: nothing is decoded, and bodies are streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.client import responses
from typing import Protocol

import h11
import msgspec

Headers = tuple[tuple[bytes, bytes], ...]

_FRAMING = (b"content-length", b"transfer-encoding")


class TooLarge(Exception):
    """Raised when a request body that must be read completely is larger than its limit."""


class Gone(Exception):
    """Raised when the client left before its request was complete."""


class UnreadableRequest(Exception):
    """Raised when the request's body is not valid HTTP."""


class Client(Protocol):
    """The client's connection. It cancels the task that answers when the client leaves."""

    async def receive(self) -> bytes | None:
        """Return the next part of the request's body; None at its end. Raises Gone, UnreadableRequest."""
        ...

    async def send(self, event: h11.Event) -> None:
        """Send a part of the answer; waits while the client does not read."""
        ...


class Exchange:
    """A request and its answer. `target` is the unchanged path and query; header names are in lower case, values unchanged."""

    def __init__(self, method: str, target: bytes, headers: Headers, peer: str, client: Client) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition(b"?")
        self.headers = headers
        self.peer = peer
        self.has_body = any(name in _FRAMING for name, _ in headers)
        self.is_answered = False
        self.is_complete = False
        self._client = client

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the last header of this name."""
        return next((value for known, value in reversed(self.headers) if known == name), None)

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the request's body as it arrives. Raises Gone, UnreadableRequest."""
        while (part := await self._client.receive()) is not None:
            yield part

    async def whole_body(self, limit: int) -> bytes:
        """Return the request's body of at most `limit` bytes. Raises TooLarge, Gone, UnreadableRequest."""
        held = bytearray()
        async for chunk in self.body():
            held += chunk
            if len(held) > limit:
                raise TooLarge
        return bytes(held)

    async def relay(self, status: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        """Answer with the chunks as they arrive, at the pace at which the client reads."""
        await self._begin(status, headers)
        async for chunk in chunks:
            await self._client.send(h11.Data(chunk))
        await self._finish()

    async def answer(self, status: int, headers: Headers, content: bytes) -> None:
        await self._begin(status, headers)
        if content and self.method != "HEAD":
            await self._client.send(h11.Data(content))
        await self._finish()

    async def give_json(self, status: int, content: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Answer with a JSON text."""
        length = (b"content-length", str(len(content)).encode())
        await self.answer(status, ((b"content-type", b"application/json"), length, *headers), content)

    async def refuse(self, status: int, name: str, sentence: str, *headers: tuple[bytes, bytes]) -> None:
        """Answer with an error in OpenCode's format; T3 Code shows the sentence."""
        await self.give_json(status, msgspec.json.encode({"name": name, "data": {"message": sentence}}), *headers)

    async def _begin(self, status: int, headers: Headers) -> None:
        self.is_answered = True
        await self._client.send(head_of(status, headers))

    async def _finish(self) -> None:
        # Set before sending: the client may leave as soon as it has everything.
        self.is_complete = True
        await self._client.send(h11.EndOfMessage())


def head_of(status: int, headers: Headers) -> h11.Response:
    return h11.Response(status_code=status, headers=list(headers), reason=responses.get(status, "").encode())
