"""The app on macOS, by messages to a stand-in for AppKit: Dock icon, activation, App Nap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.mac_app import MacApp
from t3tray.ui.widgets.windows import bring_to_front
from tests.support.recorded_rubicon import RecordedRubicon, on_macos
from tests.support.views import READY, row

REGULAR, ACCESSORY = 0, 1


@pytest.fixture
def rubicon(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedRubicon]:
    with on_macos(monkeypatch) as recorded:
        yield recorded


@pytest.fixture
def mac_app(qtbot: QtBot, rubicon: RecordedRubicon) -> Iterator[MacApp]:
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    made = MacApp(application, lambda: QRect(1200, 0, 24, 24), is_first_start=False)
    yield made
    made.deleteLater()
    made.menu.deleteLater()


def test_it_has_a_dock_icon_while_a_window_is_open(qtbot: QtBot, rubicon: RecordedRubicon, mac_app: MacApp) -> None:
    assert rubicon.policies == [ACCESSORY]
    windows = [QWidget(), QWidget()]
    for window in windows:
        qtbot.addWidget(window)
        window.show()
        bring_to_front(window)
        qtbot.waitUntil(window.isActiveWindow)
    assert rubicon.policies == [ACCESSORY, REGULAR]
    assert rubicon.sent[1:3] == [
        ("sharedApplication", "setActivationPolicy", REGULAR),
        ("sharedApplication", "activateIgnoringOtherApps", True),
    ], "an accessory app would be activated without its main menu"
    windows[0].close()
    qtbot.wait(50)
    assert rubicon.policies == [ACCESSORY, REGULAR]
    windows[1].close()
    qtbot.waitUntil(lambda: rubicon.policies == [ACCESSORY, REGULAR, ACCESSORY])


def test_a_window_that_is_hidden_and_not_closed_takes_the_icon_away_too(
    qtbot: QtBot, rubicon: RecordedRubicon, mac_app: MacApp
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    bring_to_front(window)
    qtbot.waitUntil(window.isActiveWindow)
    window.hide()
    qtbot.waitUntil(lambda: rubicon.policies == [ACCESSORY, REGULAR, ACCESSORY])


@pytest.mark.parametrize(
    ("snapshot", "is_prevented"),
    [
        (Snapshot(READY, (row("a"),)), False),
        (Snapshot(READY, (row("a"), row("b", Reason.BUSY))), True),
        (Snapshot(READY, guard=GuardState(GuardPhase.ON)), True),
        (Snapshot(READY, guard=GuardState(GuardPhase.UNFIT)), True),
        (Snapshot(READY, guard=GuardState(GuardPhase.OFF)), False),
        (Snapshot(READY, guard=GuardState(GuardPhase.NO_T3CODE)), False),
    ],
)
def test_app_nap_is_prevented_while_others_wait_for_it(
    rubicon: RecordedRubicon, mac_app: MacApp, snapshot: Snapshot, is_prevented: bool
) -> None:
    mac_app.show_snapshot(snapshot)
    mac_app.show_snapshot(snapshot)
    began = [message for message in rubicon.sent if message[1] == "beginActivityWithOptions"]
    assert len(began) == is_prevented
    mac_app.show_snapshot(Snapshot(READY))
    ended = [message for message in rubicon.sent if message[1] == "endActivity"]
    assert len(ended) == is_prevented
