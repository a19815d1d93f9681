"""The two sides of a thread in the window: the list's icon and note, the page's lines, the menu, and the repair's sheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.alarm import Acknowledged
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.domain.t3code_side import CONTINUES, UNKNOWN, NextMessage, NextReason, T3Side, next_message
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.t3code_side import next_sentence
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import SYMBOL_UNSURE, row_symbol, tooltip
from t3tray.ui.threads.row_text import description, note, tool_tip
from t3tray.ui.threads.thread_list_data import ListSection, brief_of, thread_list_data
from t3tray.ui.tray.menu import MenuItem, menu_of
from t3tray.ui.tray.tray import IconState, icon_state
from t3tray.ui.widgets.basic import Card
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import NOON, READY, alarm, details, in_t3, preview, row

EMPTY = next_message(T3Side(bound="ses_a"), Verdict(Reason.PROVED))
OTHER = next_message(T3Side(names="ses_b", bound="ses_a", named_messages=4), Verdict(Reason.PROVED))
STUCK = next_message(T3Side(reply_at=NOON), Verdict(Reason.PROVED))


def half(side: NextMessage = EMPTY) -> ThreadRow:
    return replace(in_t3(row("a"), session_id=None), next_message=side)


@pytest.fixture
def window(qtbot: QtBot, recorded: Asked) -> Iterator[MainWindow]:
    made = MainWindow(recorded.bridge, lambda: NOON)
    qtbot.addWidget(made)
    made.show()
    yield made


def texts(widget: QWidget) -> list[str]:
    QApplication.processEvents()  # a layout shows new widgets with the next event
    return [each.text() for each in widget.findChildren(QLabel) if each.isVisibleTo(widget)]


def press(widget: QWidget, words: str) -> QPushButton:
    QApplication.processEvents()
    return next(each for each in widget.findChildren(QPushButton) if each.text() == words and each.isVisibleTo(widget))


def cards(window: MainWindow, title: str) -> list[Card]:
    QApplication.processEvents()
    found = [each for each in window.page.header.findChildren(Card) if each.isVisibleTo(window.page.header)]
    return [each for each in found if any(title in text for text in texts(each))]


def shown_buttons(widget: QWidget) -> list[str]:
    QApplication.processEvents()
    return [each.text() for each in widget.findChildren(QPushButton) if each.isVisibleTo(widget)]


@pytest.mark.parametrize(
    ("side", "told"),
    [
        (EMPTY, "Not fixed in T3 Code"),
        (OTHER, "Not fixed in T3 Code"),
        (STUCK, "Stuck in T3 Code"),
        (UNKNOWN, "Unknown in T3 Code"),
    ],
)
def test_a_thread_is_green_only_where_both_sides_are(side: NextMessage, told: str) -> None:
    shown = half(side)
    assert (note(shown), row_symbol(shown)) == (told, SYMBOL_UNSURE)
    assert next_sentence(side) in tool_tip(shown) and next_sentence(side) in description(shown)
    fine = half(CONTINUES)
    assert (note(fine), row_symbol(fine)) == ("", "●")


def test_what_cannot_go_on_here_is_told_by_that(window: MainWindow) -> None:
    gone = next_message(T3Side(names="ses_a", bound="ses_a"), Verdict(Reason.MISSING))
    shown = replace(in_t3(row("a", Reason.MISSING)), next_message=gone)
    assert row_symbol(shown) == "✕" and note(shown) == "Missing"


def test_the_page_tells_both_sides_and_what_mends_t3_codes(window: MainWindow, recorded: Asked) -> None:
    shown = half()
    window.show_snapshot(Snapshot(READY, (shown,), guard=GuardState(GuardPhase.OFF)))
    window.show_thread("a")
    window.show_details(replace(details(shown), offered=(Remedy.REPAIR, Remedy.UNDO)))
    said = texts(window.page.header)
    assert "●  Here and in the terminal: ready" in said and "✕  Not fixed in T3 Code" in said and next_sentence(EMPTY) in said
    press(window.page.header, "Protect T3 Code…").click()
    recorded.wait_for("guard.service.plan", True)
    press(window.page.header, "Repair T3 Code's Cursor…").click()
    recorded.wait_for("remedies.preview", "a", Choice(Remedy.REPAIR))


def test_where_both_sides_are_well_one_is_told(window: MainWindow) -> None:
    shown = half(CONTINUES)
    window.show_snapshot(Snapshot(READY, (shown,), guard=GuardState(GuardPhase.OFF)))
    window.show_thread("a")
    window.show_details(details(shown))
    said = texts(window.page.header)
    assert "●  Can be resumed" in said and not any("In T3 Code" in each for each in said)


def test_t3_code_is_not_offered_protection_that_it_has(window: MainWindow) -> None:
    shown = half(OTHER)
    window.show_snapshot(Snapshot(READY, (shown,), guard=GuardState(GuardPhase.ON)))
    window.show_thread("a")
    window.show_details(details(shown))
    assert not [each for each in window.page.header.findChildren(QPushButton) if each.text() == "Protect T3 Code…"]


def test_it_stays_with_what_needs_you_until_it_is_left(window: MainWindow, recorded: Asked) -> None:
    shown = half()
    snapshot = Snapshot(READY, (shown,), alarms=(alarm("a"),))
    assert [line for line in thread_list_data(snapshot).groups[ListSection.NEEDS_YOU].items] == [shown]
    window.show_snapshot(snapshot)
    window.show_thread("a")
    window.show_details(replace(details(shown), alarms=(alarm("a"),)))
    press(window.page.header, "Leave It").click()
    recorded.wait_for("acknowledge", "a", Acknowledged.SIDE)
    left = thread_list_data(replace(snapshot, alarms=()))
    assert ListSection.NEEDS_YOU not in left.groups and note(half()) == "Not fixed in T3 Code"


def test_the_card_of_an_alarm_opens_the_sheet_of_what_mends_it_and_goes_with_it(window: MainWindow, qtbot: QtBot) -> None:
    shown, words = row("a", Reason.CONFLICT), "Give T3 Code Its Memory Back…"
    told = replace(details(shown), alarms=(alarm("a"), alarm("a")), offered=(Remedy.HEAL, Remedy.BIND, Remedy.UNDO))
    window.show_snapshot(Snapshot(READY, (shown,), alarms=told.alarms))
    window.show_thread("a")
    window.show_details(told)
    first, second = cards(window, "This thread was switched")
    assert shown_buttons(first) == ["Dismiss"], "the newest alone has it"
    assert shown_buttons(second) == ["Dismiss", words]
    press(second, words).click()
    qtbot.waitUntil(window.sheet.isVisible, timeout=90_000)
    assert window.sheet.thread_id == "a" and "Do heal" in texts(window.sheet)
    window.sheet.cancelled.emit()
    window.show_details(replace(told, alarms=tuple(replace(each, seen_at=NOON) for each in told.alarms)))
    assert cards(window, "This thread was switched") == []


@pytest.mark.parametrize("offered", [(), (Remedy.UNDO,), (Remedy.RETRY, Remedy.FORK)])
def test_the_card_of_an_alarm_that_nothing_mends_now_has_no_button_for_it(
    window: MainWindow, offered: tuple[Remedy, ...]
) -> None:
    shown = row("a")
    window.show_snapshot(Snapshot(READY, (shown,), alarms=(alarm("a"),)))
    window.show_thread("a")
    window.show_details(replace(details(shown), alarms=(alarm("a"),), offered=offered))
    (card,) = cards(window, "This thread was switched")
    assert shown_buttons(card) == ["Dismiss"]


def test_what_was_wrong_at_the_first_look_needs_you_until_it_is_left(window: MainWindow, recorded: Asked) -> None:
    """It has no alarm, because t3tray did not see it happen."""
    shown = replace(half(), is_half_mended=True)
    snapshot = Snapshot(READY, (shown,), guard=GuardState(GuardPhase.OFF))
    assert thread_list_data(snapshot).groups[ListSection.NEEDS_YOU].items == (shown,)
    assert icon_state(snapshot) is IconState.ATTENTION and tooltip(snapshot) == "t3tray: 1 needs you"
    assert "Thread a ▸ not fixed in T3 Code" in items(menu_of(snapshot, NOON))
    assert brief_of(thread_list_data(snapshot), 0).rows == (shown,)
    window.show_snapshot(snapshot)
    window.show_thread("a")
    window.show_details(details(shown))
    press(window.page.header, "Leave It").click()
    recorded.wait_for("acknowledge", "a", Acknowledged.SIDE)
    left = replace(snapshot, rows=(half(),))
    window.show_snapshot(left)
    window.show_details(details(half()))
    assert ListSection.NEEDS_YOU not in thread_list_data(left).groups and icon_state(left) is IconState.READY
    assert "Leave It" not in shown_buttons(window.page.header)
    assert row_symbol(half()) == SYMBOL_UNSURE, "it is not well all the same"


def test_an_alarm_has_the_only_button_to_leave_it(window: MainWindow) -> None:
    shown = replace(half(), is_half_mended=True)
    window.show_snapshot(Snapshot(READY, (shown,), alarms=(alarm("a"),)))
    window.show_thread("a")
    window.show_details(replace(details(shown), alarms=(alarm("a"),), offered=(Remedy.REPAIR,)))
    said = shown_buttons(window.page.header)
    assert said.count("Leave It") == 1 and said.count("Repair T3 Code's Cursor…") == 1
    (card,) = cards(window, "This thread was switched")
    assert shown_buttons(card) == ["Leave It"], "what mends it stands with T3 Code's side"


def test_all_is_not_well_while_t3_code_is_led_to_a_guard_that_does_not_run() -> None:
    assert icon_state(Snapshot(READY, (row("a"),), guard=GuardState(GuardPhase.ALONE))) is IconState.TROUBLE


def items(found: tuple[MenuItem, ...]) -> list[str]:
    return [each.label for each in found]


def test_the_menu_says_what_is_left_to_mend() -> None:
    snapshot = Snapshot(READY, (half(),), alarms=(alarm("a"),))
    said = items(menu_of(snapshot, NOON))
    assert "Thread a ▸ not fixed in T3 Code" in said
    assert any(each.startswith("◐  Thread a") for each in said)


def test_a_thread_for_which_t3_code_waits_in_vain_does_not_work() -> None:
    shown = half(STUCK)
    assert shown.next_message and shown.next_message.reason is NextReason.STUCK and not shown.is_working
    assert shown.verdict.kind is Kind.RESUMABLE


def repair(**facts: Any) -> Preview:
    return replace(preview(Remedy.REPAIR), **facts)


def test_the_repair_is_allowed_in_its_sheet(window: MainWindow, recorded: Asked) -> None:
    shown, choice, seen = (
        half(),
        Choice(Remedy.REPAIR),
        repair(permission="Let t3tray write this one line into T3 Code's database"),
    )
    window.show_snapshot(Snapshot(READY, (shown,)))
    window.show_thread("a")
    window.show_preview("a", choice, seen)
    do = press(window.sheet, "Do It")
    assert not do.isEnabled()
    box = window.sheet.findChild(QCheckBox)
    assert box is not None and box.text().replace("\n", " ") == seen.permission
    box.setChecked(True)
    assert do.isEnabled()
    do.click()
    recorded.wait_for("remedies.apply", "a", replace(choice, allowed=True), seen)


def test_what_hinders_it_is_looked_at_again_until_it_is_gone(window: MainWindow, recorded: Asked, qtbot: QtBot) -> None:
    shown, choice = half(), Choice(Remedy.REPAIR)
    window.show_snapshot(Snapshot(READY, (shown,)))
    window.show_thread("a")
    recorded.backend.answers["remedies.preview"] = lambda *_: repair()
    with qtbot.waitSignal(recorded.bridge.previewed, timeout=90_000):
        window.show_preview("a", choice, repair(hindrance="T3 Code is running. Quit T3 Code, then try again."))
        assert "T3 Code is running. Quit T3 Code, then try again." in texts(window.sheet)
        assert not press(window.sheet, "Do It").isEnabled()
    assert recorded.calls("remedies.preview") == [["a", choice]]
    assert press(window.sheet, "Do It").isEnabled()
    (timer,) = window.sheet.findChildren(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert not timer.isActive()
