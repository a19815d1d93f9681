"""The result of every kind of answer: only OpenCode's own 404 is *missing*; any other bad answer is a failure of its kind."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.evidence import Failure
from t3tray.errors import ServerDown, ServerError, ServerFault, SessionMissing, TimedOut, Unauthorized, Unsupported, UsageError
from t3tray.opencode.client import OpenCodeClient
from t3tray.opencode.failures import failure_of
from t3tray.opencode.wire import MessageBody, decode

SESSION = {"id": "ses_1", "directory": "/work", "title": "T", "time": {"created": 1, "updated": 2}, "unknown": {"field": []}}
NOT_FOUND = {"name": "NotFoundError", "data": {"message": "Session not found: ses_1"}}


def answering(status: int, body: object, kind: str = "application/json") -> OpenCodeClient:
    """Return a client whose server gives one answer to everything."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"content-type": kind}, content=content)

    return OpenCodeClient("http://127.0.0.1:1", "password-of-this-test", transport=httpx.MockTransport(answer))


def failing(error: Exception) -> OpenCodeClient:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise error

    return OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("status", "body", "kind", "error"),
    [
        (404, NOT_FOUND, "application/json", SessionMissing),
        (404, NOT_FOUND, "application/json; charset=utf-8", SessionMissing),
        (404, NOT_FOUND, "text/html", Unsupported),
        (404, b"<!doctype html>", "text/html", Unsupported),
        (404, {"name": "OtherError"}, "application/json", ServerFault),
        (404, [], "application/json", ServerFault),
        (401, {}, "application/json", Unauthorized),
        (403, b"", "text/plain", Unauthorized),
        (400, {"name": "BadRequest"}, "application/json", ServerFault),
        (500, NOT_FOUND, "application/json", ServerFault),
        (503, b"busy", "text/plain", ServerFault),
        (302, b"", "text/plain", Unsupported),
        (200, b"<!doctype html>", "text/html", Unsupported),
        (200, b'{"id": "ses_1", "dir', "application/json", Unsupported),
        (200, {**SESSION, "directory": 7}, "application/json", Unsupported),
        (200, {"id": "ses_1"}, "application/json", Unsupported),
        (200, {**SESSION, "id": "ses_2"}, "application/json", Unsupported),
    ],
)
async def test_each_bad_answer_is_an_error_of_its_kind(status: int, body: object, kind: str, error: type[ServerError]) -> None:
    client = answering(status, body, kind)
    with pytest.raises(ServerError) as told:
        await client.session("ses_1")
    assert type(told.value) is error and told.value.message
    await client.aclose()


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.ConnectError("refused"), ServerDown),
        (httpx.ReadError("reset"), ServerDown),
        (httpx.RemoteProtocolError("closed"), ServerDown),
        (httpx.ReadTimeout("slow"), TimedOut),
        (httpx.ConnectTimeout("slow"), TimedOut),
        (httpx.UnsupportedProtocol("ftp"), Unsupported),
    ],
)
async def test_each_trouble_on_the_way_is_an_error_of_its_kind(trouble: Exception, error: type[ServerError]) -> None:
    client = failing(trouble)
    with pytest.raises(error):
        await client.session("ses_1")
    await client.aclose()


bodies: st.SearchStrategy[object] = st.one_of(
    st.just(NOT_FOUND), st.dictionaries(st.text(), st.text()), st.sampled_from([[], None])
)
kinds = st.sampled_from(["application/json", "application/json;charset=utf-8", "text/html", "text/plain", ""])


@given(st.integers(200, 599), bodies, kinds)
async def test_missing_comes_from_nothing_but_a_404_in_opencodes_own_words(status: int, body: object, kind: str) -> None:
    client = answering(status, body, kind)
    try:
        await client.session("ses_1")
    except SessionMissing:
        assert (status, body) == (404, NOT_FOUND) and kind.startswith("application/json")
    except ServerError as error:
        assert isinstance(failure_of(error), Failure)
    finally:
        await client.aclose()


async def test_fields_that_are_not_known_are_passed_over() -> None:
    client = answering(200, SESSION)
    assert (await client.session("ses_1")).facts.directory == "/work"
    await client.aclose()


async def test_a_strange_id_stays_one_part_of_the_path() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(404, json=NOT_FOUND)

    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    with pytest.raises(SessionMissing):
        await client.session("../global/health?x")
    assert asked == ["/session/..%2Fglobal%2Fhealth%3Fx"]
    await client.aclose()


async def test_the_machines_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = OpenCodeClient("http://127.0.0.1:1", read_timeout=1)
    with pytest.raises(ServerDown, match=r"127\.0\.0\.1:1"):
        await client.health()
    await client.aclose()


def test_an_address_that_is_none_is_the_users_mistake() -> None:
    with pytest.raises(UsageError):
        OpenCodeClient("http://127.0.0.1:port")


@pytest.mark.parametrize(
    ("body", "finished"),
    [
        ({"role": "user", "time": {"created": 1}}, True),
        ({"role": "assistant", "time": {"created": 1}}, False),
        ({"role": "assistant", "time": {"created": 1, "completed": 2}, "finish": "stop"}, True),
        # After tool calls another step follows: a turn that was cut off there has not ended.
        ({"role": "assistant", "time": {"created": 1, "completed": 2}, "finish": "tool-calls"}, False),
        ({"role": "assistant", "time": {"created": 1}, "error": {"name": "Aborted", "data": {}}}, True),
    ],
)
def test_when_a_message_is_finished(body: dict[str, object], finished: bool) -> None:
    assert decode(json.dumps(body), MessageBody, "a message").facts("msg_1").finished is finished


@pytest.mark.parametrize(
    ("told", "sent", "cost"),
    [
        ({"cost": 0.5, "tokens": {"input": 10, "output": 3, "cache": {"read": 5, "write": 1}}}, 16, 0.5),
        ({"cost": 1, "tokens": {"input": 10}}, 10, 1.0),
        ({"cost": None, "tokens": {"input": None}}, 0, 0.0),
        ({"cost": "free", "tokens": []}, 0, 0.0),
        ({}, 0, 0.0),
    ],
)
def test_what_an_answer_cost_is_told_where_it_can_be_read(told: dict[str, object], sent: int, cost: float) -> None:
    """An unreadable cost is no reason to drop the answer's text."""
    body = decode(json.dumps({"role": "assistant", "time": {"created": 1}} | told), MessageBody, "a message")
    message = body.message("msg_1", ())
    assert (message.sent_tokens, message.cost) == (sent, cost)
