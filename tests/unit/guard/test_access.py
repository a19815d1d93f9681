"""Access control: strangers, other Host names, wrong passwords, and requests that two servers would parse differently."""

from __future__ import annotations

import logging

import pytest

from t3tray.domain.guard import GuardAction, Refusal, T3CodeState, T3ThreadState
from t3tray.errors import Refused
from t3tray.guard.access import AccessControl
from t3tray.guard.exchange import Exchange
from t3tray.guard.listener import Listener
from t3tray.guard.routes import RouteKind, route_of
from tests.support.raw_http import (
    GUARD_PASSWORD,
    SERVER_PASSWORD,
    Arrived,
    NoClient,
    Nothing,
    basic,
    exchange,
    guard_before,
    port_of,
    request,
    status_of,
    upstream,
)


def knock(peer: str = "127.0.0.1", path: bytes = b"/x", **headers: bytes) -> int | None:
    named = {"host": b"127.0.0.1:4000", "authorization": basic()} | headers
    sent = tuple((name.encode(), value) for name, value in named.items() if value)
    turned = AccessControl(4000, GUARD_PASSWORD).rejection(Exchange("GET", path, sent, peer, NoClient()))
    return turned.status if turned else None


def test_only_this_machine_comes_in() -> None:
    assert knock() is None and knock("::1") is None
    for peer in ("10.0.0.5", "192.168.1.7", "::ffff:10.0.0.1", "", "unix"):
        assert knock(peer) == 403


@pytest.mark.parametrize(
    "host", [b"evil.example", b"127.0.0.1", b"127.0.0.1:4001", b"127.0.0.1.evil.example:4000", b"", b"0.0.0.0:4000"]
)
def test_another_name_is_turned_away(host: bytes) -> None:
    assert knock(host=host) == 421
    assert knock(host=b"LocalHost:4000") is None


@pytest.mark.parametrize(
    "given",
    [
        b"",
        basic("wrong"),
        basic(GUARD_PASSWORD[:-1]),
        basic(GUARD_PASSWORD) + b"=",
        b"Bearer x",
        b"Basic",
        basic(SERVER_PASSWORD),
    ],
)
def test_another_password_is_turned_away(given: bytes) -> None:
    assert knock(authorization=given) == 401


@pytest.mark.parametrize(
    "data",
    [
        b"POST /x HTTP/1.1\r\n%sContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n%sContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /x HTTP/1.1\r\n%sContent-Length: 3, 4\r\n\r\nabcd",
        b"POST /x HTTP/1.1\r\n%sContent-Length: +3\r\n\r\nabc",
        b"POST /x HTTP/1.1\r\n%sContent-Length: 0x3\r\n\r\nabc",
        b"POST /x HTTP/1.1\r\n%sTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n%sTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n%sContent-Length : 3\r\n\r\nabc",
        b"POST /x HTTP/1.1\r\n%sX: a\x00b\r\n\r\n",
        b"POST /x HTTP/1.1\r\n%sX\r\n\r\n",
        b"GET /x y HTTP/1.1\r\n%s\r\n",
        b"GET  /x HTTP/1.1\r\n%s\r\n",
        b"GET http://127.0.0.1/x HTTP/1.1\r\n%s\r\n",
        b"GET x HTTP/1.1\r\n%s\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n%s\r\n",
        b"GET /x HTTP/1.1\r\nHost: evil.example\r\n%s\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_can_be_read_in_two_ways_reaches_no_server(data: bytes) -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        known = b"Host: 127.0.0.1:%d\r\nAuthorization: %s\r\nConnection: close\r\n" % (port_of(guard), basic())
        answer = await exchange(guard, data % known if b"%s" in data else data)
        assert status_of(answer) in (400, 421)
        assert server.arrived == []


async def test_lengths_that_agree_and_folded_headers_reach_the_server_in_one_form_only() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        twice = request(guard, b"POST /x", b"Content-Length: 3", body=b"abc")
        assert status_of(await exchange(guard, twice)) == 200
        assert [name for name, _ in server.arrived[0].headers].count(b"content-length") == 1
        folded = request(guard, b"GET /x", b"X-Fold: a\r\n  Transfer-Encoding: chunked")
        assert status_of(await exchange(guard, folded)) == 200
        assert (b"x-fold", b"a Transfer-Encoding: chunked") in server.arrived[1].headers


async def test_a_broken_chunk_after_the_head_does_not_become_another_request() -> None:
    async with upstream() as server, guard_before(server.url) as guard:
        broken = request(guard, b"POST /x", b"Transfer-Encoding: chunked", closes=False) + b"zz\r\nGET /stolen HTTP/1.1\r\n\r\n"
        await exchange(guard, broken)
        assert all(b"/stolen" not in arrived.line for arrived in server.arrived)


# What the real server takes for a request of its session routes (1.18.33, measured), and what an older one might.
CREATES = [
    "/session",
    "/session/",
    "//session",
    "/%73ession",
    "/SESSION",
    "/session;a",
    "/session#x",
    "/session//",
    "/%53%65ssion",
]
MIGHT_CREATE = [
    "/./session",
    "/x/../session",
    "/x/%2e%2e/session",
    "/session/.",
    "/session/ses_1/../",
    "/x\\..\\session",
    "/a;/../session",
]
NO_SESSION = ["/session%2F", "/%2fsession", "/session%3f", "/session%00", "/session%20", "/api/sessions", "/sessions", "/", "/x"]


@pytest.mark.parametrize("path", [*CREATES, *MIGHT_CREATE])
def test_no_spelling_of_a_path_gets_by_the_rules(path: str) -> None:
    assert route_of("POST", path.encode()).kind is RouteKind.CREATE
    assert route_of("post", path.encode()).kind is RouteKind.CREATE


@pytest.mark.parametrize("path", NO_SESSION)
def test_another_path_is_another(path: str) -> None:
    assert route_of("POST", path.encode()).kind is RouteKind.OTHER


def test_the_session_routes() -> None:
    assert route_of("GET", b"/session/ses_A1").session_id == "ses_A1"
    assert route_of("GET", b"//Session/ses%5FA1/").session_id == "ses_A1"
    assert route_of("POST", b"/session/ses_1/fork").kind is RouteKind.FORK
    assert route_of("POST", b"/session/ses_1/PROMPT_async").kind is RouteKind.PROMPT
    for method, path in (
        ("GET", b"/session/status"),
        ("GET", b"/session"),
        ("GET", b"/session/ses_1/message"),
        ("PUT", b"/session"),
    ):
        assert route_of(method, path).kind is RouteKind.OTHER


@pytest.mark.parametrize("path", [*CREATES, *MIGHT_CREATE])
async def test_a_disguised_request_is_refused_or_passed_on_as_it_came(path: str) -> None:
    waiting = T3ThreadState("t1", "Report", "/w", pending=True, had_turns=True)
    async with upstream() as server:
        ledger = Nothing()
        async with guard_before(server.url, T3CodeState((waiting,)), ledger) as guard:
            answer = await exchange(guard, request(guard, b"POST " + path.encode(), body=b"{}"))
            assert status_of(answer) == 409 and server.arrived == []
            assert ledger.answers[-1].decision.refusal is Refusal.NOT_IDENTIFIED
        async with guard_before(server.url, T3CodeState(), ledger) as guard:
            await exchange(guard, request(guard, b"POST " + path.encode(), body=b"{}"))
            assert server.arrived[-1].line == b"POST %s HTTP/1.1" % path.encode()
            assert ledger.answers[-1].decision.answer is GuardAction.PASS


async def test_a_folder_that_only_the_hop_knows_counts_for_nothing() -> None:
    thread = T3ThreadState("t1", "Report", "/w", starting=True, pending=True)
    ledger = Nothing()
    async with upstream() as server, guard_before(server.url, T3CodeState((thread,)), ledger) as guard:
        named = (b"x-opencode-directory: %2Fw", b"Connection: x-opencode-directory, close")
        await exchange(guard, request(guard, b"POST /session", *named, body=b'{"title":"Report"}', closes=False))
        assert ledger.answers[-1].decision.thread_id is None
        assert all(name != b"x-opencode-directory" for name, _ in server.arrived[-1].headers)


async def test_no_password_is_in_any_answer_or_log(caplog: pytest.LogCaptureFixture) -> None:
    async def echoes_nothing(arrived: Arrived) -> None:
        arrived.writer.close()

    caplog.set_level(logging.DEBUG)
    async with upstream(echoes_nothing) as server, guard_before(server.url) as guard:
        answers = [
            await exchange(guard, request(guard, line, body=body))
            for line, body in (
                (b"GET /x", b""),
                (b"GET /session/ses_1", b""),
                (b"POST /session", b"{}"),
                (b"POST /session", b"["),
            )
        ]
        answers.append(
            await exchange(guard, b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port_of(guard))
        )
        seen = b"".join(answers) + caplog.text.encode() + repr(vars(guard)).encode()
    for secret in (SERVER_PASSWORD, GUARD_PASSWORD, basic(SERVER_PASSWORD).decode(), basic().decode()):
        assert secret.encode() not in seen
    assert caplog.text, "something was logged, and looked at"


async def test_a_port_that_is_taken_is_said_so() -> None:
    async with upstream() as server:
        with pytest.raises(Refused, match=str(server.port)):
            await Listener(lambda *_: None, server.port).start()  # type: ignore[arg-type]
