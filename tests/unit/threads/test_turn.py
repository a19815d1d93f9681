"""A prompt's turn, put together from events and readings: which answers are ours, and when it is over."""

from __future__ import annotations

import pytest

from t3tray.opencode.message_events import UnclearChange, change_of
from t3tray.threads.turn import Outcome, Turn
from tests.support.turn_events import (
    ASKED,
    BEGUN,
    BUSY,
    IDLE,
    OURS,
    TEXT,
    Told,
    answer,
    error,
    events,
    grown,
    message,
    part,
    read,
)


def heard(*told: Told) -> Turn:
    turn = Turn(OURS, TEXT)
    turn.has_arrived = True
    for event in events(told):
        change = change_of(event)
        assert change
        turn.handle(change)
    return turn


def test_it_is_over_when_the_answer_is_finished_and_the_session_idle() -> None:
    words = [*BEGUN, message("msg_6", OURS, 6), part("msg_6", ""), grown("msg_6", "It is "), grown("msg_6", "late.")]
    turn = heard(*words)
    assert (turn.is_in_events, turn.outcome, turn.reply) == (True, None, "It is late.")
    end = [part("msg_6", "It is late."), answer("msg_6", OURS, 6)]
    assert heard(*words, *end).outcome is None
    turn = heard(*words, *end, IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "It is late.")


def test_our_message_is_told_only_with_its_text() -> None:
    assert not heard(message(OURS)).is_in_events
    assert heard(*ASKED).is_in_events


def test_a_step_with_tools_is_not_the_end_and_steps_are_set_apart() -> None:
    first = [part("msg_6", "I look."), answer("msg_6", OURS, 6, finish="tool-calls")]
    steps = [*BEGUN, message("msg_6", OURS, 6), *first, BUSY, message("msg_7", OURS, 7), part("msg_7", "Found.")]
    assert heard(*steps).outcome is None
    turn = heard(*steps, answer("msg_7", OURS, 7), IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "I look.\n\nFound.")
    assert heard(*steps[:-2], IDLE).outcome is Outcome.ANSWERED, "a tool that was refused ends it too"


def test_the_answer_to_somebody_else_is_not_ours_whatever_its_id() -> None:
    theirs = [BUSY, message("msg_9", "msg_1", 4), part("msg_9", "to them"), answer("msg_9", "msg_1", 4)]
    turn = heard(*ASKED, *theirs, IDLE)
    assert (turn.outcome, turn.reply) == (None, "")
    turn = heard(*ASKED, *theirs, BUSY, message("msg_6", OURS, 6), part("msg_6", "to us"), answer("msg_6", OURS, 6), IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "to us")


def test_a_message_that_overtook_ours_is_answered_for_both() -> None:
    later = [message("msg_7", at=7), part("msg_7", "and this?")]
    theirs = [message("msg_8", "msg_7", 8), part("msg_8", "both"), answer("msg_8", "msg_7", 8)]
    turn = heard(*BEGUN, *later, *theirs, IDLE)
    assert (turn.outcome, turn.reply, turn.others_reply) == (Outcome.TOGETHER, "", "both")
    step = [message("msg_6", OURS, 6), part("msg_6", "I look."), answer("msg_6", OURS, 6, finish="tool-calls")]
    assert heard(*BEGUN, *step, *later, *theirs, IDLE).outcome is Outcome.TOGETHER
    failed = answer("msg_8", "msg_7", 8, finish=None, error={"name": "APIError", "data": {"message": "no credit"}})
    turn = heard(*BEGUN, *later, failed, IDLE)
    assert (turn.outcome, turn.error) == (Outcome.FAILED, "no credit")


def test_ours_is_over_when_it_is_answered_and_another_one_goes_on() -> None:
    later = [message("msg_7", at=7), part("msg_7", "and this?"), BUSY, message("msg_8", "msg_7", 8)]
    turn = heard(*BEGUN, answer("msg_6", OURS, 6), part("msg_6", "done"), *later)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "done")


def compacted(auto: bool, *goes_on: Told) -> list[Told]:
    compaction = "message.part.updated", {"part": {"type": "compaction", "id": "prt_7", "messageID": "msg_7", "auto": auto}}
    summary = answer("msg_8", "msg_7", 8, summary=True, mode="compaction")
    return [
        message("msg_7", at=7),
        compaction,
        BUSY,
        message("msg_8", "msg_7", 8, summary=True),
        part("msg_8", "so far"),
        summary,
        *goes_on,
    ]


def test_a_compaction_in_the_middle_is_no_answer_and_what_goes_on_after_it_is_ours() -> None:
    again = [message("msg_9", at=9), part("msg_9", "Continue …", synthetic=True, metadata={"compaction_continue": True})]
    last = [BUSY, message("msg_a", "msg_9", 10), part("msg_a", "done"), answer("msg_a", "msg_9", 10)]
    assert heard(*BEGUN, *compacted(True)).outcome is None
    turn = heard(*BEGUN, *compacted(True, *again, *last), IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "done")
    copied = [message("msg_9", at=9), part("msg_9", TEXT)]
    turn = heard(*BEGUN, *compacted(True, *copied, *last), IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "done")


def test_a_compaction_that_somebody_asked_for_answers_nobody() -> None:
    turn = heard(*BEGUN, *compacted(False), IDLE)
    assert (turn.outcome, turn.conclude(), turn.reply) == (None, Outcome.UNANSWERED, "")


def test_a_compaction_that_fails_is_a_failed_turn() -> None:
    told = compacted(True)[:-1]
    failed = answer("msg_8", "msg_7", 8, summary=True, finish="error", error={"name": "ContextOverflowError", "data": {}})
    turn = heard(*BEGUN, *told, failed, IDLE)
    assert (turn.outcome, turn.error) == (Outcome.FAILED, "ContextOverflowError")


@pytest.mark.parametrize(
    ("name", "words", "outcome"),
    [
        ("APIError", "no credit left", Outcome.FAILED),
        ("MessageAbortedError", "Aborted", Outcome.STOPPED),
    ],
)
def test_an_error_in_the_answer(name: str, words: str, outcome: Outcome) -> None:
    failed = message("msg_6", OURS, 6, error={"name": name, "data": {"message": words}})
    # The session's idle event comes before the event of the message's end.
    turn = heard(*BEGUN, message("msg_6", OURS, 6), error(name, words), IDLE)
    assert (turn.outcome, turn.is_doubtful) == (None, True)
    turn = heard(*BEGUN, message("msg_6", OURS, 6), error(name, words), IDLE, failed)
    assert (turn.outcome, turn.error) == (outcome, words)


def test_an_error_alone_ends_nothing() -> None:
    unread = error("UnknownError", "File not found: /nowhere/x")
    assert heard(unread, *BEGUN).outcome is None
    turn = heard(unread, *BEGUN, message("msg_6", OURS, 6), unread, part("msg_6", "done"), answer("msg_6", OURS, 6), IDLE)
    assert (turn.outcome, turn.reply) == (Outcome.ANSWERED, "done")


def test_a_model_that_was_never_asked_is_told_in_opencodes_words() -> None:
    stack = "ProviderModelNotFoundError: Model not found: stub/gone.\n    at <anonymous> (/$bunfs/root/chunk.js:439:94601)"
    turn = heard(*BEGUN, error("UnknownError", stack), IDLE)
    assert (turn.outcome, turn.error) == (Outcome.UNANSWERED, "Model not found: stub/gone.")
    turn = heard(*ASKED, IDLE)
    assert (turn.outcome, turn.is_doubtful, turn.conclude(), turn.error) == (None, True, Outcome.UNANSWERED, "")


def test_a_turn_whose_server_was_ended_has_an_answer_without_an_end() -> None:
    turn = heard(*BEGUN, message("msg_6", OURS, 6), IDLE)
    assert (turn.outcome, turn.conclude()) == (None, Outcome.BROKEN_OFF)


def test_an_older_message_that_is_told_again_is_no_later_one() -> None:
    turn = heard(*BEGUN, message("msg_1", at=1), answer("msg_6", OURS, 6), part("msg_6", "done"), IDLE)
    assert turn.outcome is Outcome.ANSWERED


def test_after_a_gap_it_is_read_and_only_what_was_not_heard_is_added() -> None:
    turn = heard(*BEGUN, message("msg_6", OURS, 6), part("msg_6", ""), grown("msg_6", "It is "))
    turn.handle(UnclearChange())
    assert turn.is_incomplete
    page = read(ASKED, (answer("msg_6", OURS, 6), part("msg_6", "It is late.")))
    assert turn.read(page, is_idle=True) == "late."
    assert (turn.outcome, turn.reply, turn.is_incomplete) == (Outcome.ANSWERED, "It is late.", False)


def test_what_was_never_heard_is_read_whole() -> None:
    turn = Turn(OURS, TEXT)
    turn.has_arrived = True
    page = read(ASKED, (answer("msg_6", OURS, 6), part("msg_6", "It is late.")))
    assert (turn.read(page, is_idle=True), turn.outcome) == ("It is late.", Outcome.ANSWERED)
