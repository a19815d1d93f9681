"""Threads of other providers in the window: with the ring of T3 Code's reaper, counted in the menu, described on their page."""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.labels import reaper_line
from t3tray.ui.threads.thread_list_data import reaper_of
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import NOON, READY, row, t3_thread

SOON = NOON + timedelta(minutes=12)
IDLE = ReaperState(ReaperPhase.IDLE, SOON, NOON)
CODEX = t3_thread("codex-1", "codex")
OVERVIEW = Snapshot(
    READY,
    (row("a"),),
    (CODEX,),
    foreign_reapers={CODEX.id: IDLE},
    idle_status="t3tray stops its server at 14:30 if nothing uses it.",
)


def test_each_has_the_reapers_state_and_the_next_one_is_in_the_menus_line() -> None:
    assert reaper_of(CODEX, OVERVIEW) is IDLE and reaper_of(OVERVIEW.rows[0], OVERVIEW) is OVERVIEW.rows[0].reaper
    assert reaper_line(OVERVIEW) == f"1 idle, next reaped {SOON.astimezone():%H:%M}"


def test_its_page_tells_it_and_the_servers_line_what_our_own_reaper_does(qtbot: QtBot) -> None:
    window = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(window)
    window.show_snapshot(OVERVIEW)
    window.show_thread(CODEX.id)
    said = [shown.text() for shown in window.page.findChildren(QLabel)]
    assert f"T3 Code's reaper: idle, reaped at {SOON.astimezone():%H:%M}." in said
    assert any(OVERVIEW.idle_status in shown.toolTip() for shown in window.findChildren(QLabel))


def test_the_ring_is_painted_at_its_row(qtbot: QtBot) -> None:
    window = MainWindow(idle_bridge(), lambda: NOON + timedelta(minutes=3))
    qtbot.addWidget(window)
    window.resize(960, 640)
    pictures = []
    for reapers in ({}, {CODEX.id: IDLE}):
        window.show_snapshot(Snapshot(READY, (row("a"),), (CODEX,), foreign_reapers=reapers))
        pictures.append(window.threads.grab().toImage())
    assert pictures[0] != pictures[1]
