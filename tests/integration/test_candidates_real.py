"""A thread's candidates according to OpenCode's database and to its API: both agree, for every kind of session."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.split import Candidate
from t3tray.opencode.client import OpenCodeClient
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.threads.candidates import JOURNAL, T3_TITLE, SourceMemory, candidates_from_server, candidates_of
from tests.support.opencode import OpenCodeHome, RawServer

THREAD = "5a2e"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest_asyncio.fixture
async def sessions(server: RawServer, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """A root with two turns, its fork, a sub-agent's, an empty one, an archived one, and a deleted one; a server runs."""
    with server.http() as http:
        folder = {"directory": str(tmp_path)}

        def made(**body: object) -> str:
            return str(http.post("/session", params=folder, json=body).raise_for_status().json()["id"])

        def turn(session: str, text: str) -> None:
            message = {"parts": [{"type": "text", "text": text}]}
            http.post(f"/session/{session}/message", json=message).raise_for_status()

        root, archived, gone = made(title=f"T3 Code {THREAD}"), made(title="put away"), made(title="deleted")
        turn(root, "say: one")
        turn(root, "say: two")
        turn(archived, "say: three")
        fork = str(http.post(f"/session/{root}/fork", json={}).raise_for_status().json()["id"])
        turn(fork, "say: four")
        child, empty = made(parentID=root, title="an agent"), made(title="empty")
        turn(child, "say: five")
        http.patch(f"/session/{archived}", json={"time": {"archived": 1}}).raise_for_status()
        http.delete(f"/session/{gone}").raise_for_status()
        yield {"root": root, "fork": fork, "child": child, "empty": empty, "archived": archived, "gone": gone}


def remembered(sessions: dict[str, str]) -> SourceMemory:
    """Return a memory whose journal names all of them; the root has the thread's title."""
    entries = (Entry(THREAD, Event.CONFIRMED, Actor.USER, "", AT, session) for session in sessions.values())
    return SourceMemory(titled=(sessions["root"],), entries=tuple(entries))


def by_name(sessions: dict[str, str], found: tuple[Candidate, ...]) -> dict[str, Candidate]:
    names = {session: name for name, session in sessions.items()}
    return {names[candidate.session_id]: candidate for candidate in found}


async def test_both_views_agree_field_by_field(sessions: dict[str, str], server: RawServer, opencode_home: OpenCodeHome) -> None:
    memory, client = remembered(sessions), OpenCodeClient(server.url, server.password)
    with OpenCodeDatabase(opencode_home.database).reading() as reader:
        evidence_from_database = candidates_of(memory, reader)
    from_api = await candidates_from_server(THREAD, candidates_of(memory, None), client)
    await client.aclose()
    assert from_api == evidence_from_database
    found = by_name(sessions, from_api)
    assert [(name, one.exists, one.messages) for name, one in found.items() if name != "gone"] == [
        *(("root", True, 4), ("archived", True, 2), ("fork", True, 6), ("child", True, 2), ("empty", True, 0)),
    ]
    assert found["gone"] == Candidate(sessions["gone"], (JOURNAL,), exists=False)
    assert found["child"].parent_id == sessions["root"] and found["archived"].archived
    assert found["root"].first_ms == found["fork"].first_ms and found["root"].is_contained_in(found["fork"])
    assert found["root"].input_tokens > 0 and found["root"].learnt_from == (T3_TITLE, JOURNAL)


async def test_a_long_session_is_counted_page_by_page(
    sessions: dict[str, str], server: RawServer, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.opencode.client.COUNTED_AT_ONCE", 4)
    client = OpenCodeClient(server.url, server.password)
    span = await client.span(sessions["fork"])
    await client.aclose()
    with OpenCodeDatabase(opencode_home.database).reading() as reader:
        held = reader.holding(sessions["fork"])
    assert (span.messages, span.first_ms, span.last_ms) == (6, held.first_ms, held.last_ms)


async def test_a_server_that_does_not_answer_leaves_everything_open(sessions: dict[str, str], server: RawServer) -> None:
    client = OpenCodeClient(server.url, server.password, read_timeout=0.3)
    server.suspend()
    found = await candidates_from_server(THREAD, candidates_of(remembered(sessions), None), client)
    server.wake()
    await client.aclose()
    assert {candidate.exists for candidate in found} == {None} and len(found) == len(sessions)


async def test_what_is_shown_comes_from_the_server_while_one_runs(
    sessions: dict[str, str],
    server: RawServer,
    opencode_home: OpenCodeHome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """t3tray cannot read the database: only the server can answer."""
    for name, value in opencode_home.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENCODE_DB", str(tmp_path / "nowhere.db"))
    monkeypatch.setenv("T3TRAY_SERVER_URL", server.url)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", server.password)
    backend = await Backend.open(str(tmp_path / "data"), "command")
    thread = await backend.threads.adopt(sessions["root"], await backend.settlement.connect())
    (shown,) = (await backend.details.read(thread.id)).candidates
    assert (shown.session_id, shown.exists, shown.messages) == (sessions["root"], True, 4)
    await asyncio.to_thread(server.stop)
    (alone,) = (await backend.details.read(thread.id)).candidates
    assert (alone.exists, alone.messages) == (None, 0)
    await backend.close()
    with closing(sqlite3.connect(f"file:{opencode_home.database}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (5,)
