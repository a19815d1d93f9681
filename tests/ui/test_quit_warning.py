"""Without a tray, closing the window ends the app: it is minimised instead while something would end, and says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.quit_warning import would_end
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.sample_messages import approval
from tests.support.views import NOON, READY, row

BUSY = Snapshot(READY, (row("a", Reason.BUSY), row("b")))
EXTERNAL = ServerStatus(ServerState.EXTERNAL, url="http://127.0.0.1:1")
GUARDED = GuardState(GuardPhase.ON)


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (None, ""),
        (Snapshot(READY, (row("a"), row("b", Reason.SERVER_DOWN))), ""),
        (BUSY, "A turn runs in “Thread a”."),
        (replace(BUSY, server_stays=True), ""),
        (replace(BUSY, server=EXTERNAL), ""),
        (replace(BUSY, server=EXTERNAL, guard=GUARDED), "T3 Code reaches OpenCode through t3tray."),
        (replace(BUSY, pending_requests=(approval("a"),)), "“Refactor the parser” waits for your answer."),
        (
            Snapshot(
                READY, (row("a", Reason.BUSY), row("b", Reason.BUSY), row("c", Reason.BUSY)), pending_requests=(approval("a"),)
            ),
            "“Refactor the parser” waits for your answer. A turn runs in “Thread b”. 1 more is open.",
        ),
    ],
)
def test_what_would_end_is_said(snapshot: Snapshot | None, told: str) -> None:
    assert would_end(snapshot) == told


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(made)
    made.would_end = lambda: would_end(made.shown)  # type: ignore[attr-defined]
    show(made, BUSY)
    made.show()
    return made


def show(window: MainWindow, snapshot: Snapshot) -> None:
    window.shown = snapshot  # type: ignore[attr-defined]
    window.show_snapshot(snapshot)


def said(window: MainWindow) -> str:
    QApplication.processEvents()
    return "\n".join(each.text() for each in window.bars.minimised.findChildren(QLabel))


def test_it_is_minimised_in_place_of_being_closed_and_says_why(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(window.closed):
        assert not window.close()
    assert window.isMinimized() and "A turn runs in “Thread a”. Quitting t3tray ends that." in said(window)
    assert "A turn runs" in window.windowTitle()
    window.bring_up()
    assert not window.bars.minimised.isHidden()
    with qtbot.waitSignal(window.quit_wanted):
        window.bars.minimised.findChildren(QPushButton)[0].click()


def test_when_nothing_would_end_any_more_it_closes_as_ever(window: MainWindow, qtbot: QtBot) -> None:
    window.close()
    window.bring_up()
    show(window, Snapshot(READY, (row("a"), row("b"))))
    assert window.bars.minimised.isHidden() and window.windowTitle() == "t3tray"
    with qtbot.waitSignal(window.closed):
        assert window.close()


def test_with_a_tray_it_closes_whatever_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.would_end = lambda: ""
    with qtbot.waitSignal(window.closed):
        assert window.close()
    assert window.bars.minimised.isHidden()
