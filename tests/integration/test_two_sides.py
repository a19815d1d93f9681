"""Both sides, live: a process imitates T3 Code beside the real opencode, and the sentence on its next message follows it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.t3code_side import next_sentence
from t3tray.threads.snapshot import ThreadRow
from tests.integration.test_live_switch import Watcher, server, session, t3, watcher, world
from tests.support.opencode import RawServer
from tests.support.program import run_command
from tests.support.t3_player import T3Code
from tests.support.t3_world import World

__all__ = ["server", "t3", "watcher", "world"]
LIMIT = 90.0


async def row(watcher: Watcher, reason: NextReason) -> ThreadRow:
    """Return the one row, once T3 Code's side is this."""

    def side(found: ThreadRow) -> NextReason | None:
        return found.next_message.reason if found.next_message else None

    snapshot = await watcher.until(lambda seen: seen.rows and side(seen.rows[0]) is reason, LIMIT)
    return snapshot.rows[0]


@pytest.fixture
async def kept(server: RawServer, world: World, t3: T3Code, watcher: Watcher) -> str:
    """A thread of one turn that both programs know."""
    name = await asyncio.to_thread(session, server, world, "the codeword is PELICAN")
    t3.tell("thread", "t1", name)
    t3.tell("idle")
    found = await row(watcher, NextReason.CONTINUES)
    assert found.verdict.kind is Kind.RESUMABLE and found.is_t3_side_fine
    await watcher.until_kept(2, LIMIT)
    return name


async def test_a_cursor_that_was_lost_keeps_the_side_here(kept: str, t3: T3Code, watcher: Watcher) -> None:
    t3.tell("no-cursor")
    found = await row(watcher, NextReason.STARTS_EMPTY)
    assert (found.verdict.reason, found.session_id) == (Reason.PROVED, kept), "here and in the terminal it goes on"
    assert found.next_message and "would start empty" in next_sentence(found.next_message)
    t3.tell("cursor", kept)
    assert (await row(watcher, NextReason.CONTINUES)).is_t3_side_fine
    snapshot = await watcher.until(lambda seen: not seen.alarms, LIMIT)
    assert snapshot.alarms == (), "mended, and nothing is left to be told"


async def test_another_provider_starts_empty_there(kept: str, t3: T3Code, watcher: Watcher) -> None:
    t3.tell("instance", "codex")
    found = await row(watcher, NextReason.INSTANCE_CHANGED)
    assert found.verdict.reason is Reason.PROVED and found.session_id == kept
    t3.tell("instance", "opencode")
    assert (await row(watcher, NextReason.CONTINUES)).is_t3_side_fine


async def test_a_session_that_is_gone_starts_empty_there(kept: str, server: RawServer, watcher: Watcher) -> None:
    with server.http() as http:
        http.delete(f"/session/{kept}").raise_for_status()
    found = await row(watcher, NextReason.SESSION_GONE)
    assert (found.verdict.reason, found.next_message and found.next_message.kind) == (Reason.MISSING, Kind.BLOCKED)


async def test_another_session_is_told_with_what_it_holds(
    kept: str, server: RawServer, world: World, t3: T3Code, watcher: Watcher
) -> None:
    other = await asyncio.to_thread(session, server, world, "what is the codeword?")
    t3.tell("cursor", other)
    found = await row(watcher, NextReason.OTHER_SESSION)
    assert found.next_message and "another session (2 messages)" in next_sentence(found.next_message)
    with server.http() as http:
        http.delete(f"/session/{other}").raise_for_status()
    found = await row(watcher, NextReason.SESSION_GONE)
    assert found.next_message and next_sentence(found.next_message).startswith("In T3 Code your next message would start empty")


async def test_the_command_line_tells_both_sides(kept: str, t3: T3Code, watcher: Watcher, tmp_path: Path) -> None:
    t3.tell("no-cursor")
    await row(watcher, NextReason.STARTS_EMPTY)
    words = ("threads", "--json", "--data-dir", str(tmp_path / "data"))
    code, told, _ = await asyncio.to_thread(run_command, *words, environment=dict(os.environ))
    assert code == 0
    (found,) = json.loads(told)["threads"]
    assert found["verdict"]["kind"] == "resumable"
    side = found["t3code"]["next_message"]
    assert (side["kind"], side["reason"]) == ("blocked", "starts-empty") and side["remedies"] == ["repair-t3code"]
