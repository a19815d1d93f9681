"""The stream of events over a real connection: what it yields when it begins, breaks, falls silent and comes back."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from t3tray.errors import ServerDown, TimedOut, Unauthorized, Unsupported
from t3tray.opencode.events import Connected, EventStream, Gap, ServerEvent, Signal

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def frame(kind: str, **properties: object) -> bytes:
    envelope = {"directory": "/work", "payload": {"id": "evt_1", "type": kind, "properties": properties}}
    return f"data: {json.dumps(envelope)}\n\n".encode()


def sending(*parts: bytes, then: asyncio.Event | None = None) -> Script:
    """Return a script that sends these and closes, once `then` is set if it is given."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.writelines(parts)
        await writer.drain()
        if then:
            await then.wait()

    return script


@asynccontextmanager
async def streaming(*scripts: Script, **options: Any) -> AsyncIterator[EventStream]:
    """A server that follows one script for each connection, and a stream that reads it without real sleeps."""
    left, serving = list(scripts), set[asyncio.Future[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = asyncio.get_running_loop().create_future()
        serving.add(over)
        try:
            await reader.readuntil(b"\r\n\r\n")
            if left:
                await left.pop(0)(writer)
        except asyncio.IncompleteReadError:
            pass  # the stream has left
        finally:
            writer.close()
            over.set_result(None)

    async def no_sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as http:
        yield EventStream(http, url, sleep=no_sleep, **options)
    await asyncio.gather(*serving)


async def take(stream: EventStream, count: int) -> list[Signal]:
    found: list[Signal] = []
    async with aclosing(stream.events()) as signals:
        async for signal in signals:
            found.append(signal)
            if len(found) == count:
                break
    return found


async def test_events_arrive_in_order_with_their_session() -> None:
    parts = (
        HEAD,
        frame("server.connected"),
        frame("session.idle", sessionID="ses_1"),
        frame("message.updated", info={"sessionID": "ses_2"}),
    )
    async with streaming(sending(*parts)) as stream:
        connected, idle, updated, gap = await take(stream, 4)
    assert isinstance(connected, Connected)
    assert isinstance(idle, ServerEvent) and (idle.kind, idle.session_id, idle.directory) == ("session.idle", "ses_1", "/work")
    assert isinstance(updated, ServerEvent) and updated.session_id == "ses_2"
    assert isinstance(gap, Gap) and isinstance(gap.error, ServerDown)


async def test_after_a_break_it_comes_back_and_says_so() -> None:
    once = sending(HEAD, frame("server.connected"))
    async with streaming(once, once) as stream:
        signals = await take(stream, 4)
    assert [type(signal) for signal in signals] == [Connected, Gap, Connected, Gap]


async def test_copies_and_frames_that_cannot_be_read_are_left_out() -> None:
    parts = (HEAD, b"data: {broken\n\n", frame("sync"), b": a comment\n\n", frame("session.idle", sessionID="ses_1"))
    async with streaming(sending(*parts)) as stream:
        (event,) = await take(stream, 1)
    assert isinstance(event, ServerEvent) and event.kind == "session.idle"


async def test_silence_longer_than_three_heartbeats_is_a_break() -> None:
    never = asyncio.Event()
    async with streaming(sending(HEAD, frame("server.connected"), then=never), heartbeat=0.02) as stream:
        connected, gap = await take(stream, 2)
        never.set()
    assert isinstance(connected, Connected)
    assert isinstance(gap, Gap) and isinstance(gap.error, TimedOut)


async def test_a_server_that_never_answers_is_given_up() -> None:
    never = asyncio.Event()
    async with streaming(sending(then=never), first_answer=0.02) as stream:
        (gap,) = await take(stream, 1)
        never.set()
    assert isinstance(gap, Gap) and isinstance(gap.error, TimedOut)


async def test_a_page_in_place_of_a_stream_is_no_stream() -> None:
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi"
    async with streaming(sending(page)) as stream:
        (gap,) = await take(stream, 1)
    assert isinstance(gap, Gap) and isinstance(gap.error, Unsupported)


async def test_a_refused_password_ends_it() -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"
    async with streaming(sending(refusal)) as stream:
        with pytest.raises(Unauthorized):
            await take(stream, 1)


async def test_each_attempt_waits_longer_with_noise() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async with httpx.AsyncClient(base_url="http://127.0.0.1:1", trust_env=False, verify=False) as http:
        await take(EventStream(http, "http://127.0.0.1:1", sleep=note, random=lambda: 0.5), 8)
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0]


async def test_when_it_was_heard_last_is_known_as_long_as_it_is_open() -> None:
    never, now = asyncio.Event(), [1.0]
    beating = sending(HEAD, frame("server.connected"), frame("server.heartbeat"), frame("session.idle"), then=never)
    async with streaming(beating, clock=lambda: now[0]) as stream:
        assert stream.last_event_at == -math.inf
        async with aclosing(stream.events()) as signals:
            await anext(signals)
            assert stream.last_event_at == 1.0
            now[0] = 2.0
            await anext(signals)
            assert stream.last_event_at == 2.0
            never.set()
            assert isinstance(await anext(signals), Gap)
            assert stream.last_event_at == -math.inf
