"""The viewed thread is reported once for each change, and only while its page is in the active window."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.viewed_thread import ViewedThread
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import NOON, READY, row

OVERVIEW = Snapshot(READY, (row("a"), row("b", Reason.MISSING)))
NARROW, WIDE = (420, 600), (960, 640)


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(made)
    made.show_snapshot(OVERVIEW)
    return made


@pytest.fixture
def told(window: MainWindow) -> list[str]:
    heard: list[str] = []
    ViewedThread(window, heard.append)
    return heard


def bring_up(qtbot: QtBot, window: MainWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.bring_up()
    qtbot.waitUntil(window.isActiveWindow)


def test_the_page_that_is_in_front_is_told_and_that_it_is_no_more(qtbot: QtBot, window: MainWindow, told: list[str]) -> None:
    bring_up(qtbot, window, WIDE)
    window.show_thread("a")
    qtbot.waitUntil(lambda: told[-1:] == ["a"])
    window.show_thread("b")
    qtbot.waitUntil(lambda: told[-1:] == ["b"])
    window.close()
    qtbot.waitUntil(lambda: told[-1:] == [""])
    assert all(before != after for before, after in pairwise(told))


def test_a_narrow_window_that_shows_the_list_looks_at_no_thread(qtbot: QtBot, window: MainWindow, told: list[str]) -> None:
    bring_up(qtbot, window, NARROW)
    window.show_thread("a")
    qtbot.waitUntil(lambda: told == ["a"])
    next(button for button in window.findChildren(QPushButton) if button.text() == "← Threads").click()
    qtbot.waitUntil(lambda: told == ["a", ""])


def test_a_window_behind_another_looks_at_no_thread(qtbot: QtBot, window: MainWindow, told: list[str]) -> None:
    bring_up(qtbot, window, WIDE)
    window.show_thread("a")
    qtbot.waitUntil(lambda: told[-1:] == ["a"])
    other = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(other)
    other.bring_up()
    qtbot.waitUntil(lambda: told[-1:] == [""])


def test_a_window_that_comes_back_looks_at_its_thread_again(qtbot: QtBot, window: MainWindow, told: list[str]) -> None:
    bring_up(qtbot, window, WIDE)
    window.show_thread("b")
    qtbot.waitUntil(lambda: told[-1:] == ["b"])
    window.close()
    qtbot.waitUntil(lambda: told[-1:] == [""])
    window.bring_up()
    qtbot.waitUntil(lambda: told[-1:] == ["b"])
