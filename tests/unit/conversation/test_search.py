"""The search in messages: OpenCode's sessions with their sub-agents', and T3 Code's own copy."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from t3tray.conversation import search as text_search
from t3tray.conversation.search import TextSearch, sessions_of
from t3tray.demo.t3_database import add_message
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, writing
from tests.support.views import row

SESSIONS = {"ses_a": "a", "ses_b": "b"}


def say(connection: sqlite3.Connection, number: int, session: str, text: str, kind: str = "text") -> None:
    data = json.dumps({"type": kind, "text": text}, ensure_ascii=False)
    connection.execute(
        "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, 1, 1, ?)",
        (f"prt_{number:04}", f"msg_{session.removeprefix('ses_')}_00000", session, data),
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = empty_world(tmp_path)
    with writing(made.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for name, parent in (("ses_a", None), ("ses_b", None), ("ses_child", "ses_b"), ("ses_grandchild", "ses_child")):
            add_session(connection, name, made.code, parent=parent)
        say(connection, 1, "ses_a", 'The codeword is "PELICAN", at 100 %')
        say(connection, 2, "ses_b", "An albatross, über alles")
        say(connection, 3, "ses_grandchild", "found the heron")
        say(connection, 4, "ses_a", "a secret thought", kind="reasoning")
    with writing(made.state) as connection:
        add_thread(connection, "t1", None)
        add_message(connection, "t1", "user", "only T3 Code still knows the Kestrel", NOON, "m1")
    return made


def search(world: World) -> TextSearch:
    reader = T3Reader(T3Home(world.home))
    reader.read()
    return TextSearch(OpenCodeDatabase(world.opencode), [reader])


@pytest.mark.parametrize(
    ("text", "threads"),
    [
        ("pelican", {"a"}),
        ('"PELICAN"', {"a"}),
        ("100 %", {"a"}),
        ("10_ %", set()),
        ("über", {"b"}),
        ("heron", {"b"}),
        ("kestrel", {"t1"}),
        ("an", {"a", "b"}),
        ("secret thought", set()),
        ("prt_0001", set()),
    ],
)
async def test_what_was_said_is_found_and_nothing_else(world: World, text: str, threads: set[str]) -> None:
    assert await search(world).find(text, SESSIONS) == threads


async def test_every_slice_is_looked_into(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "SLICE", 1)
    assert await search(world).find("pelican", SESSIONS) == {"a"}


async def test_a_search_that_takes_too_long_tells_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "LIMIT", 0.0)
    assert await search(world).find("pelican", SESSIONS) == frozenset()
    assert await search(world).find("kestrel", SESSIONS) == {"t1"}


async def test_without_opencodes_database_t3_code_is_searched(world: World) -> None:
    world.opencode.unlink()
    assert await search(world).find("kestrel", SESSIONS) == {"t1"}


def test_every_session_that_served_a_thread_leads_to_it() -> None:
    assert sessions_of(row("a")) == {"ses_a"}
