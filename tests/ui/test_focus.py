"""The focus after its widget disappeared: never on an unintended button."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import NOON, READY, details, preview, requester, row

ASK = ApprovalRequest("per_1", requester("b"), "bash", ("git push",))
ROWS = (row("a", Reason.MISSING), row("b"))


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow(idle_bridge(), lambda: NOON)
    made.resize(940, 640)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.bring_up()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def show(window: MainWindow, name: str, *candidates: str, **facts: Any) -> None:
    window.show_snapshot(replace(Snapshot(READY, ROWS), **facts))
    window.show_thread(name)
    window.show_details(details(next(shown for shown in ROWS if shown.thread.id == name), *candidates))


def focused() -> QWidget | None:
    QApplication.processEvents()
    return QApplication.focusWidget()


def button(window: MainWindow, words: str) -> QAbstractButton:
    QApplication.processEvents()
    return next(found for found in window.findChildren(QAbstractButton) if found.isVisible() and words in found.text())


def test_after_stop_the_next_space_sends_nothing(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "b")
    composer = window.page.conversation.composer
    composer.editor.setPlainText("a draft")
    composer.show_busy(True)
    composer.stop.setFocus()
    assert focused() is composer.stop
    composer.show_busy(False)
    assert focused() is composer.editor


def test_after_an_answer_the_keyboard_is_in_the_editor(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "b", pending_requests=(ASK,))
    allow = button(window, "Allow Once")
    allow.setFocus()
    allow.click()
    assert focused() is window.page.conversation.composer.editor


def test_an_ask_that_was_answered_elsewhere_leaves_the_keyboard_in_the_editor(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "b", pending_requests=(ASK,))
    button(window, "Reject").setFocus()
    window.show_snapshot(Snapshot(READY, ROWS))
    assert focused() is window.page.conversation.composer.editor


def test_where_nothing_can_be_written_it_is_in_the_list(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "b")
    window.page.conversation.composer.send.setEnabled(True)
    window.page.conversation.composer.send.setFocus()
    window.show_details(details(row("b", Reason.MISSING)))
    assert focused() is window.threads.table


def test_the_first_thread_takes_it_from_the_welcome_to_the_list(qtbot: QtBot, window: MainWindow) -> None:
    window.show_snapshot(Snapshot(READY))
    button(window, "Look Again").setFocus()
    assert focused() is button(window, "Look Again")
    window.show_snapshot(Snapshot(READY, ROWS))
    assert focused() is window.threads.table


def test_after_a_sheet_it_is_on_the_button_that_opened_it(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "a", "ses_old")
    opener = button(window, "Bind to")
    opener.setFocus()
    opener.click()
    window.show_preview("a", Choice(Remedy.BIND, "ses_old"), preview(Remedy.BIND))
    cancel = button(window, "Cancel")
    assert focused() is cancel
    qtbot.keyClick(cancel, Qt.Key.Key_Space)
    assert focused() is opener


def test_after_a_sheet_whose_button_is_gone_it_is_in_the_list(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "a", "ses_old")
    opener = button(window, "Bind to")
    opener.setFocus()
    opener.click()
    window.show_preview("a", Choice(Remedy.BIND, "ses_old"), preview(Remedy.BIND))
    window.show_details(details(ROWS[0], "ses_other"))
    window.show_remedied("a", preview(Remedy.BIND))
    assert focused() in (window.threads.table, window.page.conversation.composer.editor)


def test_in_a_narrow_window_it_stays_on_the_page(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(440, 640)
    show(window, "a", "ses_old")
    button(window, "Bind to").setFocus()
    window.show_details(details(ROWS[0], "ses_other"))
    assert focused() is window.page.tabs


def test_what_went_away_behind_another_window_is_found_out_at_the_return(qtbot: QtBot, window: MainWindow) -> None:
    show(window, "b")
    composer = window.page.conversation.composer
    composer.show_busy(True)
    composer.stop.setFocus()
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    composer.show_busy(False)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    assert focused() is composer.editor
