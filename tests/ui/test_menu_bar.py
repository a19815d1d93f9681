"""On macOS the window is shown without an icon: at the first start, if the icon is hidden, if the app is opened again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from t3tray.messages.window import ICON_HIDDEN
from t3tray.ui import menu_bar
from t3tray.ui.menu_bar import MenuBar

ACTIVE, INACTIVE = Qt.ApplicationState.ApplicationActive, Qt.ApplicationState.ApplicationInactive
SHOWN = QRect(1200, 0, 24, 24)


@pytest.fixture
def wanted(qtbot: QtBot) -> list[str]:
    return []


def made(wanted: list[str], area: QRect = SHOWN, is_first_start: bool = False) -> MenuBar:
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    bar = MenuBar(application, lambda: area, is_first_start)
    bar.window_wanted.connect(wanted.append)
    return bar


def test_the_first_start_opens_the_window_and_a_later_one_does_not(qtbot: QtBot, wanted: list[str]) -> None:
    later = made(wanted)
    qtbot.wait(1)
    assert wanted == []
    first = made(wanted, is_first_start=True)
    qtbot.waitUntil(lambda: wanted == [""])
    del first, later


@pytest.mark.parametrize(("area", "told"), [(SHOWN, []), (QRect(), [ICON_HIDDEN])])
def test_a_hidden_icon_opens_it_with_the_two_causes(
    qtbot: QtBot, wanted: list[str], monkeypatch: pytest.MonkeyPatch, area: QRect, told: list[str]
) -> None:
    monkeypatch.setattr(menu_bar, "ICON_LIMIT", 1)
    bar = made(wanted, area)
    qtbot.wait(50)
    assert wanted == told and "System Settings" in ICON_HIDDEN and "camera" in ICON_HIDDEN
    del bar


def test_opening_the_app_again_opens_it_unless_one_is_open(qtbot: QtBot, wanted: list[str]) -> None:
    bar = made(wanted)
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    application.applicationStateChanged.emit(INACTIVE)
    assert wanted == []
    application.applicationStateChanged.emit(ACTIVE)
    assert wanted == [""]
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    application.applicationStateChanged.emit(ACTIVE)
    assert wanted == [""]
    del bar
