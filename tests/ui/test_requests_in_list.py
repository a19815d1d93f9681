"""A request is on top of the list and its thread far below: a click does not scroll the list, a search shows the thread."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.threads.thread_model import ROW_ROLE, ThreadModel
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import NOON, READY, requester, row

ROWS = tuple(row(f"t{number:03}") for number in range(200))
# Enough of them that the list can be scrolled to the middle; request 12 is of a thread near the end.
ASKS = tuple(ApprovalRequest(f"per_{number}", requester(f"t{150 + number}"), "bash", ("git push",)) for number in range(20))
ASK, THREAD = "per_12", "t162"
THREADS = frozenset(shown.thread.id for shown in ROWS)
SCROLLED = 300


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow(idle_bridge(), lambda: NOON)
    made.resize(940, 640)
    qtbot.addWidget(made)
    made.show_snapshot(Snapshot(READY, ROWS, pending_requests=ASKS))
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.threads.table.verticalScrollBar().setValue(SCROLLED)
    return made


def scrolled(window: MainWindow) -> int:
    QApplication.processEvents()
    return window.threads.table.verticalScrollBar().value()


def chosen(window: MainWindow) -> str:
    """Return the id of the selected row, a request or a thread."""
    line = window.threads.table.currentIndex().data(ROW_ROLE)
    return str(getattr(line, "id", "") or line.thread.id)


def is_in_view(window: MainWindow, key: str) -> bool:
    table, model = window.threads.table, window.threads.table.model()
    assert isinstance(model, ThreadModel)
    return table.viewport().rect().contains(table.visualRect(model.index_of(key)))


def click(qtbot: QtBot, window: MainWindow, key: str) -> None:
    table, model = window.threads.table, window.threads.table.model()
    assert isinstance(model, ThreadModel) and is_in_view(window, key)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(model.index_of(key)).center())


def test_a_click_on_an_ask_shows_its_thread_and_moves_nothing(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, ASK)
    assert window.threads.current() == THREAD
    assert window.page.isVisible() and (chosen(window), scrolled(window)) == (ASK, SCROLLED)


def test_enter_on_an_ask_moves_nothing_either(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, "per_11")
    qtbot.keyClick(window.threads.table, Qt.Key.Key_Down)
    qtbot.keyClick(window.threads.table, Qt.Key.Key_Return)
    assert (window.threads.current(), chosen(window), scrolled(window)) == (THREAD, ASK, SCROLLED)


def test_a_click_in_a_narrow_window_brings_the_page_up_and_back_leads_to_the_same_place(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(420, 640)
    click(qtbot, window, ASK)
    assert window.page.isVisible() and not window.threads.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.isVisible() and (chosen(window), scrolled(window)) == (ASK, SCROLLED)


def test_an_ask_that_was_answered_leaves_its_thread_marked_and_the_list_where_it_is(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, ASK)
    window.show_snapshot(Snapshot(READY, ROWS, pending_requests=tuple(ask for ask in ASKS if ask.id != ASK)))
    assert (window.threads.current(), chosen(window), scrolled(window)) == (THREAD, THREAD, SCROLLED)


def test_the_keys_go_to_what_they_choose(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, ASK)
    for key in (Qt.Key.Key_End, Qt.Key.Key_Up, Qt.Key.Key_PageUp):
        qtbot.keyClick(window.threads.table, key)
        assert chosen(window) in THREADS and is_in_view(window, chosen(window)), key


def test_what_is_searched_or_shown_from_elsewhere_comes_into_view(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, ASK)
    window.show_thread(THREAD)
    assert chosen(window) == THREAD and is_in_view(window, THREAD)
    window.threads.table.verticalScrollBar().setValue(SCROLLED)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(window.threads.search, "thread t18")
    qtbot.keyClick(window.threads.search, Qt.Key.Key_Return)
    assert is_in_view(window, chosen(window)) and window.threads.table.hasFocus()
