"""The offscreen window: what it shows for each verdict, what it emits, and its use without a mouse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec import structs
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QMenu, QTableView, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import ServerFailed
from t3tray.messages.verdicts import sentence
from t3tray.threads.snapshot import Snapshot
from t3tray.ui import theme
from t3tray.ui.threads.thread_model import ThreadModel
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked, idle_bridge
from tests.support.views import NOON, READY, details, preview, row, t3_thread

ROWS = (row("a", Reason.MISSING, draft="not sent"), row("b", title="Parser & printer"), row("c", Reason.SERVER_DOWN))


@pytest.fixture
def window(qtbot: QtBot, recorded: Asked) -> MainWindow:
    made = MainWindow(recorded.bridge, lambda: NOON)
    made.resize(940, 640)
    qtbot.addWidget(made)
    made.show_snapshot(Snapshot(READY, ROWS))
    made.show()
    return made


def texts(widget: QWidget) -> str:
    QApplication.processEvents()  # a layout shows new widgets only after this
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def buttons(widget: QWidget) -> dict[str, QAbstractButton]:
    QApplication.processEvents()
    return {found.text(): found for found in widget.findChildren(QAbstractButton) if found.isVisibleTo(widget) and found.text()}


def choose(window: MainWindow, name: str, *candidates: str) -> None:
    window.show_thread(name)
    window.show_details(details(next(found for found in ROWS if found.thread.id == name), *candidates))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_verdict_is_explained_with_what_can_be_done(qtbot: QtBot, window: MainWindow, reason: Reason) -> None:
    shown = row("x", reason)
    window.show_snapshot(Snapshot(READY, (shown,)))
    window.show_thread("x")
    window.show_details(details(shown, "ses_old"))
    assert sentence(shown.verdict) in texts(window.page)
    in_menus = (action.text() for menu in window.page.findChildren(QMenu) for action in menu.actions())
    offered = {*buttons(window.page), *in_menus}
    assert ("Resume in Terminal" in offered) == (shown.verdict.kind is Kind.RESUMABLE)
    assert ("Start Server" in offered) == (reason in (Reason.SERVER_DOWN, Reason.OTHER_DATABASE))
    assert "Check Again" in offered or "Check Now" in offered


def test_choosing_a_thread_asks_for_its_details(window: MainWindow, recorded: Asked) -> None:
    window.threads.choose("b")
    recorded.wait_for("details.read", "b")
    window.show_details(details(ROWS[0]))
    assert "Parser & printer" in texts(window.page), "the details of another thread came late, and were shown"


def test_what_the_page_offers_is_asked_of_the_backend(window: MainWindow, recorded: Asked) -> None:
    choose(window, "a", "ses_old")
    buttons(window.page)["Check Again"].click()
    recorded.wait_for("prompting.verify", "a")
    buttons(window.page)["Bind to …es_old (3)"].click()
    recorded.wait_for("remedies.preview", "a", Choice(Remedy.BIND, "ses_old"))
    choose(window, "b")
    buttons(window.page)["Resume in Terminal"].click()
    recorded.wait_for("open_in_terminal", "b")
    choose(window, "c")
    buttons(window.page)["Start Server"].click()
    recorded.wait_for("start_server")


def test_what_does_not_fit_is_in_a_menu(window: MainWindow, recorded: Asked) -> None:
    choose(window, "a", "ses_old")
    (menu,) = window.page.header.findChildren(QMenu)
    assert [action.text() for action in menu.actions()] == [
        "Carry the Conversation Over…",
        "Start Afresh…",
        "Unbind the Session…",
    ]
    menu.actions()[0].trigger()
    recorded.wait_for("remedies.preview", "a", Choice(Remedy.CARRY))


def test_a_remedy_is_shown_before_it_is_done_and_can_be_put_away(qtbot: QtBot, window: MainWindow, recorded: Asked) -> None:
    done = recorded.backend.lingers = asyncio.Event()
    choose(window, "a")
    choice = Choice(Remedy.FORK)
    window.show_preview("a", choice, preview(Remedy.FORK))
    shown = texts(window.sheet)
    for part in ("Do fork", "Before.", "After.", "Kept.", "Lost.", "in detail"):
        assert part in shown, part
    buttons(window.sheet)["Do It"].click()
    recorded.wait_for("remedies.apply", "a", choice, preview(Remedy.FORK))
    assert window.sheet.isVisible(), "it stays until it is done"
    recorded.bridge.hand_over(done.set)
    qtbot.waitUntil(window.page.isVisible, timeout=90_000)
    assert "Done: Do fork" in texts(window.bar)
    window.show_preview("a", choice, preview(Remedy.FORK))
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.page.isVisible() and window.isVisible()


def test_a_remedy_for_another_thread_comes_too_late(window: MainWindow) -> None:
    choose(window, "a")
    window.show_preview("b", Choice(Remedy.FORK), preview(Remedy.FORK))
    assert window.page.isVisible()
    window.show_preview("a", Choice(Remedy.FORK), preview(Remedy.FORK))
    window.show_thread("b")
    assert window.page.isVisible()


def test_what_starts_from_nothing_wants_the_word(qtbot: QtBot, window: MainWindow) -> None:
    choose(window, "a")
    window.show_preview("a", Choice(Remedy.START_AFRESH), preview(Remedy.START_AFRESH, "start afresh"))
    do = buttons(window.sheet)["Do It"]
    assert not do.isEnabled()
    typed = window.sheet.findChild(QLineEdit)
    assert typed is not None
    typed.setText("start over")
    assert not do.isEnabled()
    typed.setText("Start afresh ")
    assert do.isEnabled()


def test_a_new_list_keeps_what_is_chosen(window: MainWindow) -> None:
    window.threads.choose("b")
    window.show_snapshot(Snapshot(READY, (row("z"), *ROWS)))
    assert window.threads.current() == "b"
    window.show_snapshot(Snapshot(READY))
    assert window.threads.current() is None
    assert "No threads yet" in texts(window.threads)


def test_a_narrow_window_shows_the_list_or_the_page(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(theme.NARROW, 600)
    assert window.threads.isVisible() and not window.page.isVisible()
    window.show_thread("a")
    assert window.page.isVisible() and not window.threads.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.isVisible()
    with qtbot.waitSignal(window.closed):
        qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_escape_empties_the_search_before_it_closes_the_window(qtbot: QtBot, window: MainWindow) -> None:
    window.threads.search.setText("printer")
    with qtbot.assertNotEmitted(window.closed):
        qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.search.text() == "" and window.isVisible()
    with qtbot.waitSignal(window.closed):
        qtbot.keyClick(window, Qt.Key.Key_Escape)


@pytest.mark.parametrize("keys", [Qt.Key.Key_K, Qt.Key.Key_F])
def test_the_search_is_one_key_away_from_a_page_that_fills_the_window(qtbot: QtBot, window: MainWindow, keys: Qt.Key) -> None:
    window.resize(theme.NARROW, 600)
    window.show_thread("a")
    assert not window.threads.isVisible()
    qtbot.keyClick(window, keys, Qt.KeyboardModifier.ControlModifier)
    assert window.threads.isVisible() and window.threads.search.hasFocus()


def test_a_minimised_window_is_brought_up(window: MainWindow) -> None:
    window.showMinimized()
    window.bring_up()
    assert window.isVisible() and not window.isMinimized()


def test_what_is_new_in_the_thread_that_is_looked_at_is_seen(qtbot: QtBot, window: MainWindow) -> None:
    visited: list[str] = []
    window.threads.visited.connect(lambda name, _: visited.append(name))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    foreign = t3_thread("f", "codex")
    unread = Snapshot(READY, ROWS, (foreign,), unread=frozenset({"a", "b", "f"}))
    window.show_snapshot(unread)
    assert [name for name in "abcf" if "not seen yet" in spoken(window, name)] == ["a", "b", "f"]
    window.threads.choose("a")
    assert visited == ["a"], "the page of the chosen thread is in front of the user"
    window.show_snapshot(Snapshot(READY, ROWS, (foreign,), unread=frozenset({"b", "f"})))
    window.threads.choose("f")
    later = structs.replace(foreign, last_activity_at=NOON + timedelta(minutes=1))
    window.show_snapshot(Snapshot(READY, ROWS, (later,), unread=frozenset({"b", "f"})))
    assert visited == ["a", "f", "f"], "what happens while it is looked at is seen at once"
    assert [name for name in "abcf" if "not seen yet" in spoken(window, name)] == ["b"]


def test_what_another_page_hides_is_not_looked_at(qtbot: QtBot, window: MainWindow) -> None:
    visited: list[str] = []
    window.threads.visited.connect(lambda name, _: visited.append(name))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.threads.choose("b")
    window.show_found()
    window.show_snapshot(Snapshot(READY, ROWS, unread=frozenset({"b"})))
    assert visited == []
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert visited == ["b"]


def spoken(window: MainWindow, thread_id: str) -> str:
    model = window.threads.table.model()
    assert isinstance(model, ThreadModel)
    return str(model.index_of(thread_id).data(Qt.ItemDataRole.AccessibleTextRole))


def test_an_error_stands_in_the_window_until_it_is_dismissed(qtbot: QtBot, window: MainWindow) -> None:
    window.bar.show_error(ServerFailed("It ended 5 times.", "Look at its log."))
    assert "It ended 5 times." in texts(window.bar) and "Look at its log." in texts(window.bar)
    buttons(window.bar)["Copy"].click()
    assert QGuiApplication.clipboard().text() == f"{ServerFailed.title}\nIt ended 5 times.\nLook at its log."
    buttons(window.bar)["Dismiss"].click()
    assert not window.bar.isVisible()


def test_a_warning_is_told_once(window: MainWindow) -> None:
    window.show_snapshot(Snapshot(READY, ROWS, warnings=("The copy was put back.",)))
    assert "The copy was put back." in texts(window.bar)
    window.bar.hide()
    window.show_snapshot(Snapshot(READY, ROWS, warnings=("The copy was put back.",)))
    assert not window.bar.isVisible()


def test_the_server_can_be_started_and_stopped(window: MainWindow, recorded: Asked) -> None:
    buttons(window)["Stop"].click()
    recorded.wait_for("server.stop")
    window.show_snapshot(Snapshot(ServerStatus(ServerState.FAILED, reason="it ended 5 times"), ROWS))
    assert "it ended 5 times" in texts(window)
    assert {"Start", "Restart"} <= set(buttons(window)) and "Stop" not in buttons(window)


def test_a_new_thread_needs_a_folder(window: MainWindow, recorded: Asked) -> None:
    window.new_thread.ask()
    assert not window.new_thread.confirm.isEnabled()
    window.new_thread.folder.setText("/work")
    window.new_thread.title.setText("Parser")
    window.new_thread.confirm.click()
    recorded.wait_for("new_thread", "/work", "Parser")


def test_a_thread_that_was_just_made_is_shown_when_the_list_has_it(window: MainWindow) -> None:
    window.show_thread_soon("new")
    window.show_snapshot(Snapshot(READY, (row("new"), *ROWS)))
    assert window.threads.current() == "new"


def test_every_control_has_a_name_and_can_be_reached_by_tab(window: MainWindow) -> None:
    choose(window, "a", "ses_old")
    for control in (*window.findChildren(QAbstractButton), *window.findChildren(QLineEdit), *window.findChildren(QTableView)):
        if not control.isVisible() or isinstance(control.parent(), QLineEdit | QTableView):
            continue
        told = QAccessible.queryAccessibleInterface(control)
        assert told.text(QAccessible.Text.Name), control
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control


def palette(window: str, text: str) -> QPalette:
    made = QPalette()
    made.setColor(QPalette.ColorRole.Window, QColor(window))
    made.setColor(QPalette.ColorRole.WindowText, QColor(text))
    return made


@pytest.fixture
def light_and_dark(qapp: QApplication) -> Iterator[tuple[QPalette, QPalette]]:
    usual = qapp.palette()
    yield palette("white", "black"), palette("#202020", "white")
    qapp.setPalette(usual)


def test_the_window_follows_the_system_into_the_dark(
    qapp: QApplication, window: MainWindow, light_and_dark: tuple[QPalette, QPalette]
) -> None:
    sheets = []
    for system in light_and_dark:
        qapp.setPalette(system)
        qapp.processEvents()
        sheets.append(window.styleSheet())
    assert sheets[0] != sheets[1]


def test_rings_and_times_go_on_only_while_they_can_be_seen(window: MainWindow) -> None:
    ticking = window.threads.findChild(QTimer)
    assert ticking is not None and ticking.interval() >= 15_000
    assert ticking.isActive()
    window.close()
    assert not ticking.isActive()
    window.show()
    assert ticking.isActive()


@pytest.mark.parametrize("width", [420, 960])
def test_no_text_is_cut(window: MainWindow, width: int) -> None:
    """Every label is as high as its text needs at its width, and no button is narrower than its label."""
    window.resize(width, 640)
    for shown in ROWS:
        choose(window, shown.thread.id, "ses_df5b87236ffe5RnsWYfjg7erHJ")
        QApplication.processEvents()
        QApplication.processEvents()
        for label in window.page.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for button in window.page.findChildren(QAbstractButton):
            if button.isVisible() and button.text():
                assert button.width() >= button.sizeHint().width(), button.text()


def test_before_there_is_a_thread_the_page_says_what_was_found(window: MainWindow, recorded: Asked) -> None:
    window.show_snapshot(Snapshot(READY))
    recorded.wait_for("take_inventory")
    assert window.found.isVisible() and not window.page.isVisible()
    window.show_snapshot(Snapshot(READY))
    window.show_snapshot(Snapshot(READY, ROWS))
    assert window.page.isVisible() and not window.found.isVisible()
    window.threads.choose("a")
    recorded.wait_for("details.read", "a")
    assert len(recorded.calls("take_inventory")) == 1


def test_in_a_narrow_window_the_welcome_comes_first_and_can_be_left(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(theme.NARROW, 600)
    window.show_snapshot(Snapshot(READY))
    assert window.found.isVisible() and not window.threads.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.threads.isVisible() and "No threads yet" in texts(window.threads)
    window.show_snapshot(Snapshot(READY))
    assert window.threads.isVisible(), "it was put away, and came back by itself"


def test_what_was_found_can_be_looked_at_later_and_put_away(qtbot: QtBot, window: MainWindow, recorded: Asked) -> None:
    choose(window, "a")
    window.show_found()
    recorded.wait_for("take_inventory")
    assert window.found.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.page.isVisible() and window.isVisible()
    window.show_found()
    buttons(window.found)["Done"].click()
    assert window.page.isVisible()
    window.show_found()
    window.show_thread("b")
    assert window.page.isVisible()


def test_the_settings_are_asked_for_by_button_and_key(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window.settings_wanted):
        buttons(window)["Settings"].click()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.settings_wanted):
        qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)


def test_what_takes_long_is_shown_with_a_way_to_stop_it(qtbot: QtBot, window: MainWindow, recorded: Asked) -> None:
    recorded.backend.lingers = asyncio.Event()
    recorded.bridge.apply("a", Choice(Remedy.CARRY), preview(Remedy.CARRY))
    qtbot.waitUntil(lambda: "Carrying the conversation over…" in texts(window.progress), timeout=90_000)
    next(found for found in window.progress.findChildren(QAbstractButton)).click()
    qtbot.waitUntil(lambda: not window.progress.isVisible(), timeout=90_000)
    assert "Stopped: carrying the conversation over." in texts(window.bar)


def test_the_keys_go_to_the_list_from_the_first_moment(qtbot: QtBot) -> None:
    window = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(window)
    window.show_snapshot(Snapshot(READY, (row("a"),)))
    window.bring_up()
    qtbot.waitUntil(lambda: window.focusWidget() is window.threads.table)


def test_a_warning_goes_when_it_is_over_and_anything_else_stays(qtbot: QtBot, window: MainWindow) -> None:
    window.show_snapshot(Snapshot(READY, ROWS, warnings=("The threads could not be read just now.",)))
    assert "could not be read" in texts(window.bar)
    window.show_snapshot(Snapshot(READY, ROWS))
    assert not window.bar.isVisible()
    window.show_snapshot(Snapshot(READY, ROWS, warnings=("The threads could not be read just now.",)))
    window.bar.note("Done.")
    window.show_snapshot(Snapshot(READY, ROWS))
    assert "Done." in texts(window.bar) and window.bar.isVisible()
