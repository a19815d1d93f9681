"""A message and a change of the binding at the same time: one after the other, or one is refused and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, closing
from datetime import timedelta
from pathlib import Path

import pytest

from t3tray.domain.evidence import Activity
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord
from t3tray.domain.transcript import MAY_ARRIVE_FOR, Prompt
from t3tray.errors import Refused
from t3tray.system.intent_ids import IntentIds
from t3tray.threads.send import Warned
from tests.faults.test_remedy_faults import REMEDIES, Place

NEW = "what is said now"
BUSY = "A turn is running"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(tmp_path, Remedy.FORK)) as made:
        yield made


def bound(place: Place) -> str:
    cursor = place.life.store.journal.binding(place.thread).cursor
    assert cursor
    return cursor.session_id


def begin(place: Place, author: IntentIds) -> None:
    """Begin a fork that this process is working on."""
    intent = author.open_intent()
    place.life.store.journal.append(
        Entry(
            place.thread,
            Event.INTENDED,
            Actor.USER,
            "forked from it",
            place.tick(),
            intent=intent,
            deed=RemedyRecord(Remedy.FORK),
        )
    )


@pytest.mark.parametrize("remedy", REMEDIES)
def test_no_binding_is_changed_while_a_message_is_on_its_way(tmp_path: Path, remedy: Remedy) -> None:
    with closing(Place(tmp_path, remedy)) as place:
        before, author = place.state(), place.life.author
        prompt = Prompt("msg_1", place.thread, bound(place), NEW, place.tick())
        place.life.store.prompts.add(prompt, author.is_at_work, "")
        with pytest.raises(Refused, match="is not in its session yet"):
            asyncio.run(place.apply(remedy))
        assert place.state() == before and not place.life.store.journal.pending()
        # It cannot arrive any more.
        place.time += timedelta(seconds=MAY_ARRIVE_FOR)
        asyncio.run(place.apply(remedy))
        assert place.done()


def test_nothing_is_sent_while_a_remedy_is_at_work(place: Place) -> None:
    me = IntentIds.this_process()
    begin(place, IntentIds(me.pid, me.started, me.start))
    with pytest.raises(Refused, match=r"is not finished \(forked from it\)") as refused:
        asyncio.run(place.life.sending.send(place.thread, NEW, place.server))
    assert "kept as the thread's draft" in (refused.value.hint or "")
    assert [text for _, text in place.server.prompts if text == NEW] == []
    assert place.life.store.threads.find(place.thread).draft == NEW
    assert place.life.store.prompts.of(place.thread) == ()


def test_a_remedy_whose_process_was_killed_holds_no_message_back(place: Place) -> None:
    begin(place, IntentIds(2**22 + 1, 0.0, "a boot:1"))
    asyncio.run(place.life.sending.send(place.thread, NEW, place.server))
    assert place.server.prompts[-1] == (bound(place), NEW)


def test_a_message_goes_to_no_session_that_was_left_since_it_was_verified(place: Place) -> None:
    author, session = place.life.author, bound(place)
    asyncio.run(place.apply(Remedy.FORK))
    with pytest.raises(Refused, match="has changed since it was verified"):
        place.life.store.prompts.add(Prompt("msg_1", place.thread, session, NEW, place.tick()), author.is_at_work, "")


@pytest.mark.parametrize("remedy", [Remedy.FORK, Remedy.CARRY])
def test_what_continues_a_conversation_is_made_of_no_half_of_a_turn(
    place: Place, remedy: Remedy, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, made = place.state(), place.server.made

    async def busy(session_id: str, directory: str) -> Activity:
        return Activity.BUSY

    monkeypatch.setattr(place.server, "activity", busy)
    with pytest.raises(Refused, match=BUSY):
        asyncio.run(place.apply(remedy))
    assert (place.state(), place.server.made) == (before, made)
    # It is settled, not left to recovery.
    assert not place.life.store.journal.pending()


def test_a_conversation_that_grew_since_the_plan_is_not_carried_without_its_end(place: Place) -> None:
    details = place.life.details(place.thread, place.server)
    remedies, session, made = place.life.remedies, bound(place), place.server.made
    plan = asyncio.run(remedies.plan(details, Choice(Remedy.CARRY), starts=True))
    asyncio.run(place.life.sending.send(place.thread, NEW, place.server))
    with pytest.raises(Refused, match="has grown"):
        asyncio.run(plan.carry_out())
    assert (bound(place), place.server.made) == (session, made)


def test_an_answer_that_came_into_a_session_that_the_thread_has_left_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, store = bound(place), place.life.store

    async def converse() -> list[object]:
        arrived = store.prompts.forget

        def arrive(message_id: str) -> None:
            arrived(message_id)
            store.journal.append(Entry(place.thread, Event.RELEASED, Actor.USER, "let go", place.tick(), session))

        monkeypatch.setattr(store.prompts, "forget", arrive)
        async with aclosing(place.life.sending.converse(place.thread, NEW, place.server)) as steps:
            return [step async for step in steps]

    told = asyncio.run(converse())
    assert Warned(f"This thread has left {session} meanwhile: the message and its answer stay there.") in told
