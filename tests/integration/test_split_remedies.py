"""A split thread on the real opencode: one side is chosen, or both are joined, and an undo restores the split."""

from __future__ import annotations

import uuid

import pytest

from t3tray.backend.backend import Backend
from t3tray.domain.journal import Event
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import Refused
from t3tray.messages.t3code_side import next_sentence
from t3tray.threads.verify import NotResumable
from tests.integration.test_remedies import (
    HERON,
    PELICAN,
    Theirs,
    ask,
    backend,
    client,
    server,
    session_with,
    t3_thread,
    undo,
    verdict,
    world,
)
from tests.support.stub_model import StubModel
from tests.support.t3_world import World, writing

__all__ = ["backend", "client", "server", "world"]


async def test_join_a_split_carries_what_only_the_other_holds_once(
    backend: Backend, client: Theirs, world: World, model: StubModel
) -> None:
    project = world.code / "proj"
    name = str(uuid.uuid4())
    first = await session_with(client, project, HERON, f"T3 Code {name}")
    second = await session_with(client, project, PELICAN, f"T3 Code {name}")
    thread = t3_thread(world, second, name)
    details = await backend.details.read(thread)
    assert (details.row.verdict.reason, *details.offered[:2]) == (Reason.SPLIT, Remedy.HEAL, Remedy.JOIN)
    preview = await backend.remedies.preview(thread, Choice(Remedy.JOIN))
    assert any("HERON" in line for line in preview.before)
    await backend.remedies.apply(thread, Choice(Remedy.JOIN), preview)
    assert (await backend.details.read(thread)).row.verdict.kind is Kind.RESUMABLE
    await ask(backend, thread)
    sent = model.words_sent()
    assert sent.count(HERON) == 1 and sent.count(PELICAN) == 1
    assert len((await client.messages(first, 100)).messages) == 2, "the other is left as it is"
    assert first in {entry.session_id for entry in await backend.journal(thread) if entry.event is Event.PUT_AWAY}
    await undo(backend, thread)
    assert await verdict(backend, thread) == Reason.SPLIT
    assert not any(HERON in record.text for record in (await client.messages(second, 100)).messages)


async def test_the_other_one_of_a_split_can_be_kept(backend: Backend, client: Theirs, world: World) -> None:
    project = world.code / "proj"
    name = str(uuid.uuid4())
    first = await session_with(client, project, HERON, f"T3 Code {name}")
    second = await session_with(client, project, PELICAN, f"T3 Code {name}")
    thread = t3_thread(world, second, name)
    await backend.remedies.apply(thread, Choice(Remedy.BIND, first))
    verification = await backend.prompting.verify(thread)
    assert (verification.session_id, verification.verdict.kind) == (first, Kind.RESUMABLE)
    side = verification.next_message
    assert side and side.reason is NextReason.OTHER_SESSION, "T3 Code's own next message still goes there, and that is said"
    assert "(2 messages)" in next_sentence(side)
    assert "2 messages of this conversation were left out when this session was chosen" in verification.verdict.detail
    assert await ask(backend, thread) == "HERON"
    with writing(world.state) as connection:
        connection.execute(
            "UPDATE provider_session_runtime SET resume_cursor_json = json_set(resume_cursor_json, '$.sessionId', 'ses_x')"
        )
    assert await verdict(backend, thread) == Reason.CONFLICT, "the choice was made over another one"


async def test_a_split_is_seen_by_whoever_sends(backend: Backend, client: Theirs, world: World, model: StubModel) -> None:
    project, name = world.code / "proj", str(uuid.uuid4())
    await session_with(client, project, HERON, f"T3 Code {name}")
    second = await session_with(client, project, PELICAN, f"T3 Code {name}")
    thread, asked = t3_thread(world, second, name), len(model.chats())
    with pytest.raises(NotResumable, match="Several sessions"):
        await ask(backend, thread)
    assert len(model.chats()) == asked


async def test_t3_code_follows_to_the_session_that_was_chosen(backend: Backend, client: Theirs, world: World) -> None:
    project = world.code / "proj"
    first, second = await session_with(client, project, HERON), await session_with(client, project, PELICAN)
    thread = t3_thread(world, second)
    await backend.remedies.apply(thread, Choice(Remedy.BIND, first))
    assert Remedy.REPAIR in (await backend.details.read(thread)).offered, "the window can ask for leave"
    preview = await backend.remedies.preview(thread, Choice(Remedy.REPAIR))
    assert preview.permission
    with pytest.raises(Refused, match="turned off"):
        await backend.remedies.apply(thread, Choice(Remedy.REPAIR), preview)
    await backend.preferences.change("t3_repair", True)
    assert Remedy.REPAIR in (await backend.details.read(thread)).offered
    data = backend.data_directory
    reopened = await Backend.open(str(data), "command")
    try:
        await reopened.remedies.apply(thread, Choice(Remedy.REPAIR))
        assert (await reopened.details.read(thread)).row.t3.session_id == first  # type: ignore[union-attr]
        verification = await reopened.prompting.verify(thread)
        assert "were left out when this session was chosen" in verification.verdict.detail, "what the other one holds"
        assert verification.next_message and verification.next_message.reason is NextReason.PARTIAL
        offered = (await reopened.details.read(thread)).offered
        assert offered == (Remedy.HEAL, Remedy.UNDO), "the repair is done; what the other one holds can be brought here"
        assert await reopened.run_sql(reopened.store.alarms.all, thread) == ()
        await undo(reopened, thread)
        assert (await reopened.details.read(thread)).row.t3.session_id == second  # type: ignore[union-attr]
        copies = sorted((data / "t3code-copies").iterdir())
        assert len(copies) == 2
    finally:
        await reopened.close()


async def test_an_undone_choice_of_a_split_is_a_split_again(
    backend: Backend, client: Theirs, world: World, model: StubModel
) -> None:
    project = world.code / "proj"
    name = str(uuid.uuid4())
    first = await session_with(client, project, HERON, f"T3 Code {name}")
    second = await session_with(client, project, PELICAN, f"T3 Code {name}")
    thread = t3_thread(world, second, name)
    before = await backend.details.read(thread)
    assert before.row.verdict.reason is Reason.SPLIT
    await backend.remedies.apply(thread, Choice(Remedy.BIND, first))
    preview = await backend.remedies.preview(thread, Choice(Remedy.UNDO))
    assert any("HERON" in line for line in preview.lost), "what the model no longer knows then"
    await undo(backend, thread)
    after = await backend.details.read(thread)
    assert (after.row.verdict, after.offered) == (before.row.verdict, before.offered)
    assert [found.session_id for found in after.choices] == [found.session_id for found in before.choices]
    assert (await backend.prompting.verify(thread)).verdict.reason is Reason.SPLIT
    await backend.remedies.apply(thread, Choice(Remedy.JOIN))
    await ask(backend, thread)
    assert HERON in model.words_sent() and PELICAN in model.words_sent()
