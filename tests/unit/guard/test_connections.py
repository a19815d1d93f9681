"""Which connections stay open: few without a valid password, no slow ones, and every one that is being answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from t3tray.guard.connections import MOST_STRANGERS
from t3tray.guard.exchange import Exchange
from t3tray.guard.listener import Listener
from t3tray.server.port import HOST, choose_port
from tests.support.raw_http import exchange, guard_before, port_of, request, status_of, upstream

LIMIT = 90.0
HEAD = 0.2
ASKED = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def app(asked: Exchange) -> None:
    """Answers at once, and on /event continues until the client leaves."""

    async def events() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(4 * HEAD)
        yield b"two"

    if asked.path == b"/event":
        await asked.relay(200, (), events())
    else:
        await asked.give_json(200, b"{}")


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    port = choose_port()
    listener = Listener(app, port, HEAD)
    await listener.start()
    try:
        yield port
    finally:
        await listener.stop()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return what still arrives until the end of the connection."""
    try:
        async with asyncio.timeout(LIMIT):
            return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("said", [b"", b"GET /x HT", b"GET /x HTTP/1.1\r\nHost: x\r\n", b"G"])
async def test_who_does_not_ask_in_time_is_cut_off(said: bytes) -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(said)
        assert await ended(reader) == b""
        writer.close()


async def test_a_head_that_drips_is_cut_off_also_on_a_connection_that_was_answered_before() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(ASKED)
        assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(2 * HEAD)
        writer.write(ASKED)
        assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200"), "between two requests it may wait"
        gone = asyncio.create_task(ended(reader))
        writer.write(b"GET /")
        while not gone.done():
            writer.write(b"x")
            await asyncio.sleep(HEAD / 10)
        assert gone.result() == b""
        writer.close()


async def test_a_stream_of_events_is_never_cut_off_by_the_time_for_asking() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(ASKED.replace(b"/x", b"/event"))
        async with asyncio.timeout(LIMIT):
            assert b"one" in await reader.readuntil(b"two")
        writer.close()


async def test_of_many_silent_connections_the_oldest_go_and_who_asks_is_answered() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        port = port_of(guard)
        kept = await asyncio.open_connection(HOST, port)
        kept[1].write(request(guard, b"GET /kept", closes=False))
        await kept[0].readuntil(b"{}")
        silent: list[Streams] = [await asyncio.open_connection(HOST, port) for _ in range(MOST_STRANGERS + 40)]
        assert status_of(await exchange(guard, request(guard, b"GET /x"), LIMIT)) == 200
        for reader, _ in silent[:40]:
            assert await ended(reader) == b""
        assert not any(reader.at_eof() for reader, _ in silent[-MOST_STRANGERS + 1 :])
        kept[1].write(request(guard, b"GET /again", closes=False))
        assert (await kept[0].readuntil(b"{}")).startswith(b"HTTP/1.1 200"), "a connection that showed the password stays"
        for _, writer in (kept, *silent):
            writer.close()


async def test_who_asks_without_the_password_is_answered_and_cut_off_whatever_it_still_sends() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        reader, writer = await asyncio.open_connection(HOST, port_of(guard))
        writer.write(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000000\r\n\r\nx" % port_of(guard))
        assert status_of(await ended(reader)) == 401
        assert server.arrived == []
        writer.close()
