"""The program was updated while it runs: a bar with a button in the window, and entries in the menu."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.verdict import Reason
from t3tray.messages.trouble import UPDATED, UPDATED_HINT, UPDATED_TITLE
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.tray.menu import MenuAction, MenuItem, menu_of
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import NOON, READY, row

UPDATED_SNAPSHOT = Snapshot(READY, (row("a", Reason.BUSY),), warnings=(UPDATED, "The disk is full."), is_updated=True)


def words(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.text() and label.isVisibleTo(widget)]


def test_the_bar_has_a_button_that_restarts_and_says_what_would_end(qtbot: QtBot, recorded: Asked) -> None:
    window = MainWindow(recorded.bridge, lambda: NOON)
    qtbot.addWidget(window)
    window.show()
    window.show_snapshot(UPDATED_SNAPSHOT)
    bar = window.bars.updated
    assert words(bar) == [UPDATED_TITLE, f"{UPDATED_HINT} A turn runs in “Thread a”."]
    assert "The disk is full." in words(window.bar) and UPDATED not in " ".join(words(window))
    with qtbot.waitSignal(bar.wanted, timeout=90_000):
        bar.findChildren(QPushButton)[0].click()
    window.show_snapshot(Snapshot(READY))
    assert bar.isHidden()


def test_the_menu_has_it_on_top_and_otherwise_not() -> None:
    shown = menu_of(UPDATED_SNAPSHOT, NOON)
    assert shown[2:4] == (MenuItem(UPDATED_TITLE), MenuItem("Restart t3tray", MenuAction.RESTART_APP))
    assert not [item for item in menu_of(Snapshot(READY), NOON) if item.action is MenuAction.RESTART_APP]
