"""Requests and answers pass through the guard byte for byte, as they arrive, and end when either side ends."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from t3tray.errors import BinaryNotFound, TimedOut
from t3tray.messages.guard import SERVER_DOWN, SERVER_FAILED, SERVER_NOT_READY
from t3tray.server.manager import Endpoint
from tests.support.raw_http import (
    SERVER_PASSWORD,
    Arrived,
    basic,
    exchange,
    guard_before,
    port_of,
    request,
    status_of,
    upstream,
    upstream_of,
)

LIMIT = 90.0
MEGABYTE = 1_000_000


async def test_a_request_arrives_as_it_was_sent() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        line = b"PUT /file//a%20b/../c%2Fd;x='\"?directory=%2Fw%C3%BC&a=1&a=2&b+c=%zz"
        sent = [b"X-Twice: one", b"x-twice: two", b"Accept-Encoding: gzip, br", b"Cookie: a=b", b"X-Latin: gr\xfc\xdfe"]
        answer = await exchange(guard, request(guard, line, *sent, body=b"\x00\xff{not json"))
        assert status_of(answer) == 200
        (arrived,) = server.arrived
        assert arrived.line == line + b" HTTP/1.1" and arrived.body == b"\x00\xff{not json"
        ours = [(b"Host", b"127.0.0.1:%d" % server.port), (b"Authorization", basic(SERVER_PASSWORD))]
        theirs = [(name.lower(), value) for name, _, value in (header.partition(b": ") for header in sent)]
        assert arrived.headers == [*ours, *theirs, (b"content-length", b"11")]


async def test_headers_of_the_hop_stay_where_they_are() -> None:
    async def answers(arrived: Arrived) -> None:
        await arrived.send(
            b"HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-End: 1\r\n"
            b"Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
        )

    async with upstream(answers) as server, guard_before(server.url) as guard:
        hop = [b"Connection: X-Mine, content-length", b"X-Mine: 1", b"TE: trailers", b"Upgrade: h2c", b"Expect: 100-continue"]
        answer = await exchange(guard, request(guard, b"GET /x", *hop, b"X-End: 1"))
        assert [name for name, _ in server.arrived[0].headers] == [b"Host", b"Authorization", b"x-end"]
        assert b"X-End: 1" in answer and b"x-hop" not in answer.lower() and b"keep-alive" not in answer.lower()


async def test_a_body_in_chunks_and_a_body_after_100_continue_arrive_whole() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        chunked = request(guard, b"POST /x", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
        assert status_of(await exchange(guard, chunked)) == 200
        assert server.arrived[0].body == b"abcdefg"
        waiting = await exchange(guard, request(guard, b"POST /x", b"Expect: 100-continue", body=b"abc"))
        assert waiting.startswith(b"HTTP/1.1 100 ") and server.arrived[1].body == b"abc"


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH", b"PROPFIND"])
async def test_every_method_passes(method: bytes) -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        answer = await exchange(guard, request(guard, method + b" /x"))
        assert status_of(answer) == 200 and server.arrived[0].line == method + b" /x HTTP/1.1"
        assert answer.endswith(b"\r\n\r\n" if method == b"HEAD" else b"{}")


async def test_an_answer_arrives_as_it_was_sent() -> None:
    body = gzip.compress(b"the words" * 100)
    cookies = b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
    head = b"HTTP/1.1 418 X\r\n" + cookies + b"Content-Encoding: gzip\r\nX-CaSe: \xfc\r\nContent-Length: %d\r\n\r\n"

    async def answers(arrived: Arrived) -> None:
        await arrived.send(head % len(body) + body)

    async with upstream(answers) as server, guard_before(server.url) as guard:
        answer = await exchange(guard, request(guard, b"GET /x", closes=False) + request(guard, b"GET /y"))
        first, _, rest = answer.partition(b"\r\n\r\n")
        assert first.split(b"\r\n")[1:] == (head % len(body)).split(b"\r\n")[1:-2]
        assert rest.startswith(body) and answer.count(body) == 2, "both answers of one connection, in order"


async def test_events_arrive_one_by_one() -> None:
    go = asyncio.Event()

    async def answers(arrived: Arrived) -> None:
        await arrived.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            await arrived.send(b"9\r\ndata: %d\n\n\r\n" % number)
            await go.wait()
            go.clear()

    async with upstream(answers) as server, guard_before(server.url) as guard:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(guard))
        writer.write(request(guard, b"GET /event"))
        async with asyncio.timeout(LIMIT):
            for number in range(3):
                await reader.readuntil(b"data: %d\n\n" % number)
                go.set()
        writer.close()


async def test_a_slow_reader_holds_the_server_back_and_misses_nothing() -> None:
    size, sent = 60 * MEGABYTE, 0

    async def answers(arrived: Arrived) -> None:
        nonlocal sent
        await arrived.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            await arrived.send(b"z" * MEGABYTE)
            sent += MEGABYTE

    async with upstream(answers) as server, guard_before(server.url) as guard:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(guard))
        writer.write(request(guard, b"GET /big"))
        await reader.readuntil(b"\r\n\r\n")
        settled = -1
        while settled != sent:
            settled = sent
            await asyncio.sleep(0.3)
        assert sent < size / 2, f"{sent} bytes were taken from the server though nobody read them"
        async with asyncio.timeout(LIMIT):
            assert len(await reader.read()) == size
        writer.close()


async def test_large_answers_share_a_connection_and_what_follows_one_unasked_is_no_answer() -> None:
    body = bytes(range(256)) * 20_000

    async def answers(arrived: Arrived) -> None:
        surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen" if b"/surplus" in arrived.line else b""
        await arrived.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + surplus)

    async with upstream(answers) as server, guard_before(server.url) as guard:
        for path in (b"/1", b"/2", b"/surplus", b"/3", b"/4"):
            answer = await exchange(guard, request(guard, b"GET " + path))
            assert answer.partition(b"\r\n\r\n")[2] == body
        used = [id(arrived.writer) for arrived in server.arrived]
        assert len({*used[:3]}) == 1 and len({*used[3:]}) == 1 and used[2] != used[3]


@pytest.mark.parametrize("began", [False, True])
async def test_a_client_that_leaves_ends_its_request_at_the_server(began: bool) -> None:
    came, ended = asyncio.Event(), asyncio.Event()

    async def answers(arrived: Arrived) -> None:
        await arrived.read_body()
        if began:
            await arrived.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwait\r\n")
        came.set()
        assert await arrived.reader.read() == b""
        ended.set()
        arrived.writer.close()

    async with upstream(answers) as server, guard_before(server.url) as guard:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(guard))
        writer.write(request(guard, b"POST /session/ses_1/message", body=b"{}"))
        async with asyncio.timeout(LIMIT):
            if began:
                await reader.readuntil(b"wait")
            await came.wait()
            writer.close()
            await ended.wait()
            while guard.under_way:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_server_that_breaks_off_breaks_off_the_clients_answer(framing: bytes) -> None:
    async def answers(arrived: Arrived) -> None:
        await arrived.send(
            b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + (b"4\r\nhalf\r\n" if b"chunked" in framing else b"half")
        )
        arrived.writer.close()

    async with upstream(answers) as server, guard_before(server.url) as guard:
        answer = await exchange(guard, request(guard, b"GET /x", closes=False))
        assert b"half" in answer and not answer.endswith(b"0\r\n\r\n"), "it must not look complete"


async def test_a_server_that_closes_without_an_answer_is_told_and_the_next_request_passes() -> None:
    calls = 0

    async def answers(arrived: Arrived) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            arrived.writer.close()
            return
        await arrived.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with upstream(answers) as server, guard_before(server.url) as guard:
        first = await exchange(guard, request(guard, b"POST /session/ses_1/prompt_async", body=b"{}"))
        assert status_of(first) == 502 and SERVER_DOWN.encode() in first
        assert calls == 1, "what may have arrived is not sent again"
        assert status_of(await exchange(guard, request(guard, b"GET /x"))) == 204


async def test_a_server_that_went_away_between_two_requests_is_found_at_its_new_place() -> None:
    places: list[str] = []

    async def endpoint() -> Endpoint:
        return Endpoint(places[-1], SERVER_PASSWORD, "1.18.33")

    async with guard_before(endpoint) as guard:
        for _ in range(2):
            async with upstream() as server:
                places.append(server.url)
                assert status_of(await exchange(guard, request(guard, b"GET /x"))) == 200
        assert status_of(await exchange(guard, request(guard, b"GET /x"))) == 502


@pytest.mark.parametrize("line", [b"GET /x", b"GET /session/ses_1", b"POST /session"])
async def test_a_server_that_does_not_come_is_told_in_time_and_in_words(line: bytes) -> None:
    async def never() -> Endpoint:
        await asyncio.Event().wait()
        raise AssertionError

    async def nowhere() -> Endpoint:
        raise BinaryNotFound("There is no opencode.")

    async with guard_before(never, limit=0.2) as guard:
        answer = await exchange(guard, request(guard, line))
        assert status_of(answer) == 503 and SERVER_NOT_READY.encode() in answer
    async with guard_before(nowhere) as guard:
        answer = await exchange(guard, request(guard, line))
        assert status_of(answer) == 503 and SERVER_FAILED.encode() in answer
    async with guard_before("http://127.0.0.1:9") as guard:
        answer = await exchange(guard, request(guard, line))
        assert status_of(answer) == 502 and SERVER_DOWN.encode() in answer


async def test_a_server_that_hangs_in_a_session_request_is_told_in_time() -> None:
    async def hangs(arrived: Arrived) -> None:
        await arrived.reader.read()

    async with upstream(hangs) as server, guard_before(server.url, limit=0.2) as guard:
        for line in (b"GET /session/ses_1", b"POST /session"):
            assert status_of(await exchange(guard, request(guard, line))) == 503


async def test_stopping_ends_open_streams_within_seconds() -> None:
    async def answers(arrived: Arrived) -> None:
        await arrived.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwait\r\n")
        await arrived.reader.read()

    async with upstream(answers) as server:
        clock = asyncio.get_running_loop().time
        async with guard_before(server.url) as guard:
            streams = [await asyncio.open_connection("127.0.0.1", port_of(guard)) for _ in range(20)]
            for reader, writer in streams:
                writer.write(request(guard, b"GET /event"))
                await reader.readuntil(b"wait")
            assert guard.under_way == 20
            began = clock()
        assert clock() - began < 3.0
        for reader, writer in streams:
            await reader.read()
            writer.close()
        assert guard.under_way == 0


async def test_an_answer_that_has_to_be_held_is_held_neither_for_ever_nor_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drips(arrived: Arrived) -> None:
        await arrived.send(b"HTTP/1.1 404 Not Found\r\n\r\n")
        try:
            while True:
                await arrived.send(b" " * 50)
                await asyncio.sleep(0.01)
        except ConnectionError:
            arrived.writer.close()

    async with upstream(drips) as server, guard_before(server.url, limit=0.2) as guard:
        assert SERVER_NOT_READY.encode() in await exchange(guard, request(guard, b"GET /session/ses_1"))
    monkeypatch.setattr("t3tray.guard.upstream.ANSWER_LIMIT", 1_000)
    async with upstream(drips) as server, guard_before(server.url) as guard:
        answer = await exchange(guard, request(guard, b"GET /session/ses_1"))
        assert status_of(answer) == 503 and SERVER_FAILED.encode() in answer
    monkeypatch.undo()
    monkeypatch.setattr("t3tray.guard.upstream.WHOLE_LIMIT", 0.2)
    async with upstream(drips) as server, guard_before(server.url) as guard:
        way = upstream_of(server.url)
        with pytest.raises(TimedOut):
            await way.fetch("GET", b"/session/ses_1", ())
        await way.aclose()
        answer = await exchange(guard, request(guard, b"POST /session/ses_1/prompt_async"))
        assert status_of(answer) == 503, "a message is never held back, but its 404 is held for our word in it"
