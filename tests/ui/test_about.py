"""The About window: version, purpose, and the licences of what is in it; and the keys that all windows have."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from t3tray import __version__
from t3tray.messages.about import LIBRARIES, SENTENCE, libraries_line
from t3tray.ui.about import AboutWindow
from t3tray.ui.report_window import ReportWindow
from t3tray.ui.settings.settings_window import SettingsWindow

ROOT = Path(__file__).parents[2]


def test_it_says_version_purpose_and_licences(qtbot: QtBot) -> None:
    about = AboutWindow()
    qtbot.addWidget(about)
    about.bring_up()
    qtbot.waitUntil(about.isActiveWindow)
    text = "\n".join(label.text() for label in about.findChildren(QLabel))
    for part in (f"Version {__version__}", SENTENCE, "MIT licence", libraries_line()):
        assert part in text
    qtbot.keyClick(about, Qt.Key.Key_Escape)
    assert not about.isVisible()


def test_every_library_is_named_with_its_own_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {words.split(";")[0].split(">")[0].strip() for words in project["dependencies"]}
    assert needed == set(LIBRARIES)
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for name, licence in LIBRARIES.items():
        try:
            known = metadata(name)
        except PackageNotFoundError:
            continue  # of another system
        assert licence in " ".join(known[field] for field in ("License-Expression", "License") if field in known), name


@pytest.mark.parametrize("kind", [AboutWindow, SettingsWindow, ReportWindow])
def test_every_window_is_closed_and_minimised_by_the_usual_keys(
    qtbot: QtBot, kind: type[AboutWindow] | type[SettingsWindow] | type[ReportWindow]
) -> None:
    window = kind()
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert window.isMinimized()
    window.showNormal()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert not window.isVisible()
