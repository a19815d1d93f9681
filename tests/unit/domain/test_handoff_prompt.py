"""A conversation as one message for the model: the newest is kept, and what is left out is said in it and to the user."""

from __future__ import annotations

from t3tray.domain.evidence import Role
from t3tray.domain.handoff import CARRIED, END
from t3tray.domain.handoff_prompt import carried, summary_of
from t3tray.domain.transcript import Message, Origin, ToolCall, Transcript
from tests.support.t3_world import NOON, milliseconds

AT = milliseconds(NOON)


def said(*texts: str) -> Transcript:
    roles = (Role.USER, Role.ASSISTANT)
    messages = (Message(f"msg_{number}", roles[number % 2], AT, text) for number, text in enumerate(texts))
    return Transcript(Origin.VAULT, tuple(messages), "ses_1")


def test_all_of_a_short_conversation_is_in_it_in_order_and_nothing_is_said_to_lack() -> None:
    found = carried(said("one", "two", "three"), "Because it is lost.", NOON)
    assert found.text.startswith(f"{CARRIED}2026-11-24 12:00 UTC") and found.text.endswith(END)
    assert found.text.index("one") < found.text.index("two") < found.text.index("three")
    assert (found.messages, found.left_out, found.cut, found.lacks) == (3, 0, "", "")


def test_of_a_long_one_the_newest_is_carried_and_the_rest_is_named_in_it() -> None:
    found = carried(said("a" * 400, "b" * 400, "c" * 400), "Why.", NOON, budget=1000)
    assert "a" * 400 not in found.text and "b" * 400 in found.text and "c" * 400 in found.text
    assert (found.messages, found.left_out, found.shortened) == (2, 1, False)
    assert found.cut == "Left out for length: the oldest 1 message." and f"[{found.cut}]" in found.text
    assert found.lacks == "the oldest 1 message was left out for length"


def test_one_message_that_is_too_long_is_carried_by_its_end() -> None:
    found = carried(said("first", f"START{'x' * 500}end"), "Why.", NOON, budget=100)
    assert "end" in found.text and "START" not in found.text and "first" not in found.text
    assert found.cut == "Left out for length: the oldest 1 message and the beginning of a very long message."
    assert found.lacks.endswith(" were left out for length") and found.shortened


def test_what_is_no_text_is_a_line_and_a_message_of_nothing_is_none() -> None:
    tools = (ToolCall("bash", "completed", title="ls"), ToolCall("read", "completed"))
    worked = Message("msg_1", Role.ASSISTANT, AT, "", tools, files=("notes.txt",), error="no credit left")
    found = carried(Transcript(Origin.VAULT, (worked, Message("msg_2", Role.USER, AT, "  ")), "ses_1"), "Why.", NOON)
    for line in ("[used bash: ls]", "[used read]", "[attached notes.txt]", "[failed: no credit left]"):
        assert line in found.text.splitlines()
    assert (found.messages, found.left_out) == (1, 0)


def test_a_preview_names_the_first_messages_in_a_line_each_and_counts_the_others() -> None:
    messages = said("one\n line ", "", "x" * 100, "four", "five").messages
    lines = summary_of(messages, limit=3, width=10)
    assert lines == ("User: “one line”", "Assistant: “used a to…”", "User: “xxxxxxxxx…”", "and 2 more")
    assert summary_of(messages[:1]) == ("User: “one line”",) and summary_of(()) == ()
