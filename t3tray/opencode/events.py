"""OpenCode's global event stream, kept alive.

It owns connecting, watching for silence and connecting again. Events are hints: none is replayed after a gap, so a consumer
reads the lists again at every `Connected`. It keeps no events and understands only as much of them as it takes to address them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random as randomness
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx
import msgspec
from httpx_sse import ServerSentEvent, aconnect_sse

from t3tray.errors import ServerDown, ServerError, TimedOut, Unauthorized, Unsupported
from t3tray.opencode import failures
from t3tray.system.known_secrets import conceal

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

HEARTBEAT = 10.0
SILENT_HEARTBEATS = 3
_SLOWEST_HEARTBEAT = 60.0
_FIRST_DELAY = 0.25
_LONGEST_DELAY = 10.0
_HEALTHY_AFTER = 30.0


@dataclass(frozen=True)
class Connected:
    """The stream is open. Whatever happened before is unknown: read the lists again."""


@dataclass(frozen=True)
class ServerEvent:
    """One event. `directory` is empty for the server's own; a sub-agent's events carry the sub-agent's session."""

    kind: str
    directory: str
    session_id: str | None
    properties: dict[str, object]


@dataclass(frozen=True)
class Gap:
    """The stream broke, or an attempt to open it failed; the next attempt comes by itself."""

    error: ServerError


Signal = Connected | ServerEvent | Gap


@dataclass(frozen=True)
class Quiet:
    """Nothing came for as long as whoever listens wanted to wait."""


class EventSource(Protocol):
    """Where events come from; a test's need no connection."""

    def events(self) -> AsyncGenerator[Signal, None]: ...


class _Payload(msgspec.Struct, frozen=True):
    type: str
    properties: dict[str, object] = {}


class _Envelope(msgspec.Struct, frozen=True):
    payload: _Payload
    directory: str = ""


class EventStream:
    """The events of one server over a client's connections.

    Times are in seconds. A connection that stays silent for three heartbeats is dead, whatever TCP says; a heartbeat is
    `heartbeat` long until a longer one has been seen. `first_answer` limits the wait for the first event alone, because
    a server that just begins to listen may never answer. `last_event_at` is the time of the last event, by `clock`;
    minus infinity while none is open.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        heartbeat: float = HEARTBEAT,
        first_answer: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._http = http
        self._url = url
        self._shortest = self._heartbeat = heartbeat
        self._first_answer = first_answer
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self.last_event_at = -math.inf

    async def events(self) -> AsyncGenerator[Signal, None]:
        """Every event, with `Connected` and `Gap` where the stream begins and breaks; without end.

        Raises Unauthorized when the password is refused: trying again would not help. To end it from another task
        cancel the task that reads; the reading task itself breaks off and calls `aclose()`.
        """
        attempt = 0
        while True:
            began = self._clock()
            try:
                async with aclosing(self._connection()) as connection:
                    async for signal in connection:
                        yield signal
                gap = Gap(ServerDown(f"{self._url} closed the stream of events."))
            except Unauthorized:
                raise
            except ServerError as error:
                gap = Gap(error)
            attempt = 0 if self._clock() - began >= _HEALTHY_AFTER else attempt
            yield gap
            await self._sleep(self._delay(attempt))
            attempt += 1

    def _delay(self, attempt: int) -> float:
        """Growing, with noise, so that several apps do not come back in step."""
        return min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(attempt, 16)) * (0.5 + self._random())

    async def _connection(self) -> AsyncGenerator[Connected | ServerEvent, None]:
        async with AsyncExitStack() as stack:
            source = await self._within(self._first_answer, self._open(stack))
            sse = await self._within(self._first_answer, anext(source, None))
            stack.callback(self._note_end)
            last_beat = None
            while sse is not None:
                self.last_event_at = self._clock()
                event = _parsed(sse)
                if event is not None and event.kind == "server.heartbeat":
                    last_beat = self._note_beat(last_beat)
                elif event is not None:
                    yield Connected() if event.kind == "server.connected" else event
                sse = await self._next_sign(source)

    async def _next_sign(self, source: AsyncIterator[ServerSentEvent]) -> ServerSentEvent | None:
        try:
            return await self._within(SILENT_HEARTBEATS * self._heartbeat, anext(source, None))
        except TimedOut:
            # Either the stream is dead or its heart beats slower than was thought: allow for the second.
            self._heartbeat = min(2 * self._heartbeat, _SLOWEST_HEARTBEAT)
            raise

    async def _open(self, stack: AsyncExitStack) -> AsyncIterator[ServerSentEvent]:
        timeout = httpx.Timeout(None, connect=self._first_answer)
        connecting = aconnect_sse(self._http, "GET", "/global/event", timeout=timeout)
        source = await stack.enter_async_context(connecting)
        response = source.response
        if not response.is_success:
            await response.aread()
        error = failures.of_answer(response)
        if error is not None:
            raise error
        kind = response.headers.get("content-type", "nothing")
        if kind.partition(";")[0] != "text/event-stream":
            raise Unsupported(f"The server answered {kind} where a stream of events was expected.")
        return await stack.enter_async_context(aclosing(source.aiter_sse()))

    async def _within(self, limit: float, reading: Awaitable[_T]) -> _T:
        """The time-out is around the waiting alone: around a `yield` it would strike the consumer in its own work."""
        try:
            async with asyncio.timeout(limit):
                return await reading
        except TimeoutError as error:
            raise TimedOut(f"{self._url} sent no sign of life for {limit:.0f} seconds.") from error
        except httpx.RequestError as error:
            raise failures.of_transport(error, self._url) from error

    def _note_end(self) -> None:
        self.last_event_at = -math.inf

    def _note_beat(self, last: float | None) -> float:
        now = self._clock()
        if last is not None:
            # Beats that waited in the buffer seem to come at once; the shortest limit keeps them from ending the stream.
            self._heartbeat = max(self._shortest, min(now - last, _SLOWEST_HEARTBEAT))
        return now


async def with_pauses(
    signals: AsyncGenerator[Signal, None], patience: Callable[[], float]
) -> AsyncGenerator[Signal | Quiet, None]:
    """The same signals, and `Quiet` each time that none has come for `patience()` seconds. Closes `signals` at its own end."""
    coming: asyncio.Task[Signal] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(signals))
            await asyncio.wait({coming}, timeout=max(patience(), 0))
            if not coming.done():
                yield Quiet()
                continue
            done, coming = coming, None
            yield done.result()
    finally:
        if coming:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await signals.aclose()


def _parsed(sse: ServerSentEvent) -> ServerEvent | None:
    """The event, or None for the copies that OpenCode keeps for its own synchronisation and for what is not understood."""
    try:
        envelope = msgspec.json.decode(conceal(sse.data), type=_Envelope)
    except msgspec.DecodeError as error:
        _log.warning("An event was left out because it could not be read: %s", error)
        return None
    payload = envelope.payload
    if payload.type == "sync":
        return None
    return ServerEvent(payload.type, envelope.directory, _session_of(payload.properties), payload.properties)


def _session_of(properties: dict[str, object]) -> str | None:
    """The session that an event is about; where it stands has changed between versions."""
    inner = [value for value in (properties.get("part"), properties.get("info")) if isinstance(value, dict)]
    places: list[object] = [properties.get("sessionID"), *(value.get("sessionID") for value in inner)]
    places += [value.get("id") for value in inner if str(value.get("id")).startswith("ses_")]
    return next((place for place in places if isinstance(place, str)), None)
