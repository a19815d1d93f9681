"""OpenCode's global event stream, with reconnection.

Connects, detects silence and reconnects. Events are hints: none is replayed after a gap, so a consumer must read the lists again
at every `Connected`. Only the fields needed to address an event are interpreted here.
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
    """The stream is open. What happened before is not known: read the lists again."""


@dataclass(frozen=True)
class ServerEvent:
    """One event. `directory` is empty for the server's own events; a sub-agent's events have the sub-agent's session."""

    kind: str
    directory: str
    session_id: str | None
    properties: dict[str, object]


@dataclass(frozen=True)
class Gap:
    """The stream was lost, or could not be opened; the next attempt is automatic."""

    error: ServerError


Signal = Connected | ServerEvent | Gap


@dataclass(frozen=True)
class Quiet:
    """No event arrived within the consumer's time."""


class EventSource(Protocol):
    """A source of events; tests have one without a connection."""

    def events(self) -> AsyncGenerator[Signal, None]: ...


class _Payload(msgspec.Struct, frozen=True):
    type: str
    properties: dict[str, object] = {}


class _Envelope(msgspec.Struct, frozen=True):
    payload: _Payload
    directory: str = ""


class EventStream:
    """The events of one server over a client's connections.

    Times are in seconds. A connection without data for three heartbeats counts as dead, whatever TCP says; a heartbeat is
    `heartbeat` long until a longer one was observed. `first_answer` limits only the wait for the first event, because a server
    that is just starting may never respond. `last_event_at` is the time of the last event, by `clock`; minus infinity while no
    stream is open.
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
        """Yield events endlessly, with `Connected` and `Gap` where the stream begins and is lost.

        Raises Unauthorized when the password is refused, because retrying would not help. To stop it from another task, cancel
        the reading task; the reading task itself breaks its loop and calls `aclose()`.
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
        """Return a growing delay with noise, so that several apps do not reconnect at the same time."""
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
            # Either the stream is dead, or its heartbeat is slower than assumed: allow for the latter.
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
        """Await with a limit. The time-out must not contain a `yield`, where it would interrupt the consumer's work."""
        try:
            async with asyncio.timeout(limit):
                return await reading
        except TimeoutError as error:
            raise TimedOut(f"No data from {self._url} for {limit:.0f} seconds.") from error
        except httpx.RequestError as error:
            raise failures.of_transport(error, self._url) from error

    def _note_end(self) -> None:
        self.last_event_at = -math.inf

    def _note_beat(self, last: float | None) -> float:
        now = self._clock()
        if last is not None:
            # Buffered heartbeats seem to arrive at once; the lower bound prevents them from shortening the limit.
            self._heartbeat = max(self._shortest, min(now - last, _SLOWEST_HEARTBEAT))
        return now


async def with_pauses(
    signals: AsyncGenerator[Signal, None], patience: Callable[[], float]
) -> AsyncGenerator[Signal | Quiet, None]:
    """Yield the signals, and `Quiet` whenever none arrives for `patience()` seconds. Closes `signals` at its end."""
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
    """Return the event; None for OpenCode's own synchronisation copies and for an unknown format."""
    try:
        envelope = msgspec.json.decode(conceal(sse.data), type=_Envelope)
    except msgspec.DecodeError as error:
        _log.warning("An event was ignored because it could not be parsed: %s", error)
        return None
    payload = envelope.payload
    if payload.type == "sync":
        return None
    return ServerEvent(payload.type, envelope.directory, _session_of(payload.properties), payload.properties)


def _session_of(properties: dict[str, object]) -> str | None:
    """Return the session that an event is about; its place differs between versions."""
    inner = [value for value in (properties.get("part"), properties.get("info")) if isinstance(value, dict)]
    places: list[object] = [properties.get("sessionID"), *(value.get("sessionID") for value in inner)]
    places += [value.get("id") for value in inner if str(value.get("id")).startswith("ses_")]
    return next((place for place in places if isinstance(place, str)), None)
