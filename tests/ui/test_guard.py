"""The guard in the window: the sheet before a change, the panel in the settings, the card of a refusal, the menu."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.alarm import Acknowledged
from t3tray.domain.guard import CreateRequest, GuardAction, GuardAnswer, GuardDecision, ReadRequest, Refusal
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.inventory import AutostartState
from t3tray.domain.verdict import Reason
from t3tray.guard.status import GuardStatus
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.messages.window import guard_sentence
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.guard.guard_panel import GuardPanel
from t3tray.ui.guard.guard_sheet import GuardSheet
from t3tray.ui.guard.refusal_card import refusal_card
from t3tray.ui.labels import guard_line
from t3tray.ui.theme import NARROW
from t3tray.ui.threads.thread_page import ThreadPage
from t3tray.ui.tray.menu import MenuAction, menu_of
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import READY, alarm, details, protection_plan, row

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
REFUSED = GuardAnswer(NOON, ReadRequest("ses_1", "/w"), GuardDecision(GuardAction.REFUSE, (), "t1", refusal=Refusal.SESSION_GONE))
GIVEN = GuardAnswer(NOON, CreateRequest("Report", "/w"), GuardDecision(GuardAction.GIVE, (), "t1", "ses_2", 41), "ses_2")


def texts(widget: QWidget) -> str:
    QApplication.processEvents()  # a layout shows new widgets only after this
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if not each.isHidden())


def named(widget: QWidget, text: str) -> QPushButton:
    return next(each for each in widget.findChildren(QPushButton) if each.text() == text and not each.isHidden())


@pytest.mark.parametrize("on", [True, False])
def test_the_sheet_says_what_would_be_lost_and_carries_what_was_agreed_to(qtbot: QtBot, on: bool) -> None:
    sheet, plan = GuardSheet(), protection_plan(on)
    qtbot.addWidget(sheet)
    sheet.show_plan(plan)
    for line in (*plan.before, *plan.after, *plan.kept, *plan.lost):
        assert line in texts(sheet)
    with qtbot.waitSignal(sheet.agreed) as agreed:
        named(sheet, plan.button).click()
    assert agreed.args == [on, False, False]
    with qtbot.waitSignal(sheet.cancelled):
        named(sheet, "Cancel").click()


def test_turns_that_run_are_ended_only_with_the_users_own_word(qtbot: QtBot) -> None:
    sheet = GuardSheet()
    qtbot.addWidget(sheet)
    sheet.show_plan(protection_plan(True, "Long work"))
    assert "“Long work”" in texts(sheet) and not named(sheet, "Protect T3 Code").isEnabled()
    agrees = next(each for each in sheet.findChildren(QCheckBox) if each.text() == "End what runs there")
    agrees.click()
    with qtbot.waitSignal(sheet.agreed) as agreed:
        named(sheet, "Protect T3 Code").click()
    assert agreed.args == [True, True, False]
    sheet.show_plan(protection_plan(True))
    assert named(sheet, "Protect T3 Code").isEnabled()


def test_start_at_login_is_offered_where_it_is_off_and_taken_only_when_the_user_says_so(qtbot: QtBot) -> None:
    sheet = GuardSheet()
    qtbot.addWidget(sheet)

    def login() -> QCheckBox:
        # Qt deletes the boxes of the plans before later.
        return [each for each in sheet.findChildren(QCheckBox) if "log in" in each.text()][-1]

    for on in (True, False):
        sheet.show_plan(protection_plan(on))
        sheet.show_login(AutostartState(True))
        assert not login().isVisibleTo(sheet)
        sheet.show_login(AutostartState(False))
        assert login().isVisibleTo(sheet) is on
    sheet.show_plan(protection_plan(True))
    assert login().isVisibleTo(sheet) and not login().isChecked()
    login().click()
    with qtbot.waitSignal(sheet.agreed) as agreed:
        named(sheet, "Protect T3 Code").click()
    assert agreed.args == [True, False, True]


def test_no_word_of_the_sheet_is_cut_in_a_narrow_window(qtbot: QtBot) -> None:
    sheet = GuardSheet()
    qtbot.addWidget(sheet)
    sheet.resize(NARROW, 500)
    sheet.show_plan(protection_plan(True, "Long work " * 20))
    sheet.show_login(AutostartState(False))
    sheet.show()
    page = sheet.widget()
    assert page and page.width() <= sheet.viewport().width()
    for each in [*sheet.findChildren(QPushButton), *sheet.findChildren(QCheckBox)]:
        assert each.width() >= each.sizeHint().width(), each.text()


@pytest.mark.parametrize("phase", GuardPhase)
def test_the_panel_says_what_is_true_and_offers_the_next_thing(qtbot: QtBot, phase: GuardPhase) -> None:
    panel = GuardPanel()
    qtbot.addWidget(panel)
    state = GuardState(phase, "" if phase in (GuardPhase.NO_T3CODE, GuardPhase.OFF, GuardPhase.ON) else "This is so.")
    panel.show_state(state)
    assert guard_sentence(state) and guard_sentence(state) in texts(panel)
    shown = [each for each in panel.findChildren(QPushButton) if not each.isHidden()]
    assert bool(shown) is (phase is not GuardPhase.NO_T3CODE)
    for each in shown:
        with qtbot.waitSignal(panel.wanted) as wanted:
            qtbot.mouseClick(each, Qt.MouseButton.LeftButton)
        assert wanted.args == [phase in (GuardPhase.OFF, GuardPhase.CHANGED)]


def test_a_refusal_is_told_with_what_to_do_until_t3_code_asks_again(qtbot: QtBot) -> None:
    seen: list[bool] = []
    blocked = replace(details(row("t1", Reason.MISSING)), answers=(GIVEN, REFUSED))
    card = refusal_card(blocked, lambda: seen.append(True))
    assert card
    qtbot.addWidget(card)
    assert "choose how the thread goes on, then send your message again in T3 Code" in texts(card)
    named(card, "Dismiss").click()
    assert seen == [True]
    mended = replace(details(row("t1")), answers=(replace(REFUSED, seen_at=NOON),))
    card = refusal_card(mended, lambda: None)
    assert card
    qtbot.addWidget(card)
    assert "It can go on now: send your message again in T3 Code." in texts(card)
    assert not card.findChildren(QPushButton), "it was seen"
    assert refusal_card(replace(mended, answers=(REFUSED, GIVEN)), lambda: None) is None
    assert refusal_card(replace(mended, answers=()), lambda: None) is None


def test_the_menu_says_how_t3_code_stands_with_the_guard() -> None:
    snapshot = Snapshot(READY, guard=GuardState(GuardPhase.ON), guarded=frozenset({"a", "b", "c"}))
    assert guard_line(snapshot) == "Guarding T3 Code · 3 threads"
    assert guard_line(replace(snapshot, guarded=frozenset({"a"}))) == "Guarding T3 Code · 1 thread"
    (item,) = (item for item in menu_of(snapshot, NOON) if item.action is MenuAction.GUARD)
    assert item.label == "Guarding T3 Code · 3 threads"
    assert not [item for item in menu_of(Snapshot(READY), NOON) if item.action is MenuAction.GUARD]
    for phase in GuardPhase:
        assert bool(guard_line(Snapshot(READY, guard=GuardState(phase)))) is (phase is not GuardPhase.NO_T3CODE)


def test_a_message_that_was_held_back_needs_the_user_in_the_menu() -> None:
    snapshot = Snapshot(READY, (row("t1", Reason.MISSING), row("t2")), refusals=(REFUSED,))
    (item,) = (item for item in menu_of(snapshot, NOON) if "held back" in item.label)
    assert (item.label, item.action, item.thread_id) == ("Thread t1 ▸ a message was held back", MenuAction.EXPLAIN, "t1")


def test_the_window_shows_the_sheet_over_everything_and_tells_what_came_of_it(qtbot: QtBot, recorded: Asked) -> None:
    window = MainWindow(recorded.bridge, lambda: NOON)
    qtbot.addWidget(window)
    window.show_snapshot(Snapshot(READY, (row("a"),)))
    with qtbot.waitExposed(window):
        window.show()
    window.show_protection_plan(protection_plan(True))
    assert window.guard_sheet.isVisible() and not window.threads.isVisible()
    view = ProtectionView(Path("/home/dev/.t3"), Protection.GUARDED, "It is guarded.")
    recorded.backend.answers["guard.protect"] = lambda *_: GuardStatus("http://127.0.0.1:1", True, (view, view))
    named(window.guard_sheet, "Protect T3 Code").click()
    recorded.wait_for("guard.protect", True, False)
    qtbot.waitUntil(window.threads.isVisible, timeout=90_000)
    assert "It is guarded." in texts(window.bar) and "guarded. It" not in texts(window.bar)
    window.show_protection_plan(protection_plan(False))
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.isVisible() and window.isVisible()


def test_a_refusal_and_an_alarm_are_put_away_each_by_its_own_button(qtbot: QtBot, recorded: Asked) -> None:
    page = ThreadPage(recorded.bridge, recorded.bridge.preview)
    qtbot.addWidget(page)
    page.show()
    page.show_details(replace(details(row("t1")), answers=(REFUSED,), alarms=(alarm("t1"),)))
    texts(page)
    for each in page.header.findChildren(QPushButton):
        if each.text() == "Dismiss":
            each.click()
    recorded.wait_for("acknowledge", "t1", Acknowledged.REFUSAL)
    assert recorded.calls("acknowledge") == [["t1", Acknowledged.ALARMS], ["t1", Acknowledged.REFUSAL]]


def test_the_page_tells_the_guards_answers_in_the_history(qtbot: QtBot, recorded: Asked) -> None:
    page = ThreadPage(recorded.bridge, recorded.bridge.preview)
    qtbot.addWidget(page)
    page.show()
    page.show_details(replace(details(row("t1")), answers=(GIVEN, REFUSED)))
    page.tabs.setCurrentIndex([page.tabs.tabText(number) for number in range(page.tabs.count())].index("History"))
    given = "T3 Code asked for a new session called “Report”; it was given ses_2 (41 messages)."
    qtbot.waitUntil(lambda: given in texts(page))
    told = texts(page)
    assert "T3 Code asked for ses_1; it was refused, because the session that held" in told
    assert "send your message again in T3 Code" in told
    named(page, "Dismiss").click()
    recorded.wait_for("acknowledge", "t1", Acknowledged.REFUSAL)
