"""The reducer: events show at once, a page is authoritative, and no order, loss or repetition of events outlives a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.conversation.reducer import MessageReducer
from t3tray.domain.transcript import PieceKind
from t3tray.opencode.events import ServerEvent
from t3tray.opencode.message_events import Change, UnclearChange, change_of
from t3tray.opencode.wire import TranscriptPage, WireMessage
from tests.support.transcripts import SESSION, event, grew, info, message, page, part_told, text, thought, told, tool

QUESTION = message(info(0, "user"), text(0, "what is it?"))


def fold(*messages: WireMessage, older: str | None = None) -> MessageReducer:
    made = MessageReducer(SESSION)
    made.read(page(*messages, older=older), is_busy=False)
    return made


def handle(into: MessageReducer, *events: ServerEvent) -> None:
    for each in events:
        change = change_of(each)
        assert change is not None, each
        into.handle(change)


def words(of: MessageReducer) -> list[str]:
    return [message.text for message in of.messages]


def test_a_reply_streams_in() -> None:
    shown = fold(QUESTION)
    empty = text(1, "", done=False)
    handle(shown, event("session.status", status={"type": "busy"}), told(info(1)), part_told(empty))
    assert shown.is_busy and words(shown) == ["what is it?", ""]
    handle(shown, grew(empty, "It "), grew(empty, "is."))
    assert words(shown) == ["what is it?", "It is."] and not shown.messages[-1].finished
    done = info(1, time={"created": 1001, "completed": 1002}, finish="stop")
    handle(shown, part_told(text(1, "It is.")), told(done), event("session.idle"))
    assert words(shown) == ["what is it?", "It is."] and shown.messages[-1].finished and not shown.is_busy


def test_pieces_keep_their_order() -> None:
    shown = fold(message(info(1), thought(1, "hm", 0), text(1, "First", 1), tool(1, part=2, title="ls"), text(1, "Then", 3)))
    (only,) = shown.messages
    assert [piece.kind for piece in only.in_order] == [
        PieceKind.THOUGHT,
        PieceKind.TEXT,
        PieceKind.TOOL,
        PieceKind.TEXT,
    ]
    assert only.text == "First\nThen" and only.tools[0].title == "ls"


def test_words_that_were_heard_survive_a_page_that_does_not_have_them_yet() -> None:
    shown, empty = fold(QUESTION), text(1, "", done=False)
    handle(shown, told(info(1)), part_told(empty), grew(empty, "It is "))
    shown.begin_read()
    handle(shown, grew(empty, "so."))
    shown.read(page(QUESTION, message(info(1), empty)), is_busy=True)
    assert words(shown)[-1] == "It is so."
    handle(shown, grew(empty, " Yes."))
    assert words(shown)[-1] == "It is so. Yes."


def test_what_is_heard_while_a_page_is_under_way_is_newer_than_it() -> None:
    shown = fold(QUESTION)
    shown.begin_read()
    handle(shown, told(info(1)), part_told(text(1, "new")), event("message.removed", messageID="msg_0000"))
    handle(shown, event("session.status", status={"type": "busy"}))
    shown.read(page(QUESTION), is_busy=False)
    assert words(shown) == ["new"] and shown.is_busy


def test_what_did_not_change_is_the_same_object() -> None:
    shown = fold(QUESTION, message(info(1), text(1, "so")))
    before = shown.messages
    handle(shown, told(info(3)), part_told(text(3, "more")))
    assert shown.messages[0] is before[0] and shown.messages[1] is before[1]
    shown.begin_read()
    shown.read(page(QUESTION, message(info(1), text(1, "so"))), is_busy=False)
    assert shown.messages[0] is before[0] and shown.messages[1] is before[1] and len(shown.messages) == 2


def test_older_pages_come_before() -> None:
    shown = fold(message(info(2, "user"), text(2, "new")), older="cursor")
    shown.read_older(page(QUESTION, message(info(1), text(1, "so"))))
    assert words(shown) == ["what is it?", "so", "new"] and shown.older is None


def test_a_message_that_was_told_of_is_not_left_in_front_of_a_page_that_ends_after_it() -> None:
    shown = fold(QUESTION, message(info(1), text(1, "so")))
    shown.begin_read()
    handle(shown, told(info(0, "user")))
    shown.read(page(message(info(5), text(5, "far on")), older="cursor"), is_busy=False)
    assert words(shown) == ["far on"]


def test_parts_may_come_before_their_message_and_go_again() -> None:
    shown = fold()
    handle(shown, part_told(text(1, "early")))
    assert words(shown) == []
    handle(shown, told(info(1)))
    assert words(shown) == ["early"]
    handle(shown, event("message.part.removed", messageID="msg_0001", partID="prt_0001_00"))
    assert words(shown) == [""]


def test_an_error_without_a_message_is_told_until_the_next_turn() -> None:
    shown = fold(QUESTION)
    error = {"name": "ProviderAuthError", "data": {"message": "no key"}}
    handle(shown, event("session.error", error=error))
    assert shown.trouble == "The model's provider refused the key: no key."
    handle(shown, told(info(1, error=error)))
    assert shown.trouble == "" and shown.messages[-1].error == "no key"
    handle(shown, event("message.removed", messageID="msg_0001"), event("session.status", status={"type": "busy"}))
    assert shown.trouble == ""


def test_a_turn_that_was_stopped_is_no_trouble() -> None:
    shown = fold(QUESTION)
    error = {"name": "MessageAbortedError", "data": {"message": "Aborted"}}
    handle(shown, event("session.error", error=error), told(info(1, error=error)))
    assert shown.trouble == "" and shown.messages[-1].stopped


def test_why_the_model_is_asked_again_is_told() -> None:
    shown = fold(QUESTION)
    handle(shown, event("session.status", status={"type": "retry", "attempt": 2, "message": "overloaded", "next": 1}))
    assert (shown.is_busy, shown.retrying) == (True, "overloaded")


def test_an_event_that_is_not_understood_asks_for_a_page() -> None:
    shown = fold(QUESTION)
    for odd in (told({"id": 7}), event("message.part.updated"), event("message.part.delta", field="text")):
        assert change_of(odd) == UnclearChange()
    handle(shown, told({"id": 7}))
    assert shown.is_stale
    assert change_of(event("todo.updated")) is None


NUMBERS = st.integers(0, 4)
PARTS = st.integers(0, 2)
WORDS = st.sampled_from(["", "a", "ab", "so it is"])
EVENTS = st.one_of(
    st.builds(lambda n: told(info(n)), NUMBERS),
    st.builds(lambda n: told(info(n, time={"created": 1000 + n, "completed": 2000}, finish="stop")), NUMBERS),
    st.builds(lambda n, p, w, done: part_told(text(n, w, p, done=done)), NUMBERS, PARTS, WORDS, st.booleans()),
    st.builds(lambda n, p, w: grew(text(n, "", p), w), NUMBERS, PARTS, WORDS),
    st.builds(lambda n, p: part_told(tool(n, part=p, status="running")), NUMBERS, PARTS),
    st.builds(lambda n: event("message.removed", messageID=f"msg_{n:04}"), NUMBERS),
    st.builds(lambda n, p: event("message.part.removed", messageID=f"msg_{n:04}", partID=f"prt_{n:04}_{p:02}"), NUMBERS, PARTS),
    st.just(event("session.idle")),
    st.just(event("session.status", status={"type": "busy"})),
    st.just(event("session.error", error={"name": "APIError", "data": {"message": "no credit"}})),
)
PAGES = st.builds(
    lambda numbers, older: page(
        *(message(info(n), text(n, f"text {n}"), text(n, "", 1, done=False)) for n in sorted(numbers)), older=older
    ),
    st.sets(NUMBERS),
    st.sampled_from([None, "cursor"]),
)


def changes(events: list[ServerEvent]) -> list[Change]:
    return [change for each in events if (change := change_of(each))]


@given(st.lists(EVENTS), PAGES, PAGES, st.booleans())
def test_after_a_gap_a_page_is_all_that_counts(
    events: list[ServerEvent], first: TranscriptPage, last: TranscriptPage, is_busy: bool
) -> None:
    """Any events in any order, repeated or missing, then a gap and a page: the same as the page alone."""
    shown = MessageReducer(SESSION)
    shown.read(first, is_busy=False)
    for change in changes(events):
        shown.handle(change)
    shown.lose()
    shown.begin_read()
    shown.read(last, is_busy)
    alone = MessageReducer(SESSION)
    alone.read(last, is_busy)
    assert shown.messages == alone.messages
    assert (shown.is_busy, shown.older, shown.trouble) == (alone.is_busy, alone.older, alone.trouble)


@pytest.mark.parametrize("at", range(6))
def test_a_page_may_be_read_anywhere_in_a_turn(at: int) -> None:
    """The stream in order, with a page of the server's data of that moment, ends as the whole conversation read at its end."""
    empty, whole = text(1, "", done=False), text(1, "It is so.")
    grown = [grew(empty, words) for words in ("It ", "is ", "so.")]
    story = [told(info(1)), part_told(empty), *grown, part_told(whole)]
    stored = [message(info(1)), *(message(info(1), empty) for _ in range(4)), message(info(1), whole)]
    shown = fold(QUESTION)
    handle(shown, *story[: at + 1])
    shown.begin_read()
    shown.read(page(QUESTION, stored[at]), is_busy=True)
    handle(shown, *story[at + 1 :])
    assert words(shown) == ["what is it?", "It is so."]
