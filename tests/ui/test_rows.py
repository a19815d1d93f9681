"""A conversation as rows: the rows of each message, what opens, and what stays the same object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from t3tray.domain.conversation import SubAgent
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.ui.conversation.rows import CodeRow, CopyRow, ErrorRow, FoldRow, NoteRow, ProseRow, Row, Rows, UserRow
from t3tray.ui.conversation.tools import ToolSheet, given, tool_words
from tests.support.sample_messages import answered, asked, long_talk, said, talk, thought, used


def words(rows: tuple[Row, ...], kind: type[Row] = Row) -> list[str]:
    return [getattr(row, "text", "") for row in rows if isinstance(row, kind)]


def test_what_was_said_stands_in_its_order() -> None:
    shown = Rows().of(talk(asked(0, "Mend it."), answered(1, thought("p0", "Hm."), used("p1"), "Done:\n```py\nx\n```\nGood.")))
    assert [(type(row), getattr(row, "text", "")) for row in shown] == [
        (NoteRow, "Tuesday, 24 November 2026"),
        (UserRow, "Mend it."),
        (CopyRow, ""),
        (FoldRow, "Thought"),
        (FoldRow, "Read parser.py"),
        (ProseRow, "Done:"),
        (CodeRow, "x"),
        (ProseRow, "Good."),
        (CopyRow, ""),
    ]


def test_a_message_and_an_answer_with_all_its_steps_can_be_copied() -> None:
    answer = (answered(1, thought("p0", "Hm."), "First.", used("p1")), answered(2, "Then:\n```py\nx\n```"))
    shown = Rows().of(talk(asked(0, "Mend *it*."), *answer, asked(3, "Thanks.")))
    assert [(row.what, row.texts) for row in shown if isinstance(row, CopyRow)] == [
        ("your message", ("Mend *it*.",)),
        ("the answer", ("First.", "Then:\n```py\nx\n```")),
        ("your message", ("Thanks.",)),
    ]


def test_an_answer_can_be_copied_when_it_is_all_there_and_has_words() -> None:
    def copied(*messages: Message, is_busy: bool = False) -> list[str]:
        return [row.what for row in Rows().of(talk(*messages, is_busy=is_busy)) if isinstance(row, CopyRow)]

    assert copied(answered(1, "It is"), is_busy=True) == []
    assert copied(answered(1, "It is done.")) == ["the answer"]
    assert copied(answered(1, used("p1")), asked(2, "")) == []


def test_the_steps_of_one_turn_stand_together() -> None:
    shown = Rows().of(talk(asked(0, "Go."), answered(1, used("p1")), answered(2, used("p2"), "Done."), asked(3, "Go on.")))
    first, second, done, copy, question = shown[3:-1]
    assert second.space < first.space and second.space < done.space < copy.space + question.space + 2


def test_a_tool_opens_to_what_it_was_given_and_gave() -> None:
    rows, shown = Rows(), talk(answered(1, used("p1", "bash", title="make test", input='{"command": "make test"}', output="ok")))
    (line,) = (row for row in rows.of(shown) if isinstance(row, FoldRow))
    assert (line.symbol, line.text, line.is_open) == ("✓", "Ran make test", False)
    rows.toggle(line.key)
    opened = [(row.caption, row.text, row.depth) for row in rows.of(shown) if isinstance(row, CodeRow)]
    assert opened == [("Input", "command: make test", 1), ("Output", "ok", 1)]
    rows.toggle(line.key)
    assert not words(rows.of(shown), CodeRow)


def test_a_thought_opens_to_its_words() -> None:
    rows, shown = Rows(), talk(answered(1, thought("p1", "Let me *see*.")))
    rows.toggle("msg_0001/p1")
    (told,) = (row for row in rows.of(shown) if isinstance(row, ProseRow))
    assert told.text == "Let me *see*." and told.is_quiet and told.depth == 1


def test_a_sub_agents_doings_stand_under_its_task_and_its_own_under_it() -> None:
    inner = ToolCall("task", "completed", "dig", child_session="ses_3", agent="general")
    outer = ToolCall("task", "running", "look", child_session="ses_2", agent="explore")
    agents = (
        SubAgent("ses_2", (asked(10, "Look."), answered(11, Piece("p3", PieceKind.TOOL, tool=inner)))),
        SubAgent("ses_3", (answered(12, "Found it."),)),
    )
    rows, shown = Rows(), talk(answered(1, Piece("p2", PieceKind.TOOL, tool=outer)), agents=agents)
    (task,) = (row for row in rows.of(shown) if isinstance(row, FoldRow))
    assert (task.symbol, task.text, task.child) == ("…", "explore: look", "ses_2")
    rows.toggle(task.key)
    assert words(rows.of(shown)[1:]) == ["explore: look", "Look.", "general: dig", "Working…"]
    rows.toggle("msg_0011/p3")
    found = rows.of(shown)[-2]
    assert getattr(found, "text", "") == "Found it." and found.depth == 2


def test_a_sub_agent_that_was_not_read_yet_says_so() -> None:
    task = Piece("p2", PieceKind.TOOL, tool=ToolCall("task", "completed", "look", child_session="ses_2"))
    rows = Rows()
    rows.toggle("msg_0001/p2")
    assert "is being read" in words(rows.of(talk(answered(1, task))))[-1]


def test_only_the_last_error_can_be_tried_again_and_only_when_nothing_runs() -> None:
    failed = [answered(1, error="no credit"), asked(2, "Again."), answered(3, error="still none.")]
    errors = [(row.text, row.can_retry) for row in Rows().of(talk(*failed)) if isinstance(row, ErrorRow)]
    assert errors == [("The model did not answer: no credit.", False), ("The model did not answer: still none.", True)]
    running = Rows().of(talk(*failed, is_busy=True))
    assert not any(row.can_retry for row in running if isinstance(row, ErrorRow))


def test_a_turn_that_was_stopped_is_no_error() -> None:
    shown = Rows().of(talk(answered(1, "Half", error="Aborted", stopped=True)))
    assert not words(shown, ErrorRow) and "Stopped here." in words(shown)


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({"is_busy": True}, "Working…"),
        ({"is_busy": True, "retrying": "Overloaded."}, "The model is asked again: Overloaded."),
        ({"trouble": "The turn ended with an error."}, "The turn ended with an error."),
        ({"notice": "The server is away."}, "This may not be the latest: The server is away."),
    ],
)
def test_what_goes_on_now_is_said_below(more: dict[str, Any], last: str) -> None:
    assert words(Rows().of(talk(asked(0, "Hm."), **more)))[-1] == last


def test_what_cannot_be_read_at_all_says_why() -> None:
    assert words(Rows().of(talk(notice="No such session."))) == ["The messages cannot be read just now: No such session."]


def test_each_day_is_named_once() -> None:
    day = 86_400_000
    days = [row.text for row in Rows().of(talk(asked(0, "a"), asked(1, "b"), asked(day, "c"))) if isinstance(row, NoteRow)]
    assert days == ["Tuesday, 24 November 2026", "Wednesday, 25 November 2026"]


def test_files_a_summary_and_an_empty_message_are_told() -> None:
    shown = Rows().of(talk(asked(0, "See.", files=("a.png", "b.txt")), answered(1, "In short.", summarises=True), asked(2, "")))
    assert "Attached: a.png, b.txt" in words(shown) and any("were summarised" in text for text in words(shown))


def test_a_long_message_of_the_users_is_one_card_of_many_pieces() -> None:
    text = "\n".join(f"line {number} " * 10 for number in range(200))
    pieces = [row for row in Rows().of(talk(asked(0, text))) if isinstance(row, UserRow)]
    assert len(pieces) > 3 and "\n".join(row.text for row in pieces) == text
    assert [row.is_first for row in pieces] == [True, *[False] * (len(pieces) - 1)]
    assert [row.is_last for row in pieces] == [*[False] * (len(pieces) - 1), True]
    assert "".join(row.text for row in Rows().of(talk(asked(0, "y" * 10_000))) if isinstance(row, UserRow)) == "y" * 10_000


def test_what_did_not_change_is_the_same_object() -> None:
    rows, shown = Rows(), long_talk(40)
    before = rows.of(shown)
    growing = talk(*shown.messages[:-1], answered(39, "Answer **39**, longer."))
    after = rows.of(growing)
    assert sum(one is other for one, other in zip(before, after, strict=False)) >= len(before) - 3
    assert after[-1] != before[-1] and after[-1].key == before[-1].key


def test_of_many_messages_the_newest_are_told_first_and_the_others_when_asked_for() -> None:
    rows, shown = Rows(), long_talk(250)
    told = words(rows.of(shown), UserRow)
    assert len(told) == 50 and told[-1] == "Question 248?"
    assert rows.reveal() and len(words(rows.of(shown), UserRow)) == 100
    more = talk(*shown.messages, answered(251, "New."))
    assert len(words(rows.of(more), UserRow)) == 100, "what is new pushes nothing out"
    assert rows.reveal() and len(words(rows.of(more), UserRow)) == 125
    assert not rows.reveal()
    assert words(rows.of(more))[0].startswith("Tuesday")


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        (ToolCall("read", "running", input='{"filePath": "/w/parser.py"}'), "Reading /w/parser.py"),
        (ToolCall("bash", "error", "git push"), "Ran git push"),
        (ToolCall("todowrite", "completed", "3 todos"), "Updated the plan 3 todos"),
        (ToolCall("mcp_db", "completed", input='{"query": "select 1"}'), "Used mcp_db: select 1"),
        (ToolCall("mcp_db", "pending"), "Using mcp_db"),
        (ToolCall("task", "running", input='{"description": "look"}', agent="explore"), "explore: look"),
        (ToolCall("bash", "completed", "a\n  b " * 100), f"Ran {'a b ' * 48}a b…"),
    ],
)
def test_a_tool_is_told_in_one_line(tool: ToolCall, line: str) -> None:
    assert tool_words(tool) == line


def test_an_input_is_readable_whatever_the_model_said() -> None:
    assert given(ToolCall("x", input='{"a": "1\\n2", "b": [1]}')) == ToolSheet("Input", "a: 1\n2\nb: [1]")
    for odd in ("[1]", "{broken", ""):
        assert given(ToolCall("x", input=odd)) == ToolSheet("Input", odd)


def test_two_texts_of_one_message_have_keys_of_their_own() -> None:
    keys = [row.key for row in Rows().of(talk(answered(1, said("p1", "a"), used("p2"), said("p3", "a"))))]
    assert len(set(keys)) == len(keys)


def opened(tool: str, told: Mapping[str, object]) -> tuple[str, str, str]:
    sheet = given(ToolCall(tool, "completed", input=json.dumps(told)))
    return sheet.caption, sheet.text, sheet.language


def test_a_change_of_a_file_is_shown_as_its_lines() -> None:
    told = {"filePath": "/w/a.py", "oldString": "def f():\n    x\n    y\n", "newString": "def f():\n    z\n    y\n"}
    assert opened("edit", told) == ("/w/a.py", " def f():\n-    x\n+    z\n     y", "diff")
    told = {"filePath": "/w/a.py", "oldString": "", "newString": "one\ntwo"}
    assert opened("edit", told)[1] == "+one\n+two"
    assert opened("apply_patch", {"patchText": "*** Begin Patch\n-a\n+b"}) == ("Change", "*** Begin Patch\n-a\n+b", "diff")


def test_what_a_file_is_written_with_is_shown_in_its_language() -> None:
    assert opened("write", {"filePath": "/w/a.ts", "content": "let a\n"}) == ("/w/a.ts", "let a\n", "/w/a.ts")


def test_a_change_that_is_none_or_no_text_is_shown_as_it_was_told() -> None:
    told = {"filePath": "/w/a.py", "oldString": "x", "newString": "x"}
    assert opened("edit", told) == ("Input", "filePath: /w/a.py\noldString: x\nnewString: x", "")
    assert opened("edit", {"filePath": "/w/a.py", "oldString": "x"})[0] == "Input"
    assert opened("write", {"filePath": "/w/a.py", "content": 7})[1] == "filePath: /w/a.py\ncontent: 7"


def test_a_message_that_the_model_was_not_asked_is_marked_where_it_stands() -> None:
    said_to = (asked(0, "Go."), answered(1, "Done."), asked(2, "And?"), asked(3, "Well?"))
    shown = Rows().of(talk(*said_to, unanswered=("msg_0002", "msg_0003")))
    errors = [(row.key, row.text, row.can_retry) for row in shown if isinstance(row, ErrorRow)]
    told = "The model was not asked. OpenCode stored this message and gave no reason."
    assert errors == [("msg_0002/unanswered", told, False), ("msg_0003/unanswered", told, True)]
    keys = [row.key for row in shown]
    assert keys.index("msg_0002/unanswered") < keys.index("msg_0003/text/0"), "at its own message"
    assert not words(Rows().of(talk(*said_to)), ErrorRow)


def test_what_opencode_said_of_it_is_not_said_twice_and_what_would_fail_again_is_not_offered() -> None:
    shown = Rows().of(talk(asked(0, "Go."), unanswered=("msg_0000",), trouble="Model not found."))
    assert words(shown, ErrorRow) == ["Model not found."]
    shown = Rows().of(talk(asked(0, "Go."), unanswered=("msg_0000",), why_unanswered="It is dated tomorrow."))
    (row,) = (row for row in shown if isinstance(row, ErrorRow))
    assert (row.text, row.can_retry) == ("The model was not asked. It is dated tomorrow.", False)
