"""The settings window on a bridge: requests are executed, results are shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLabel, QSpinBox
from pytestqt.qtbot import QtBot

from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.inventory import AutostartState
from t3tray.errors import UsageError, WorldError
from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.about import about_window
from t3tray.ui.bridge import Bridge
from t3tray.ui.settings.settings_wiring import SettingsController, gui_items, gui_lines
from tests.support.recording import RecordingBackend
from tests.support.views import READY


class Opened:
    """The window on a backend that notes what it is asked."""

    def __init__(self) -> None:
        self.backend = RecordingBackend(Snapshot(READY, settings=Settings(stop_idle_minutes=7)))
        self.bridge = Bridge(self.backend.open)
        self.door = SettingsController(self.bridge, has_tray=False)
        self.window = self.door.window

    def press(self, words: str) -> None:
        next(found for found in self.window.findChildren(QAbstractButton) if found.text() == words).click()

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.window.findChildren(QLabel) if label.isVisibleTo(self.window))


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Opened]:
    made = Opened()
    with qtbot.waitSignals([made.bridge.snapshot_changed, made.bridge.inventory_taken]):
        made.bridge.start()
        made.door.open()
    yield made
    made.bridge.close()
    assert made.bridge.join()
    made.window.close()
    made.window.deleteLater()


def test_it_opens_with_what_is_kept_and_what_was_found(opened: Opened) -> None:
    assert opened.window.isVisible()
    spin = opened.window.fields["stop_idle_minutes"].findChild(QSpinBox)
    assert spin is not None and spin.value() == 7
    assert "12 MB used" in opened.texts() and "12 threads" in opened.texts()


def test_about_is_reached_from_it(opened: Opened) -> None:
    opened.press("About t3tray")
    assert about_window().isVisible()
    about_window().close()


def test_a_change_is_kept_at_once(qtbot: QtBot, opened: Opened) -> None:
    box = opened.window.fields["vault"].findChild(QCheckBox)
    assert box is not None
    with qtbot.waitSignal(opened.bridge.setting_saved):
        box.click()
    assert ("change_setting", "vault", False) in opened.backend.asked and not box.isChecked()


def test_what_the_core_refuses_stands_beside_the_field(qtbot: QtBot, opened: Opened) -> None:
    opened.backend.trouble = UsageError("A port is between 1024 and 65535.")
    spin = opened.window.fields["server_port"].findChild(QSpinBox)
    assert spin is not None
    with qtbot.waitSignal(opened.bridge.setting_refused):
        spin.setValue(80)
    assert spin.value() == 0 and "A port is between 1024 and 65535." in opened.texts()


def test_a_start_at_login_that_cannot_be_changed_stays_and_says_why(qtbot: QtBot, opened: Opened) -> None:
    opened.backend.trouble = WorldError("The folder cannot be written.")
    box = opened.window.login.findChild(QCheckBox)
    assert box is not None
    qtbot.waitUntil(lambda: not opened.window.login.isHidden() and box.isVisible())
    with qtbot.waitSignal(opened.bridge.setting_refused):
        box.click()
    assert not box.isChecked() and "The folder cannot be written." in opened.texts()


def test_the_diagnostics_are_copied_with_what_the_face_knows(qtbot: QtBot, opened: Opened) -> None:
    with qtbot.waitSignal(opened.bridge.diagnosed):
        opened.press("Copy Diagnostics")
    assert QGuiApplication.clipboard().text() == "all that helps" and "Copied, without passwords" in opened.texts()
    asked = next(words for words in opened.backend.asked if words[0] == "inspection.diagnostics")
    assert any("offscreen" in line for line in asked[1]) and any("scale 1" in line for line in asked[1])


def test_the_data_folder_is_opened_and_what_was_found_is_asked_for(qtbot: QtBot, opened: Opened) -> None:
    opened.press("Open Data Folder")
    qtbot.waitUntil(lambda: ("open_data_folder",) in opened.backend.asked)
    with qtbot.waitSignal(opened.door.found_wanted):
        opened.press("Show What Was Found")


def test_the_face_tells_of_its_tray(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    (item,) = gui_items(has_tray=False)
    assert "AppIndicator" in item.advice
    assert "tray missing" in "\n".join(gui_lines(has_tray=False))


def test_the_guard_is_told_and_asked_for_in_the_settings(qtbot: QtBot, opened: Opened) -> None:
    opened.bridge.snapshot_changed.emit(Snapshot(READY, guard=GuardState(GuardPhase.OFF)))
    assert "T3 Code is not protected" in opened.texts()
    with qtbot.waitSignal(opened.bridge.protection_previewed) as previewed:
        opened.press("Protect T3 Code…")
    assert previewed.args and previewed.args[0].on
    opened.bridge.snapshot_changed.emit(Snapshot(READY, guard=GuardState(GuardPhase.ON)))
    with qtbot.waitSignal(opened.bridge.protection_previewed) as previewed:
        opened.press("Stop Protecting T3 Code…")
    assert previewed.args and not previewed.args[0].on


def test_the_start_at_login_is_asked_of_the_system_and_turned_on(qtbot: QtBot, opened: Opened) -> None:
    box = opened.window.login.findChild(QCheckBox)
    assert box is not None
    qtbot.waitUntil(lambda: not box.isHidden() and not box.isChecked())
    box.click()
    qtbot.waitUntil(lambda: ("set_autostart", True) in opened.backend.asked)
    opened.backend.login = AutostartState(True, "Another copy is set to start.")
    opened.door.open()
    qtbot.waitUntil(lambda: box.isChecked() and "Another copy is set to start." in opened.texts())
