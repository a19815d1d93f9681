"""The window's restored geometry: its last one, unless it would not be visible there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QSplitter
from pytestqt.qtbot import QtBot

from t3tray.ui.window import MainWindow
from t3tray.ui.window_geometry import WindowGeometry, visible_geometry
from tests.support.asked import idle_bridge
from tests.support.views import NOON

LEFT, RIGHT = QRect(0, 0, 1000, 800), QRect(1000, 0, 1000, 800)


@pytest.mark.parametrize(
    "place",
    [QRect(100, 100, 420, 660), QRect(1500, 100, 420, 660), QRect(900, 100, 420, 660), QRect(-300, 0, 420, 600)],
)
def test_a_place_that_can_be_seen_is_kept(place: QRect) -> None:
    assert visible_geometry(place, [LEFT, RIGHT]) == place


@pytest.mark.parametrize(
    "place",
    [
        QRect(3000, 100, 420, 660),  # a screen that no longer exists
        QRect(100, -700, 420, 660),  # its title bar cannot be reached
        QRect(100, 790, 420, 660),
        QRect(-400, 0, 420, 660),
        QRect(0, 0, 5000, 4000),
    ],
)
def test_any_other_place_is_put_where_all_of_it_is_seen(place: QRect) -> None:
    corrected = visible_geometry(place, [LEFT, RIGHT])
    assert LEFT.contains(corrected) or RIGHT.contains(corrected)


def test_without_a_screen_nothing_is_corrected() -> None:
    assert visible_geometry(LEFT, []) == LEFT


def test_the_window_comes_up_as_it_was_closed(qtbot: QtBot, tmp_path: Path) -> None:
    kept = tmp_path / "window.ini"
    first = MainWindow(idle_bridge(), lambda: NOON, WindowGeometry(kept))
    qtbot.addWidget(first)
    assert first.size() == QSize(420, 660)
    first.show()
    first.setGeometry(30, 40, 760, 500)
    first.close()
    assert kept.exists()
    second = MainWindow(idle_bridge(), lambda: NOON, WindowGeometry(kept))
    qtbot.addWidget(second)
    second.show()
    assert second.geometry() == QRect(30, 40, 760, 500)


def test_a_file_that_cannot_be_read_counts_as_none(qtbot: QtBot, tmp_path: Path) -> None:
    kept = tmp_path / "window.ini"
    kept.write_text("[window]\ngeometry=@ByteArray(nonsense)\npanes=7\n")
    window = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(window)
    WindowGeometry(kept).restore(window, QSplitter(Qt.Orientation.Horizontal))
    assert window.size() == QSize(420, 660)


@pytest.mark.parametrize("before", ["", "[General]\n"])
def test_only_the_owner_may_read_where_it_was(qtbot: QtBot, tmp_path: Path, before: str) -> None:
    path = tmp_path / "window.ini"
    if before:
        path.write_text(before)
        path.chmod(0o644)
    window, panes = MainWindow(idle_bridge(), lambda: NOON), QSplitter()
    qtbot.addWidget(window)
    qtbot.addWidget(panes)
    WindowGeometry(path).save(window, panes)
    assert b"geometry" in path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
