"""Homes after real losses: the sentences of list, page and alarm, each remedy's promise, and whether the codeword arrives.

Each remedy either brings the codeword to the model or said before that it is lost; T3 Code's player follows up afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.cli import json_documents
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.domain.verdict import Kind, Reason
from t3tray.threads.snapshot import ThreadDetails
from tests.support.lost_worlds import (
    CUT,
    HEALED,
    REPAIRED,
    SWITCHED,
    WHOLE,
    WHOLE_AND_GONE,
    before_it_was_healed,
    copy_rows,
    lost_world,
)
from tests.support.opencode import RawServer
from tests.support.played_t3 import PlayedT3
from tests.support.stub_model import StubModel
from tests.support.t3_world import World

ASK = "what is the codeword?"


class Lost:
    """A world, a t3tray that reads it, and T3 Code's player on the same server."""

    def __init__(self, world: World, backend: Backend, server: RawServer, model: StubModel) -> None:
        self.world, self.backend, self.server, self.model = world, backend, server, model

    async def details(self, thread: str) -> ThreadDetails:
        """Return the page's data, after the scan that raises alarms; list and documents agree with it."""
        picture = await self.backend.scanning.scan(whole=True)
        await self.backend.upkeep.alert(picture)
        found = await self.backend.details.read(thread)
        snapshot = await self.backend.snapshots.read(scan=picture)
        row = next(row for row in snapshot.rows if row.thread.id == thread)
        assert row.verdict == found.row.verdict
        assert not found.offered or row.remedies[:1] == found.row.remedies[:1], "list and page begin with the same"
        document = json_documents.details_document(found)
        assert document["offered"] == [str(remedy) for remedy in found.offered]
        return found

    async def apply(self, thread: str, remedy: Remedy, session: str = "") -> Preview:
        choice = Choice(remedy, session)
        preview = await self.backend.remedies.preview(thread, choice)
        return await self.backend.remedies.apply(thread, choice, preview)

    async def ask_here(self, thread: str) -> str:
        """Return the reply in t3tray."""
        return "".join([piece async for piece in self.backend.prompting.converse(thread, ASK) if isinstance(piece, str)])

    async def ask_in_t3(self, thread: str) -> str:
        """Type a message in T3 Code; return what the model was sent for it, and the session that it went to."""
        player = PlayedT3(self.world.state, self.server.url, self.server.password)
        try:
            self.session = await asyncio.to_thread(player.turn, thread, ASK)
        finally:
            await asyncio.to_thread(player.quit)
        return self.model.words_sent()

    async def prompt(self, session: str) -> str:
        """The same for T3 Code's second orchestrator, which sends straight into its session."""
        with self.server.http() as http:
            body = {"parts": [{"type": "text", "text": ASK}]}
            (await asyncio.to_thread(http.post, f"/session/{session}/message", json=body)).raise_for_status()
        return self.model.words_sent()


@asynccontextmanager
async def opened(
    name: str,
    tmp_path: Path,
    server: RawServer,
    model: StubModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    kept: bool,
    change: Callable[[World], None] | None = None,
) -> AsyncIterator[Lost]:
    """`kept`: with t3tray's own store of that time."""
    data = tmp_path / "data"
    theirs = lost_world(name, tmp_path / "world", tmp_path / "theirs.db", data if kept else None)
    copy_rows(theirs.opencode, server.home.database)
    world = replace(theirs, opencode=server.home.database)
    if change:
        change(world)
    for variable, value in {**server.environment, "T3CODE_HOME": str(world.home)}.items():
        monkeypatch.setenv(variable, value)
    backend = await Backend.open(str(data), "command")
    try:
        yield Lost(world, backend, server, model)
    finally:
        await backend.close()


@pytest.mark.parametrize("kept", [True, False], ids=["with t3tray's store", "seen for the first time"])
async def test_the_session_was_deleted_and_two_more_turns_were_made(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    async with opened("v1-switch-and-two-turns", tmp_path, shared_server, model, monkeypatch, kept=kept) as lost:
        before = await lost.details(SWITCHED)
        if kept:
            assert before.row.verdict.reason is Reason.CONFLICT and before.row.verdict.kind is Kind.BLOCKED
            assert len([alarm for alarm in before.alarms if alarm.seen_at is None]) == 2
            told = json_documents.details_document(before)["alarms"]
            assert isinstance(told, list) and all(alarm["remedies"][0] == "heal" for alarm in told)
            assert before.offered == (Remedy.HEAL, Remedy.CARRY, Remedy.START_AFRESH, Remedy.BIND)
            bind = await lost.backend.remedies.preview(SWITCHED, Choice(Remedy.BIND))
            assert "The model would not know 4 messages of this conversation, which T3 Code's copy has:" in bind.lost
            assert any("LYNX" in line for line in bind.lost)
        preview = await lost.apply(SWITCHED, Remedy.HEAL)
        assert any("lacks 4 messages, which T3 Code's copy has" in line for line in preview.before)
        after = await lost.details(SWITCHED)
        assert (after.row.verdict.reason, after.row.session_id) == (
            Reason.PROVED,
            after.row.t3.session_id if after.row.t3 else "",
        )
        assert not [alarm for alarm in after.alarms if alarm.seen_at is None]
        assert after.offered == (Remedy.UNDO,)
        sent = await lost.ask_in_t3(SWITCHED)
        assert lost.session == after.row.session_id
        for words in (
            "the codeword is LYNX",
            "fact one: the sky is green",
            "fact two: the sea is red",
            "fact three: the moon is blue",
        ):
            assert sent.count(words) == 2, "the prompt and the stub's echo of it, once each"
        assert await lost.ask_here(SWITCHED) == "LYNX", "here it goes on in the same session"


@pytest.mark.parametrize("remedy", [Remedy.CARRY, Remedy.BIND, Remedy.START_AFRESH])
async def test_every_other_remedy_of_it_carries_the_codeword_or_says_that_it_is_lost(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch, remedy: Remedy
) -> None:
    async with opened("v1-switch-and-two-turns", tmp_path, shared_server, model, monkeypatch, kept=True) as lost:
        await lost.details(SWITCHED)
        preview = await lost.apply(SWITCHED, remedy)
        reply = await lost.ask_here(SWITCHED)
        told = " ".join(preview.lost)
        if remedy is Remedy.CARRY:
            assert reply == "LYNX"
            assert all(fact in model.words_sent() for fact in ("fact one", "fact two", "fact three")), "the new session's too"
        else:
            assert "LYNX" not in reply and ("LYNX" in told or "starts from nothing" in told)
        sent = await lost.ask_in_t3(SWITCHED)
        assert "LYNX" not in sent, "T3 Code goes on where it was"
        if remedy is not Remedy.BIND:
            assert (await lost.details(SWITCHED)).offered[0] is Remedy.HEAL, "which mends that side too"
            await lost.apply(SWITCHED, Remedy.HEAL)
            assert "LYNX" in await lost.ask_in_t3(SWITCHED)


async def test_both_sessions_are_there_and_t3tray_sees_them_for_the_first_time(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(
        "v1-healed-in-place", tmp_path, shared_server, model, monkeypatch, kept=False, change=before_it_was_healed
    ) as lost:
        before = await lost.details(HEALED)
        assert before.row.verdict.reason is Reason.SPLIT and before.offered[:2] == (Remedy.HEAL, Remedy.JOIN)
        join = await lost.backend.remedies.preview(HEALED, Choice(Remedy.JOIN))
        assert join.title.endswith(f"into {before.row.t3.session_id if before.row.t3 else ''}"), "it keeps T3 Code's session"
        await lost.apply(HEALED, Remedy.HEAL)
        assert "the codeword is OCELOT" in await lost.ask_in_t3(HEALED)
        after = await lost.details(HEALED)
        assert (after.row.verdict.reason, after.offered) == (Reason.PROVED, (Remedy.UNDO,))


@pytest.mark.parametrize(
    ("name", "thread", "word"), [("v1-healed-in-place", HEALED, "OCELOT"), ("v1-null-cursor", REPAIRED, "CONDOR")]
)
async def test_what_was_mended_is_green_and_nothing_is_offered_again(
    tmp_path: Path,
    shared_server: RawServer,
    model: StubModel,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    thread: str,
    word: str,
) -> None:
    async with opened(name, tmp_path, shared_server, model, monkeypatch, kept=True) as lost:
        found = await lost.details(thread)
        assert (found.row.verdict.reason, found.offered) == (Reason.PROVED, (Remedy.UNDO,))
        assert word in await lost.ask_in_t3(thread)
        assert await lost.ask_here(thread) == word


@pytest.mark.parametrize(("name", "thread"), [("v1-healed-in-place", HEALED), ("v1-null-cursor", REPAIRED)])
async def test_what_was_mended_once_is_not_carried_again_by_a_t3tray_that_knows_nothing_of_it(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch, name: str, thread: str
) -> None:
    async with opened(name, tmp_path, shared_server, model, monkeypatch, kept=False) as lost:
        assert (await lost.details(thread)).offered[0] is Remedy.HEAL, "two sessions hold parts of it, as far as can be seen"
        preview = await lost.apply(thread, Remedy.HEAL)
        assert "Nothing has to be carried: T3 Code's session holds everything." in preview.after
        after = await lost.details(thread)
        assert (after.row.verdict.reason, after.offered) == (Reason.PROVED, (Remedy.UNDO,))
        assert (await lost.ask_in_t3(thread)).count("Carried over by t3tray") == 1


async def test_an_import_that_was_cut_is_made_whole(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened("v2-import", tmp_path, shared_server, model, monkeypatch, kept=False) as lost:
        before = await lost.details(CUT)
        assert before.row.verdict.reason is Reason.SPLIT and before.offered[0] is Remedy.HEAL
        assert Remedy.REPAIR not in before.offered, "the second orchestrator has no such cursor"
        session = before.row.t3.session_id if before.row.t3 else None
        assert session and "BADGER" not in await lost.prompt(session)
        preview = await lost.apply(CUT, Remedy.HEAL)
        assert not any("Context handoff" in line for line in preview.before)
        sent = await lost.prompt(session)
        assert sent.count("the codeword is BADGER") == 2 and sent.count("Context handoff") == 1
        assert await lost.ask_here(CUT) == "BADGER"
        after = await lost.details(CUT)
        assert (after.row.verdict.reason, after.row.session_id) == (Reason.PROVED, session)


async def test_an_import_that_was_handed_over_whole_has_nothing_to_be_carried(
    tmp_path: Path, shared_server: RawServer, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened("v2-import", tmp_path, shared_server, model, monkeypatch, kept=False) as lost:
        preview = await lost.apply(WHOLE, Remedy.HEAL)
        assert "Nothing has to be carried: T3 Code's session holds everything." in preview.after
        assert (await lost.details(WHOLE)).row.verdict.reason is Reason.PROVED
        gone = await lost.details(WHOLE_AND_GONE)
        assert gone.row.verdict.kind is Kind.RESUMABLE and Remedy.HEAL not in gone.offered
