"""The user guide says what the program says: its sentences, marks, remedies and names are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from t3tray.domain.alarm import AlarmKind
from t3tray.domain.t3code_side import NextCase, NextFacts, NextMessage, NextReason
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import REMEDIES, WORDING
from t3tray.ui.labels import STATUS_SYMBOLS, SYMBOL_NEW, SYMBOL_UNSURE, VERDICTS, verdict_symbol
from t3tray.ui.threads.thread_list_data import ListSection
from t3tray.ui.tray.tray import IconState

GUIDE = (Path(__file__).parents[2] / "docs" / "user-guide.md").read_text(encoding="utf-8")
SECTIONS = {
    match["reason"]: (match["mark"], match["text"])
    for match in re.finditer(r"^### (?P<mark>.) `(?P<reason>[\w-]+)`\n(?P<text>.*?)(?=^##)", GUIDE, re.DOTALL | re.MULTILINE)
}
# Of each reason the case and the facts of the guide's example.
EXAMPLES = {
    NextReason.CONTINUES: (NextCase.CONTINUES, NextFacts()),
    NextReason.GUARDED: (NextCase.GUARDED, NextFacts()),
    NextReason.NEW: (NextCase.BEGINS, NextFacts()),
    NextReason.LIVE: (NextCase.HELD, NextFacts()),
    NextReason.OTHER_SESSION: (NextCase.OTHER_SESSION, NextFacts(messages=2)),
    NextReason.LIVE_ELSEWHERE: (NextCase.HELD_OTHER, NextFacts(messages=2)),
    NextReason.SESSION_GONE: (NextCase.NAMED_GONE, NextFacts()),
    NextReason.STARTS_EMPTY: (NextCase.NOTHING_NAMED, NextFacts()),
    NextReason.INSTANCE_CHANGED: (NextCase.INSTANCE_CHANGED, NextFacts(was_instance="opencode", instance="claudeAgent")),
    NextReason.HAND_OFF: (NextCase.CUT_COPY, NextFacts(characters=96_000)),
    NextReason.WOULD_FORK: (NextCase.COPIED_ELSEWHERE, NextFacts()),
    NextReason.PARTIAL: (NextCase.KNOWS_PART, NextFacts(shown=12, known=3)),
    NextReason.STUCK: (NextCase.STUCK, NextFacts()),
    NextReason.FAILS: (NextCase.GUARD_SILENT, NextFacts()),
    NextReason.AS_HERE: (NextCase.AS_HERE, NextFacts()),
    NextReason.UNKNOWN: (NextCase.UNKNOWN, NextFacts()),
}

# In the order in which `icon_state` asks for them.
SHAPES = {
    IconState.ATTENTION: "exclamation mark",
    IconState.TROUBLE: "cross",
    IconState.BUSY: "dots",
    IconState.READY: "tick",
    IconState.STOPPED: "square",
}


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading, by their first cell."""
    text = re.split(rf"^## {re.escape(heading)}$", GUIDE, flags=re.MULTILINE)[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows[1:] if not row[0].startswith("---")}


def test_it_has_every_verdict_and_no_other() -> None:
    assert set(SECTIONS) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_verdict_has_its_mark_its_sentence_and_its_remedies(reason: Reason) -> None:
    mark, text = SECTIONS[reason]
    assert mark == verdict_symbol(Verdict(reason))
    assert re.findall(r"^> (.*)$", text, re.MULTILINE) == [WORDING[reason].sentence]
    assert "\nWhat to do: " in text
    named = re.findall(r"^Remedies: (.*)$", text, re.MULTILINE)
    offered = [REMEDIES[remedy] for remedy in WORDING[reason].remedies if remedy in REMEDIES]
    assert re.findall(r"\*([^*]+)\*", "".join(named)) == offered


def test_the_marks_are_those_of_the_list() -> None:
    marks = {SYMBOL_UNSURE, SYMBOL_NEW, *STATUS_SYMBOLS.values()}
    rows = table("The marks")
    assert {mark for mark in rows if len(mark) == 1} == marks
    for kind in Kind:
        assert f"**{VERDICTS[kind]}**" in rows[STATUS_SYMBOLS[kind]][-1]
    assert all(f"*{section}*" in GUIDE for section in ListSection)


def test_the_icon_has_a_shape_for_each_state_in_the_order_of_importance() -> None:
    shapes = [row for row in table("The marks") if len(row) > 1 and row != "mark"]
    assert shapes == [*SHAPES.values()] and set(SHAPES) == set(IconState)


@pytest.mark.parametrize("reason", NextReason)
def test_t3_codes_side_is_explained_by_the_sentence_of_an_example(reason: NextReason) -> None:
    case, facts = EXAMPLES[reason]
    kind = Kind.RESUMABLE if reason is NextReason.GUARDED else Kind.BLOCKED
    assert table("T3 Code's own side")[f"`{reason}`"][0] == next_sentence(NextMessage(kind, reason, case, (), facts))


def test_t3_codes_side_has_no_other_reason() -> None:
    assert {row for row in table("T3 Code's own side") if row.startswith("`")} - {"`reason`"} == {
        f"`{each}`" for each in NextReason
    }


def test_every_kind_of_alarm_is_explained() -> None:
    assert {row for row in table("Alarms") if row.startswith("`")} == {f"`{kind}`" for kind in AlarmKind}


def test_every_remedy_has_its_button_and_its_name() -> None:
    rows = [(re.findall(r"\*([^*]+)\*", button), cells[0]) for button, cells in table("Remedies").items()]
    assert [(names[0], name) for names, name in rows if names] == [(REMEDIES[remedy], f"`{remedy}`") for remedy in REMEDIES]
