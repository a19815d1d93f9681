"""Candidates according to a server: what it cannot answer stays unknown, and never counts as deleted."""

from __future__ import annotations

import httpx
import pytest

from t3tray.domain.split import Candidate
from t3tray.opencode.client import OpenCodeClient
from t3tray.threads.candidates import JOURNAL, T3_TITLE, candidates_from_server

NOT_FOUND = {"name": "NotFoundError", "data": {"message": "Session not found: ses_1"}}
SESSION = {"id": "ses_1", "directory": "/work", "title": "T3 Code t1", "time": {"created": 5, "updated": 6}}
MESSAGES = [{"info": {"time": {"created": 7}}, "parts": []}, {"info": {"time": {"created": 9}}, "parts": []}]


def answering(session: httpx.Response, messages: httpx.Response, listed: httpx.Response) -> OpenCodeClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/experimental"):
            return listed
        return messages if request.url.path.endswith("/message") else session

    return OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))


async def with_parts(client: OpenCodeClient, *known: Candidate) -> tuple[Candidate, ...]:
    found = await candidates_from_server("t1", known, client)
    await client.aclose()
    return found


@pytest.mark.parametrize(
    ("session", "messages", "exists"),
    [
        (httpx.Response(200, json=SESSION), httpx.Response(200, json=MESSAGES), True),
        (httpx.Response(404, json=NOT_FOUND), httpx.Response(404, json=NOT_FOUND), False),
        (httpx.Response(500, json={}), httpx.Response(500, json={}), None),
        (httpx.Response(200, json=SESSION), httpx.Response(500, json={}), None),
        (httpx.Response(404, html="<html>"), httpx.Response(404, html="<html>"), None),
        (httpx.Response(401, json={}), httpx.Response(401, json={}), None),
    ],
)
async def test_only_opencodes_own_words_mean_gone(session: httpx.Response, messages: httpx.Response, exists: bool | None) -> None:
    client = answering(session, messages, httpx.Response(500, json={}))
    (found,) = await with_parts(client, Candidate("ses_1", (JOURNAL,), exists=True, messages=99))
    assert (found.exists, found.messages, found.learnt_from) == (exists, 2 if exists else 0, (JOURNAL,))


async def test_a_session_that_only_the_servers_titles_name_is_one_too() -> None:
    others = {**SESSION, "id": "ses_2", "title": "T3 Code t1 (fork #1)"}
    client = answering(
        httpx.Response(200, json=SESSION), httpx.Response(200, json=MESSAGES), httpx.Response(200, json=[SESSION, others])
    )
    (found,) = await with_parts(client)
    assert (found.session_id, found.learnt_from, found.first_ms, found.last_ms) == ("ses_1", (T3_TITLE,), 7, 9)
