"""Which program listens on the guard's port: only a wrong answer proves a stranger, and no answer proves nothing."""

from __future__ import annotations

import socket

import pytest

from t3tray.guard.access import AccessControl
from t3tray.guard.exchange import Exchange
from t3tray.guard.proof import PROOF_PATH, Listening, probe_guard, proof_of
from t3tray.server.port import HOST, choose_port
from tests.support.raw_http import GUARD_PASSWORD, Arrived, NoClient, basic, exchange, guard_before, port_of, status_of, upstream

LIMIT = 0.3
OLDER = b'HTTP/1.1 401 \r\ncontent-length: 2\r\nconnection: close\r\nwww-authenticate: Basic realm="t3tray"\r\n\r\n{}'
ANSWERS = [
    (b"", Listening.UNPROVED),
    (b"HTTP/1.1 200 \r\ncontent-le", Listening.UNPROVED),
    (b'HTTP/1.1 200 \r\ncontent-length: 80\r\n\r\n{"proof": "', Listening.UNPROVED),
    (b"HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n", Listening.UNPROVED),
    (b"Internal Server Error", Listening.STRANGER),
    (OLDER, Listening.UNPROVED),
    (OLDER.replace(b"t3tray", b"router"), Listening.STRANGER),
    (OLDER.replace(b"401", b"404"), Listening.STRANGER),
    (b'HTTP/1.1 200 \r\ncontent-length: 14\r\n\r\n{"proof": "00"}', Listening.STRANGER),
    (b'HTTP/1.1 200 \r\ncontent-length: 16\r\n\r\n{"proof": "\xc3\xbc"} ', Listening.STRANGER),
    (b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{}", Listening.STRANGER),
    (b"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", Listening.STRANGER),
    (b"HTTP/1.1 200 \r\ncontent-length: 3000\r\n\r\n" + b"x" * 3000, Listening.STRANGER),
    (b"HTTP/1.0 404 Not Found\r\n\r\n", Listening.STRANGER),
    (b"SSH-2.0-OpenSSH_9.6\r\n", Listening.STRANGER),
    (b"\x15\x03\x03\x00\x02\x02\x50", Listening.STRANGER),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
@pytest.mark.parametrize("ends", [True, False])
async def test_what_an_answer_says_of_who_gave_it(answer: bytes, expected: Listening, ends: bool) -> None:
    async def say(arrived: Arrived) -> None:
        await arrived.send(answer)
        if not ends:
            await arrived.reader.read()
        arrived.writer.close()

    async with upstream(say) as server:
        assert await probe_guard(server.port, GUARD_PASSWORD, LIMIT if expected is Listening.UNPROVED else 90.0) is expected


async def test_nobody_and_somebody_who_takes_no_connection() -> None:
    assert await probe_guard(choose_port(), GUARD_PASSWORD) is Listening.NOBODY
    with socket.create_server((HOST, 0), backlog=0) as frozen:
        port = frozen.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex((HOST, port))
        assert await probe_guard(port, GUARD_PASSWORD, LIMIT) is Listening.UNPROVED
        for each in waiting:
            each.close()


async def test_a_guard_proves_itself_without_the_password_and_without_a_server() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        port = port_of(guard)
        assert await probe_guard(port, GUARD_PASSWORD) is Listening.OURS
        assert await probe_guard(port, "another") is Listening.STRANGER
        assert server.arrived == []


NONCE = b"0" * 64
NO_NONCES = [
    b"",
    b"nonce=",
    b"nonce=" + NONCE[1:],
    b"nonce=" + NONCE + b"0",
    b"nonce=" + NONCE + b"\n",
    b"nonce=" + b"g" * 64,
    b"nonce=" + b"A" * 64,
    b"nonce=" + b"%30" * 64,
    b"nonce=" + NONCE + b"&x=1",
    b"x=1&nonce=" + NONCE,
    b"nonce=" + NONCE + b"&nonce=" + NONCE,
    b"nonce=" + b"0" * 30_000,
]


@pytest.mark.parametrize("query", NO_NONCES)
def test_only_a_nonce_of_the_one_form_is_answered(query: bytes) -> None:
    assert proof_of(4000, GUARD_PASSWORD, query) is None
    assert proof_of(4000, GUARD_PASSWORD, b"nonce=" + NONCE)


@pytest.mark.parametrize("line", [*(PROOF_PATH + b"?" + query for query in NO_NONCES if b"\n" not in query), PROOF_PATH])
async def test_what_asks_otherwise_is_refused_in_words_and_reaches_no_server(line: bytes) -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        answer = await exchange(guard, b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (line, port_of(guard)))
        assert status_of(answer) == 400 and b"nonce" in answer and b"proof" not in answer
        for method, path in ((b"POST", PROOF_PATH), (b"GET", b"/." + PROOF_PATH), (b"GET", PROOF_PATH.upper())):
            data = b"%s %s?nonce=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (method, path, NONCE, port_of(guard))
            assert status_of(await exchange(guard, data)) == 401, "only the one question is answered without the password"
        assert server.arrived == []


async def test_the_proof_tells_a_page_and_another_name_nothing() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        line = b"GET %s?nonce=%s HTTP/1.1\r\n" % (PROOF_PATH, NONCE)
        host = b"Host: 127.0.0.1:%d\r\n" % port_of(guard)
        for headers, status in ((host + b"Origin: null\r\n", 403), (b"Host: evil.example\r\n", 421), (host, 200)):
            assert status_of(await exchange(guard, line + headers + b"Connection: close\r\n\r\n")) == status


@pytest.mark.parametrize("origin", [b"null", b"http://127.0.0.1:4000", b"https://evil.example", b"", b"http://localhost:3773"])
def test_a_page_in_a_browser_is_turned_away_whatever_it_knows(origin: bytes) -> None:
    headers = ((b"host", b"127.0.0.1:4000"), (b"authorization", basic()), (b"origin", origin))
    asked = Exchange("POST", b"/session", headers, "127.0.0.1", NoClient())
    turned = AccessControl(4000, GUARD_PASSWORD).rejection(asked)
    assert turned is not None and (turned.status, turned.sentence) == (403, "The guard does not answer pages in a browser.")
