"""Bugs are reported once each, wherever they happen, without secrets, and without taking the focus."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from t3tray.domain.redaction import redacted
from t3tray.errors import OurBug
from t3tray.messages.bugs import our_bug
from t3tray.messages.window import NOTHING_LOST
from t3tray.ui.report import MOST, Reporter
from t3tray.ui.report_window import ReportWindow


@pytest.fixture
def reporter(qtbot: QtBot) -> Iterator[Reporter]:
    made = Reporter(lambda text: redacted(text, known=["swordfish"]))
    hooks = sys.excepthook, threading.excepthook
    yield made
    sys.excepthook, threading.excepthook = hooks
    made.window.close()
    made.window.deleteLater()


def caught(words: str = "oops") -> ValueError:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


def elsewhere() -> ValueError:
    try:
        raise ValueError("elsewhere")
    except ValueError as error:
        return error


def test_a_mistake_is_told_with_what_was_lost_and_what_to_do(reporter: Reporter) -> None:
    reporter.report(caught())
    window = reporter.window
    assert window.isVisible() and not window.isModal()
    shown = [label.text() for label in window.findChildren(QLabel)]
    assert "t3tray made a mistake" in shown and NOTHING_LOST in shown
    assert "ValueError: oops" in window.text and "test_report.py" in window.text and "t3tray 0." in window.text


def test_the_same_mistake_is_told_once_also_with_other_words_and_after_it_was_closed(reporter: Reporter) -> None:
    reporter.report(caught("one"))
    reporter.window.close()
    reporter.report(caught("two"))
    assert not reporter.window.isVisible() and "two" not in reporter.window.text


def test_another_one_stands_below_those_that_are_still_shown(reporter: Reporter) -> None:
    reporter.report(caught())
    reporter.report(elsewhere())
    assert reporter.window.text.index("oops") < reporter.window.text.index("elsewhere")
    reporter.window.close()
    reporter.report(OurBug("A third."))
    assert reporter.window.text.count("\n\n") == 0 and "A third." in reporter.window.text


def test_a_flood_comes_to_an_end(reporter: Reporter) -> None:
    for number in range(3 * MOST):
        reporter.report(OurBug(f"Number {number}."))
    assert f"Number {MOST - 1}." in reporter.window.text and f"Number {MOST}." not in reporter.window.text


def test_secrets_are_taken_out(reporter: Reporter) -> None:
    reporter.report(caught("GET http://opencode:hunter2@127.0.0.1 with swordfish"))
    assert "hunter2" not in reporter.window.text and "swordfish" not in reporter.window.text


def test_what_the_bridge_tells_shows_where_it_happened(reporter: Reporter) -> None:
    reporter.report(our_bug(caught()))
    assert "in caught" in reporter.window.text and "ValueError: oops" in reporter.window.text
    reporter.window.close()
    reporter.report(our_bug(caught("again")))
    assert not reporter.window.isVisible(), "it is the same mistake"


class Source(QObject):
    happened = Signal()


def test_an_error_in_a_slot_is_told_and_the_app_goes_on(qtbot: QtBot, reporter: Reporter) -> None:
    reporter.install()
    source, reached = Source(), []

    def fail() -> None:
        reached.append(1)
        raise ValueError("in a slot")

    source.happened.connect(fail)
    source.happened.emit()
    qtbot.waitUntil(reporter.window.isVisible)
    assert "in a slot" in reporter.window.text
    source.happened.emit()
    assert len(reached) == 2


def test_an_error_in_a_thread_is_told_in_the_guis(qtbot: QtBot, reporter: Reporter) -> None:
    reporter.install()

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(reporter.window.isVisible)
    assert "in a thread" in reporter.window.text


def test_an_interrupt_is_no_mistake(reporter: Reporter, capsys: pytest.CaptureFixture[str]) -> None:
    reporter.install()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not reporter.window.isVisible() and "KeyboardInterrupt" in capsys.readouterr().err


def test_the_report_can_be_copied_and_closed_by_keyboard(qtbot: QtBot) -> None:
    window = ReportWindow()
    qtbot.addWidget(window)
    window.add("the details")
    window.bring_up()
    controls = {found.text(): found for found in window.findChildren(QAbstractButton)}
    controls["Copy Report"].click()
    assert QGuiApplication.clipboard().text() == "the details" and controls["Copy Report"].text() == "Copied"
    text = window.findChild(QPlainTextEdit)
    assert text is not None
    for each in (*controls.values(), text):
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert QAccessible.queryAccessibleInterface(each).text(QAccessible.Text.Name)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
