"""A restore in the window: the bar that is visible until it is settled, and the sheet that previews settling it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.restore import Restore, SettlePlan
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import Refused
from t3tray.messages.restore import doubt_clause, restore_sentence, settle_plan
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.restore_sheet import SETTLE, restore_words
from t3tray.ui.theme import NARROW
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import NOON, READY, RESTORE, row

DOUBTED = replace(row("a"), verdict=Verdict(Reason.UNPROVEN, doubt_clause(RESTORE)))
TOLD = Snapshot(READY, (DOUBTED, row("b")), warnings=(restore_sentence(RESTORE), "The disk is full."), restore=RESTORE)
PLAN = settle_plan(RESTORE, ("Thread a",), ())


@pytest.fixture
def window(qtbot: QtBot, recorded: Asked) -> MainWindow:
    made = MainWindow(recorded.bridge, lambda: NOON)
    qtbot.addWidget(made)
    made.show_snapshot(TOLD)
    made.show()
    return made


def texts(widget: QWidget) -> str:
    QApplication.processEvents()  # a layout shows new widgets only after this
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if each.isVisibleTo(widget))


def named(widget: QWidget, text: str) -> QPushButton:
    QApplication.processEvents()
    return next(each for each in widget.findChildren(QPushButton) if each.text() == text and each.isVisibleTo(widget))


def test_the_bar_says_what_happened_with_a_button_in_the_place_of_a_command(window: MainWindow, recorded: Asked) -> None:
    told = texts(window.bars.restore)
    assert (
        "t3tray's data was put back from the copy of 2026-11-24 09:00 UTC." in told
        and "The binding of 1 thread may be older." in told
    )
    assert "doctor" not in texts(window) and "The disk is full." in texts(window.bar)
    named(window.bars.restore, SETTLE).click()
    recorded.wait_for("restoring.plan")


def test_it_stays_whatever_else_is_told_and_put_away_until_it_is_settled(window: MainWindow) -> None:
    window.bar.note("Done.")
    named(window.bar, "Dismiss").click()
    window.show_snapshot(replace(TOLD, warnings=(restore_sentence(RESTORE),)))
    assert window.bars.restore.isVisible()
    window.show_settle_plan(PLAN)
    assert window.settle_sheet.isVisible()
    window.show_snapshot(Snapshot(READY, (row("a"),)))
    assert not window.bars.restore.isVisible(), "settled, here or by another process"
    assert not window.settle_sheet.isVisible() and window.threads.isVisible()


def test_what_settling_does_is_shown_before_it_is_done(window: MainWindow, recorded: Asked, qtbot: QtBot) -> None:
    done = asyncio.Event()
    recorded.backend.answers["settle_restore"] = lambda _: done.wait()
    window.show_settle_plan(PLAN)
    shown = texts(window.settle_sheet)
    for each in (*PLAN.before, *PLAN.after, *PLAN.kept, *PLAN.lost):
        assert each.strip() in shown
    named(window.settle_sheet, "Settle It").click()
    recorded.wait_for("settle_restore", PLAN)
    assert window.settle_sheet.isVisible(), "until it is done"
    recorded.bridge.hand_over(done.set)
    qtbot.waitUntil(window.threads.isVisible, timeout=90_000)
    assert "What was put back is settled." in texts(window.bar)
    window.show_settle_plan(PLAN)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.isVisible() and window.isVisible()
    assert recorded.calls("settle_restore") == [[PLAN]]


def test_threads_that_several_sessions_claim_are_to_be_chosen_for_first(window: MainWindow) -> None:
    window.show_settle_plan(settle_plan(RESTORE, (), ("Thread b",)))
    assert "Several sessions claim “Thread b”. Choose one on its page first." in texts(window.settle_sheet)
    assert not named(window.settle_sheet, "Settle It").isEnabled()
    window.show_settle_plan(None)
    assert window.settle_sheet.isVisible(), "nothing to show is nothing that happens"


@pytest.mark.parametrize("plan", [PLAN, settle_plan(RESTORE, [f"Thread {n}" for n in range(20)], ("b", "c"))])
def test_no_word_is_cut_in_a_narrow_window(window: MainWindow, plan: SettlePlan) -> None:
    window.resize(NARROW, 660)
    window.show_settle_plan(plan)
    texts(window)
    for each in (*window.settle_sheet.findChildren(QLabel), *window.bars.restore.findChildren(QLabel)):
        if each.isVisible() and each.wordWrap():
            assert each.height() >= each.heightForWidth(each.width()), each.text()
    for button in (*window.settle_sheet.findChildren(QPushButton), *window.bars.restore.findChildren(QPushButton)):
        assert button.width() >= button.sizeHint().width(), button.text()


def test_each_plan_says_what_is_so() -> None:
    whole = replace(RESTORE, complete=True)
    assert "All bindings are as they were" in " ".join(settle_plan(whole, (), ()).before) and not settle_plan(whole, (), ()).lost
    assert settle_plan(RESTORE, (), ()).lost == () and "found, or verified" in settle_plan(RESTORE, (), ()).before[-1]
    two = settle_plan(RESTORE, ("A", "B"), ())
    assert "The bindings of these 2 threads may be older, so they do not count as proved:" in two.before
    assert any("counts as the right one for each of these threads" in line for line in two.after)
    assert "  and 12 more" in settle_plan(RESTORE, [f"{n}" for n in range(20)], ()).before
    gap = Restore(NOON, "lacks changes of bindings that OpenCode's sessions show", 3, complete=False)
    assert restore_words(gap, ()) == (f"t3tray's data {gap.trouble}.", "Changes after that were missing.")


def test_the_wish_reaches_the_backend_with_what_was_seen_and_a_refusal_is_told(
    window: MainWindow, recorded: Asked, qtbot: QtBot
) -> None:
    backend, bridge = recorded.backend, recorded.bridge
    with qtbot.waitSignal(bridge.settling_planned):
        named(window.bars.restore, SETTLE).click()
    with qtbot.waitSignal(bridge.settled):
        named(window.settle_sheet, "Settle It").click()
    assert backend.asked == [("restoring.plan",), ("settle_restore", PLAN)]
    qtbot.waitUntil(window.threads.isVisible)
    window.show_settle_plan(PLAN)
    backend.trouble = Refused("What settling would do has changed meanwhile; nothing was settled.")
    with qtbot.waitSignal(bridge.failed):
        named(window.settle_sheet, "Settle It").click()
    assert window.settle_sheet.isVisible()
