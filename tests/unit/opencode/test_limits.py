"""The time limit of a request, and the size limit of its answer."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from t3tray.errors import ServerFault, TimedOut
from t3tray.opencode import client as client_module
from t3tray.opencode import limits
from t3tray.opencode.client import OpenCodeClient
from tests.support.raw_http import Arrived, upstream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SESSION = b'{"id": "ses_1", "directory": "/w", "title": "t", "time": {"created": 1, "updated": 1}}'


async def drip(arrived: Arrived) -> None:
    await arrived.send(HEAD + b"Content-Length: 1000000\r\n\r\n")
    try:
        while True:
            await arrived.send(b" ")
            await asyncio.sleep(0.01)
    except ConnectionError:
        arrived.writer.close()


async def test_an_answer_that_drips_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "OVERALL_LIMIT", 0.2)
    async with upstream(drip) as server:
        client = OpenCodeClient(server.url)
        with pytest.raises(TimedOut, match="did not respond in time"):
            await client.session("ses_1")
        with pytest.raises(TimedOut):
            await client.health(0.2)
        await client.aclose()


async def test_an_answer_that_does_not_end_is_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_LIMIT", 1_000)

    async def flood(arrived: Arrived) -> None:
        await arrived.send(HEAD + b"\r\n")
        try:
            while True:
                await arrived.send(b" " * 10_000)
        except ConnectionError:
            arrived.writer.close()

    async with upstream(flood) as server:
        client = OpenCodeClient(server.url)
        with pytest.raises(ServerFault, match="more than 1,000 bytes"):
            await client.session("ses_1")
        await client.aclose()


async def test_the_first_request_to_a_folder_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_FACTOR", 900)
    asked: list[bytes] = []

    async def slow(arrived: Arrived) -> None:
        asked.append(arrived.line)
        if asked.count(arrived.line) > 1:
            await arrived.reader.read()
        else:
            await asyncio.sleep(0.3)
            await arrived.send(HEAD + b"Content-Length: 2\r\n\r\n{}")

    async with upstream(slow) as server:
        client = OpenCodeClient(server.url, read_timeout=0.1)
        for folder in ("/a", "/b"):
            assert await client.busy_in(folder) == frozenset()
        with pytest.raises(TimedOut):
            await client.busy_in("/a")
        await client.aclose()


async def test_answers_are_asked_for_unpacked_and_a_packed_one_is_read_nevertheless() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return httpx.Response(200, headers=headers, content=gzip.compress(SESSION))

    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    assert (await client.session("ses_1")).facts.id == "ses_1"
    await client.aclose()
