"""Sending in a thread: only into its verified session, never twice, and the text is the draft until the session holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import NotTaken, Refused, ServerDown, ServerError, ServerFault, TimedOut, TurnFailed, Unanswered
from t3tray.messages.receipts import T3_WORKS
from t3tray.messages.sending import ARRIVED
from t3tray.opencode.records import MessageRecord
from t3tray.threads.evidence import ThreadRecord
from t3tray.threads.prompt_delivery import Limits
from t3tray.threads.send import RevertPending, Sent, Warned
from t3tray.threads.verify import NotResumable
from tests.support.scripted_server import TEXT, Place
from tests.support.t3_world import NOON
from tests.support.turn_events import IDLE, Told, answer, error, message, part

KEPT = "Nothing was sent; the text is kept as the thread's draft."


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.store.close()


async def test_the_reply_comes_after_the_message_is_in_the_session_and_is_recorded(place: Place) -> None:
    place.time += timedelta(minutes=1)
    await place.converse()
    assert isinstance(place.steps[0], Sent) and place.said == TEXT and place.warnings == []
    assert place.server.prompts == [(place.session, TEXT)]
    assert (place.draft, place.on_their_way) == ("", [])
    cursor = place.store.journal.binding(place.thread).cursor
    assert cursor and cursor.last_message_id == place.server.messages_held[place.session][-1].facts.id
    assert cursor.message_count == 4
    assert place.store.threads.find(place.thread).last_activity_at == place.time


async def test_a_thread_whose_session_is_gone_gets_no_other_one(place: Place) -> None:
    place.server.delete(place.session)
    with pytest.raises(NotResumable) as caught:
        await place.sender.send(place.thread, TEXT, place.server)
    assert (caught.value.verification.verdict.reason, caught.value.hint) == (Reason.MISSING, KEPT)
    assert place.is_untouched() and (place.draft, place.on_their_way) == (TEXT, [])


async def test_what_is_refused_again_and_again_is_in_the_draft_once(place: Place) -> None:
    place.server.delete(place.session)
    for text in (TEXT, "another", TEXT):
        with pytest.raises(NotResumable):
            await place.sender.send(place.thread, text, place.server)
    assert place.draft == f"{TEXT}\n\nanother"


async def test_what_a_pending_revert_would_delete_is_deleted_only_if_the_user_wants_it(place: Place) -> None:
    newest = place.server.messages_held[place.session][-1].facts.id
    place.change(reverted_to=newest)
    with pytest.raises(RevertPending) as caught:
        await place.sender.send(place.thread, TEXT, place.server)
    assert "Take the revert back in OpenCode" in (caught.value.hint or "")
    assert place.is_untouched() and place.draft == TEXT
    verification = await place.sender.send(place.thread, TEXT, place.server, despite_others=True)
    assert any(note.startswith("A revert is pending") for note in verification.receipt.notes)
    assert (place.server.prompts, place.draft) == ([(place.session, TEXT)], "")


async def test_the_sender_is_warned_that_t3_code_works_in_the_thread(place: Place) -> None:
    load_record = place.load_record

    def working(thread_id: str) -> ThreadRecord:
        recorded = load_record(thread_id)
        t3 = T3Thread(thread_id, "", "", "", "opencode", "", NOON, NOON, session_id=place.session, is_working=True)
        return structs.replace(recorded, t3=t3)

    place.load_record = working
    await place.converse()
    assert place.warnings == [T3_WORKS] and place.said == TEXT
    assert isinstance(place.steps[0], Warned), "before it is called sent"


@pytest.mark.parametrize("is_up", [True, False])
async def test_nothing_is_sent_while_its_turn_could_not_be_followed(place: Place, is_up: bool) -> None:
    place.server.no_events, place.server.up = ServerDown("The stream broke."), is_up
    with pytest.raises(ServerDown if is_up else NotResumable) as caught:
        await place.converse()
    assert is_up or (isinstance(caught.value, NotResumable) and caught.value.verification.verdict.kind is Kind.UNKNOWN)
    assert place.is_untouched() and (place.draft, place.steps) == (TEXT, [])


async def test_a_binding_that_changes_after_the_verdict_gets_no_message(place: Place) -> None:
    def release() -> None:
        """A remedy of another process is faster, after the evidence was collected."""
        receipts = place.store.receipts.last(place.thread)
        if receipts and receipts.taken_at == place.time:
            place.store.journal.append(Entry(place.thread, Event.RELEASED, Actor.USER, "unbound", NOON, place.session))

    place.time += timedelta(minutes=1)
    place.server.on_page = release
    with pytest.raises(Refused, match="has changed since it was verified") as caught:
        await place.sender.send(place.thread, TEXT, place.server)
    assert (caught.value.hint or "").startswith(KEPT)
    assert place.is_untouched() and (place.draft, place.on_their_way) == (TEXT, [])


async def test_no_message_is_sent_that_opencode_would_store_and_not_answer(place: Place) -> None:
    """Its newest message is dated later than now: the clock was ahead when it was written."""
    ahead = NOON + timedelta(hours=1)
    place.server.hold(place.session, "msg_ahead", "from the future", int(ahead.timestamp() * 1000))
    place.server.answer(place.session, "and on")
    held = place.server.messages_held[place.session]
    held[-1] = replace(held[-1], facts=structs.replace(held[-1].facts, created_ms=int(ahead.timestamp() * 1000)))
    place.server.prompts.clear()
    with pytest.raises(NotTaken, match="which is still to come") as caught:
        await place.sender.send(place.thread, TEXT, place.server)
    assert KEPT in (caught.value.hint or "")
    assert place.is_untouched() and place.draft == TEXT
    place.server.time_ms = int(ahead.timestamp() * 1000)
    await place.sender.send(place.thread, TEXT, place.server)
    assert place.server.prompts == [(place.session, TEXT)], "by the server's clock it is not: ours is behind"


@pytest.mark.parametrize("lost", [TimedOut("No answer in time."), ServerDown("The connection broke.")])
async def test_a_message_of_which_nothing_is_known_is_the_draft_and_is_not_sent_again_by_itself(
    place: Place, lost: ServerError
) -> None:
    place.limits = Limits(unanswered_arrival=0)
    place.server.loses = lost
    with pytest.raises(NotTaken, match="It is not known whether the message arrived") as caught:
        await place.converse()
    assert "never sent twice" in (caught.value.hint or "") and place.steps == []
    assert len(place.server.asked) == 1 and place.draft == TEXT
    assert [prompt.message_id for prompt in place.on_their_way] == place.server.asked, "it can be looked up"


async def test_a_message_that_the_server_refuses_is_the_draft(place: Place) -> None:
    place.server.loses = ServerFault("The server answered 400.")
    with pytest.raises(ServerFault):
        await place.converse()
    assert (place.draft, place.steps) == (TEXT, [])


async def unseen(place: Place) -> str:
    """Hand the message over without an answer, and return its id."""
    place.limits = Limits(unanswered_arrival=0)
    place.server.loses = TimedOut("No answer in time.")
    with pytest.raises(NotTaken):
        await place.converse()
    place.limits, place.server.loses = Limits(dropped=0, quiet=0), None
    return place.server.asked.pop()


async def test_what_had_arrived_unseen_is_not_sent_again_and_its_reply_is_read(place: Place) -> None:
    name = await unseen(place)
    place.server.answer(place.session, TEXT, name)
    place.server.prompts.clear()
    await place.converse()
    assert place.server.asked == [] and place.said == TEXT
    assert place.warnings == ["This message had arrived already, unseen; it was not sent again."]
    assert (place.draft, place.on_their_way) == ("", [])


async def test_what_never_arrived_is_sent_once_and_by_a_new_id(place: Place) -> None:
    name = await unseen(place)
    place.time += timedelta(hours=1)
    await place.converse()
    (again,) = place.server.asked
    assert again != name and place.server.prompts == [(place.session, TEXT)]
    assert (place.draft, place.on_their_way, place.warnings) == ("", [], [])


async def test_while_it_cannot_be_looked_up_it_is_not_sent_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await unseen(place)
    place.time += timedelta(hours=1)

    async def silent(session_id: str, message_id: str) -> MessageRecord:
        raise TimedOut("No answer in time.")

    cursor = place.store.journal.binding(place.thread).cursor
    assert cursor and cursor.last_message_id == place.server.messages_held[place.session][-1].facts.id, (
        "the verdict needs no look-up"
    )
    monkeypatch.setattr(place.server, "message", silent)
    with pytest.raises(NotTaken, match="not known whether the message arrived"):
        await place.converse()
    assert place.server.asked == [] and place.draft == TEXT and len(place.on_their_way) == 1


async def test_a_draft_is_settled_by_what_the_session_holds(place: Place) -> None:
    name = await unseen(place)
    place.limits = Limits()
    await place.sender.settle(place.thread, place.server)
    assert place.draft == TEXT and len(place.on_their_way) == 1, "it may still arrive"
    place.server.hold(place.session, name, "")
    await place.sender.settle(place.thread, place.server)
    assert place.draft == TEXT, "it is stored, and its text is not yet"
    place.server.messages_held[place.session].pop()
    place.server.hold(place.session, name, TEXT)
    await place.sender.settle(place.thread, place.server)
    assert (place.draft, place.on_their_way) == ("", [])


async def test_a_draft_that_can_no_longer_arrive_stays_a_draft_and_is_looked_up_no_more(place: Place) -> None:
    await unseen(place)
    place.limits = Limits()
    place.time += timedelta(hours=1)
    place.server.up = False
    with pytest.raises(ServerDown):
        await place.sender.settle(place.thread, place.server)
    assert len(place.on_their_way) == 1, "a server that is down says nothing of it"
    place.server.up = True
    await place.sender.settle(place.thread, place.server)
    assert (place.draft, place.on_their_way) == (TEXT, [])


def failed(name: str, words: str) -> Callable[[str], list[Told]]:
    error_of_it = {"name": name, "data": {"message": words}}
    return lambda ours: [message("msg_6", ours, 6), message("msg_6", ours, 6, done=True, error=error_of_it), IDLE]


OTHERS = [message("msg_7", at=7), part("msg_7", "and this?"), message("msg_8", "msg_7", 8), part("msg_8", "both")]
ENDS: list[tuple[Callable[[str], list[Told]], type[Exception], str]] = [
    (failed("APIError", "no credit left"), TurnFailed, "The model did not answer: no credit left"),
    (failed("MessageAbortedError", "Aborted"), TurnFailed, "The turn was stopped before its end."),
    (lambda ours: [message("msg_6", ours, 6), IDLE], TurnFailed, "The turn broke off: OpenCode was ended in its middle."),
    (
        lambda _: [error("UnknownError", "Model not found: x."), IDLE],
        Unanswered,
        "OpenCode did not ask the model: Model not found: x.",
    ),
    (lambda _: [IDLE], Unanswered, "OpenCode did not ask the model."),
]


@pytest.mark.parametrize(("turn", "kind", "words"), ENDS)
async def test_a_turn_that_went_wrong_is_told_as_such_and_its_message_is_no_draft(
    place: Place, turn: Callable[[str], list[Told]], kind: type[Exception], words: str
) -> None:
    place.server.turn, place.limits = turn, Limits(doubt=0)
    with pytest.raises(kind) as caught:
        await place.converse()
    assert isinstance(caught.value, TurnFailed | Unanswered) and caught.value.message == words
    assert (caught.value.hint or "").startswith(ARRIVED), "sent again, it would be there twice"
    assert [type(step) for step in place.steps] == [Sent]
    assert (place.draft, place.on_their_way) == ("", [])


async def test_the_answer_to_another_programs_message_is_named_as_such(place: Place) -> None:
    place.server.turn = lambda _: [*OTHERS, answer("msg_8", "msg_7", 8), IDLE]
    await place.converse()
    assert place.warnings == ["Another program sent a message right after this one. OpenCode answered both at once:"]
    assert place.steps[-1] == place.said == "both"


async def test_a_session_that_the_thread_leaves_during_the_turn_is_not_bound_again(place: Place) -> None:
    async for step in place.sender.converse(place.thread, TEXT, place.server):
        place.steps.append(step)
        if isinstance(step, Sent):
            place.store.journal.append(Entry(place.thread, Event.RELEASED, Actor.USER, "unbound", NOON, place.session))
    warning = f"This thread has left {place.session} meanwhile: the message and its answer stay there."
    assert place.warnings == [warning] and place.said == TEXT
    assert place.store.journal.binding(place.thread).cursor is None and place.events()[-1] is Event.RELEASED


async def test_a_reply_whose_record_cannot_be_renewed_is_a_reply_with_a_warning(place: Place) -> None:
    async for step in place.sender.converse(place.thread, TEXT, place.server):
        place.steps.append(step)
        if isinstance(step, str) and step:
            place.server.up = False
    assert place.said == TEXT
    assert place.warnings == ["What t3tray has recorded of the session could not be renewed: Nobody listens."]
