"""What a session lacks of a conversation from several sources: no message twice, none left out, in T3 Code's order."""

from __future__ import annotations

from datetime import UTC, datetime

from t3tray.domain.evidence import Role
from t3tray.domain.handoff_prompt import Carried, carried
from t3tray.domain.merging import lacking
from t3tray.domain.transcript import Message, Origin, Piece, PieceKind, ToolCall, Transcript

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BEGAN = round(datetime(2026, 11, 29, 9, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


def asked(minute: float, text: str, session: str = "a") -> Message:
    """Return a prompt as in OpenCode: four seconds after it was typed."""
    at = BEGAN + round(minute * MINUTE) + 4_000
    return Message(f"msg_{session}{minute}", Role.USER, at, text, pieces=(_text(f"prt_{session}{minute}u", text),))


def answered(minute: float, *texts: str, session: str = "a", tools: tuple[ToolCall, ...] = ()) -> Message:
    at = BEGAN + round(minute * MINUTE) + 6_000
    pieces = tuple(_text(f"prt_{session}{minute}_{place}", text) for place, text in enumerate(texts))
    return Message(f"msg_{session}{minute}r", Role.ASSISTANT, at, "\n".join(texts), tools, pieces=pieces)


def typed(minute: float, text: str) -> Message:
    """Return a prompt as in T3 Code."""
    return Message(f"uuid-{minute}", Role.USER, BEGAN + round(minute * MINUTE), text)


def shown(minute: float, text: str, session: str = "a", place: int = 0, head: str = "assistant:") -> Message:
    at = BEGAN + round(minute * MINUTE) + 9_000
    return Message(f"{head}prt_{session}{minute}_{place}", Role.ASSISTANT, at, text)


def _text(name: str, text: str) -> Piece:
    return Piece(name, PieceKind.TEXT, text)


def words(found: tuple[Message, ...]) -> list[str]:
    return [each.text for each in found]


OLD = (asked(0, "the codeword is LYNX"), answered(0, "OK."))
NEW = (asked(30, "fact two", "b"), answered(30, "OK.", session="b"))
SHOWN = (typed(0, "the codeword is LYNX"), shown(0, "OK."), typed(30, "fact two"), shown(30, "OK.", "b"))


def test_the_old_session_is_there() -> None:
    assert lacking(NEW, [OLD], SHOWN) == OLD
    assert lacking(NEW, [OLD], ()) == OLD
    assert lacking((*OLD, *NEW), [OLD, OLD], SHOWN) == ()


def test_the_old_session_is_gone_and_t3_code_shows_everything() -> None:
    assert words(lacking(NEW, [], SHOWN)) == ["the codeword is LYNX", "OK."]


def test_the_second_answer_of_a_new_orchestrator_is_known_by_its_part_too() -> None:
    native = "message:provider:opencode:native-item:"
    both = (typed(30, "fact two"), shown(30, "Not as OpenCode has it", "b", head=native))
    assert lacking(NEW, [], both) == ()


def test_equal_prompts_are_told_apart() -> None:
    """Five times "continue": two in the deleted session, three in the new one."""
    known = [asked(minute, "continue", "b") for minute in (30, 31, 32)]
    copy = [typed(minute, "continue") for minute in (0, 1, 30, 31, 32)]
    assert [each.id for each in lacking(known, [], copy)] == ["uuid-0", "uuid-1"]


def test_equal_answers_a_second_apart_are_told_apart() -> None:
    known = (answered(0.05, "OK.", session="b"),)
    copy = (shown(0.03, "OK."), shown(0.05, "OK.", "b"))
    assert [each.id for each in lacking(known, [], copy)] == [copy[0].id]


def test_a_question_of_the_old_session_is_not_taken_for_the_same_one_in_the_new() -> None:
    old = (asked(0, "what is the codeword?"), answered(0, "LYNX"))
    new = (asked(30, "what is the codeword?", "b"), answered(30, "UNKNOWN", session="b"))
    assert lacking(new, [old], ()) == old


def test_a_fork_holds_the_same_messages_under_other_ids() -> None:
    fork = tuple(Message(f"{each.id}_f", each.role, each.created_ms, each.text) for each in OLD)
    assert lacking((*fork, *NEW), [OLD], SHOWN) == ()


def test_one_answer_in_several_texts_is_one_message() -> None:
    old = (asked(0, "look into it"), answered(0, "Let me see.", "Done."))
    copy = (typed(0, "look into it"), shown(0, "Let me see."), shown(0, "Done.", place=1))
    assert lacking((), [old], copy) == old
    assert lacking(old, [], copy) == ()


def test_what_only_opencode_saw_stands_in_its_place() -> None:
    step = answered(0.1, tools=(ToolCall("bash"),))
    old = (asked(0, "look"), step, answered(0.2, "Done."), asked(1, "typed in the terminal"), answered(1, "I see."))
    copy = (typed(0, "look"), shown(0.2, "Done."), typed(5, "and then?"))
    assert [each.text or "a step" for each in lacking((), [old], copy)] == [
        *("look", "a step", "Done.", "typed in the terminal", "I see."),
        "and then?",
    ]


def test_two_sessions_are_merged_in_t3_codes_order() -> None:
    third = (asked(60, "fact three", "c"), answered(60, "Yes.", session="c"))
    copy = (*SHOWN, typed(60, "fact three"), shown(60, "Yes.", "c"))
    assert lacking((), [third, OLD, NEW], copy) == (*OLD, *NEW, *third)


def test_what_was_carried_before_is_known_and_not_carried_again() -> None:
    text = carried(Transcript(Origin.VAULT, OLD), "From another session.", NOW).text
    label = Message("msg_carried", Role.USER, BEGAN + 40 * MINUTE, text)
    assert lacking((*NEW, label), [OLD], SHOWN) == ()
    assert lacking((*NEW, label), [], SHOWN) == ()
    third = (asked(60, "fact three", "c"),)
    assert words(lacking(third, [(*NEW, label)], (*SHOWN, typed(60, "fact three")))) == words((*OLD, *NEW))
    assert words(lacking(third, [(*NEW, label)], ())) == [*words(NEW), text], "nobody else tells it"


def test_what_was_left_out_for_length_before_is_still_lacking() -> None:
    cut = carried(Transcript(Origin.VAULT, OLD), "From another session.", NOW, budget=40)
    assert cut.left_out == 1 and cut.lacks.startswith("the oldest 1 message")
    label = Message("msg_carried", Role.USER, BEGAN + 40 * MINUTE, cut.text)
    assert lacking((*NEW, label), [], SHOWN) == (SHOWN[0],)


HANDED = """Context handoff (manual_context):
Imported conversation history from the previous T3 Code orchestrator. Use it as context; do not repeat it unless the user asks.

User:
{first}

Assistant:
OK.

User message:
fact two"""


def test_a_handoff_that_tells_everything_leaves_nothing_to_carry() -> None:
    handed = Message("msg_h", Role.USER, BEGAN + 31 * MINUTE, HANDED.format(first="the codeword is LYNX"))
    copy = (*SHOWN[:2], typed(30.5, "fact two"))
    assert lacking((handed,), [OLD], copy) == ()
    assert lacking((handed,), [OLD], ()) == ()


def test_what_a_handoff_cut_is_carried_whole_and_the_handoff_never() -> None:
    handed = Message("msg_h", Role.USER, BEGAN + 31 * MINUTE, HANDED.format(first="... is LYNX"))
    copy = (*SHOWN[:2], typed(30.5, "fact two"))
    assert words(lacking((handed,), [OLD], copy)) == ["the codeword is LYNX"]
    assert words(lacking((), [(handed,)], copy)) == ["the codeword is LYNX", "OK.", "fact two"]


def test_a_summary_of_a_whole_thread_is_read_line_by_line() -> None:
    text = """Context handoff (full_thread_summary):
Full conversation context for provider handoff.

Canonical conversation context:
- User: the codeword is LYNX
- Assistant: OK.
- Checkpoint: 0 files
- User: fact two

User message:
fact two"""
    handed = Message("msg_h", Role.USER, BEGAN + 31 * MINUTE, text)
    assert lacking((handed,), [], (*SHOWN[:2], typed(30.5, "fact two"))) == ()


def test_what_was_left_out_for_length_is_a_clause() -> None:
    assert Carried("", 3).lacks == ""
    assert Carried("", 3, left_out=1).lacks == "the oldest 1 message was left out for length"
    assert Carried("", 3, shortened=True).lacks == "the beginning of a very long message was left out for length"
    both = "the oldest 5 messages and the beginning of a very long message were left out for length"
    assert Carried("", 3, left_out=5, shortened=True).lacks == both
