"""The offscreen thread list: sections, search, filters, keyboard, and accessibility."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from msgspec import structs
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import ServerDown
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.theme import HEADER_HEIGHT, NARROW, ROW_HEIGHT
from t3tray.ui.threads.filter_bar import filters_in_words
from t3tray.ui.threads.row_text import RowText
from t3tray.ui.threads.thread_list import ThreadList
from t3tray.ui.threads.thread_list_data import Filters, ListSection, thread_list_data
from t3tray.ui.threads.thread_model import ROW_ROLE, Header, ThreadModel
from tests.support.views import NOON, READY, archived, in_t3, requester, row, t3_thread

APPROVAL = ApprovalRequest("per_1", requester("c", "explore"), "bash", ("git push",))
ROWS = (
    row("a", Reason.MISSING),
    row("b", title="Parser & printer"),
    row("c", Reason.BUSY),
    archived(row("z", title="Put away")),
)
OVERVIEW = Snapshot(READY, ROWS, pending_requests=(APPROVAL,))


@pytest.fixture
def threads(qtbot: QtBot) -> ThreadList:
    made = ThreadList(RowText(lambda: NOON))
    qtbot.addWidget(made)
    made.resize(NARROW, 600)
    made.set_data(thread_list_data(OVERVIEW))
    made.show()
    return made


def shown(threads: ThreadList) -> list[str]:
    """Return the rows from top to bottom: headings by their text, threads and requests by their ids."""
    model = threads.table.model()
    rows = [model.index(place, 0).data(ROW_ROLE) for place in range(model.rowCount())]
    return [f"{row.section} {row.count}" if isinstance(row, Header) else getattr(row, "id", "") or row.thread.id for row in rows]


def said(threads: ThreadList) -> str:
    return "\n".join(label.text() for label in threads.findChildren(QLabel) if label.isVisibleTo(threads))


def test_the_sections_stand_with_their_headings_and_the_archived_are_closed(threads: ThreadList) -> None:
    assert shown(threads) == ["Needs You 1", "per_1", "Cannot Resume 1", "a", "Working 1", "c", "Recent 1", "b", "Archived 1"]


def test_headings_are_low_and_rows_are_high_whatever_was_there_before(threads: ThreadList) -> None:
    for text in ("", "printer", "thread", ""):
        threads.search.setText(text)
        model = threads.table.model()
        for place in range(model.rowCount()):
            is_header = isinstance(model.index(place, 0).data(ROW_ROLE), Header)
            assert threads.table.rowHeight(place) == (HEADER_HEIGHT if is_header else ROW_HEIGHT), (text, place)


def test_a_section_is_opened_and_closed_by_mouse_and_by_keyboard(qtbot: QtBot, threads: ThreadList) -> None:
    table = threads.table
    place = table.visualRect(table.model().index(8, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert shown(threads)[-1] == "z"
    assert isinstance(table.currentIndex().data(ROW_ROLE), Header)
    for key, last in (
        (Qt.Key.Key_Left, "Archived 1"),
        (Qt.Key.Key_Right, "z"),
        (Qt.Key.Key_Space, "Archived 1"),
        (Qt.Key.Key_Return, "z"),
    ):
        qtbot.keyClick(table, key)
        assert shown(threads)[-1] == last, key


def test_one_click_opens_a_thread(qtbot: QtBot, threads: ThreadList) -> None:
    table = threads.table
    place = table.visualRect(table.model().index(3, 0)).center()
    with qtbot.waitSignal(threads.opened) as opened:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == ["a"]
    with qtbot.assertNotEmitted(threads.opened):
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.RightButton, pos=place)


def test_left_on_a_row_goes_to_its_heading(qtbot: QtBot, threads: ThreadList) -> None:
    threads.choose("b")
    qtbot.keyClick(threads.table, Qt.Key.Key_Left)
    header = threads.table.currentIndex().data(ROW_ROLE)
    assert isinstance(header, Header) and header.section is ListSection.RECENT
    assert threads.current() == "b", "a heading is no thread"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("printer", ["b"]),
        ("PRINTER", ["b"]),
        ("/home/dev/a", ["a"]),
        ("ses_c", ["c"]),
        ("git push", ["per_1"]),
        ("put away", ["z"]),
        ("thread aa", []),
        ("a\nses", []),
    ],
)
def test_the_search_finds_titles_folders_ids_and_asks(threads: ThreadList, words: str, found: list[str]) -> None:
    threads.search.setText(words)
    assert [name for name in shown(threads) if " " not in name] == found


def test_what_is_typed_on_narrows_and_what_is_deleted_widens(threads: ThreadList) -> None:
    counts = []
    for words in ("t", "th", "thread a", "thread", "printer", ""):
        threads.search.setText(words)
        counts.append(len([name for name in shown(threads) if " " not in name]))
    assert counts == [5, 3, 1, 3, 1, 4]


def test_what_was_said_is_asked_for_after_a_pause_and_joins_what_was_found(qtbot: QtBot, threads: ThreadList) -> None:
    with qtbot.waitSignal(threads.text_wanted, timeout=90_000) as wanted:
        threads.search.setText("pelican ")
    assert wanted.args == ["pelican"]
    assert "being searched" in said(threads)
    threads.show_message_hits("pel", frozenset({"a"}))
    assert shown(threads) == [], "what was found for another text came late, and was shown"
    threads.show_message_hits("pelican", frozenset({"b", "unknown"}))
    assert shown(threads) == ["Recent 1", "b"]
    threads.search.setText("pelicans")
    assert shown(threads) == []
    threads.show_message_hits("pelicans", frozenset())
    assert "No thread matches “pelicans”" in said(threads)


def test_two_letters_are_not_looked_for_in_all_conversations(qtbot: QtBot, threads: ThreadList) -> None:
    with qtbot.assertNotEmitted(threads.text_wanted, wait=400):
        threads.search.setText("pe")


def test_filters_are_told_and_cleared(qtbot: QtBot, threads: ThreadList) -> None:
    threads.filter.changed.emit(Filters(verdicts=frozenset({Kind.BLOCKED})))
    assert shown(threads) == ["Needs You 1", "per_1", "Cannot Resume 1", "a"]
    assert "Only cannot be resumed" in said(threads)
    (clear,) = [found for found in threads.findChildren(QPushButton) if found.text() == "Clear"]
    clear.click()
    assert "Only" not in said(threads) and "b" in shown(threads)


def test_the_filters_menu_says_what_is_on_and_switches_it(qtbot: QtBot, threads: ThreadList) -> None:
    threads.set_data(thread_list_data(Snapshot(READY, (*ROWS, in_t3(row("d"), project="R & D")))))
    menu = threads.filter.menu()
    menu.aboutToShow.emit()
    entries = {action.text(): action for action in menu.actions() if action.text()}
    assert {"T3 Code", "t3tray", "Can be resumed", "Cannot be resumed", "Unknown", "Project"} <= set(entries)
    entries["T3 Code"].trigger()
    assert shown(threads) == ["Recent 1", "d"]
    menu.aboutToShow.emit()
    entries = {action.text(): action for action in menu.actions() if action.text()}
    assert entries["T3 Code"].isChecked() and not entries["t3tray"].isChecked()
    projects = menu.findChild(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert projects is not None
    assert [action.text() for action in projects.actions()] == ["a", "b", "c", "R && D", "z"]
    entries["Clear Filters"].trigger()
    assert len(shown(threads)) > 2


def test_filters_in_words() -> None:
    filters = Filters(projects=frozenset({"parser", "Ant"}), verdicts=frozenset({Kind.UNKNOWN, Kind.RESUMABLE}))
    assert filters_in_words(filters) == "Ant, parser · can be resumed, unknown"


def test_an_empty_list_says_what_would_fill_it(threads: ThreadList) -> None:
    threads.set_data(thread_list_data(Snapshot(READY)))
    assert "Threads of T3 Code appear here by themselves" in said(threads)
    threads.set_data(thread_list_data(Snapshot(READY, warnings=("The file is locked.",))))
    assert "could not be read just now" in said(threads)
    threads.set_data(thread_list_data(Snapshot(READY)))
    assert not threads.search.isEnabled() and not threads.filter.isEnabled()
    threads.set_data(thread_list_data(Snapshot(READY, ROWS[1:2])))
    threads.filter.changed.emit(Filters(verdicts=frozenset({Kind.BLOCKED})))
    assert "The filters hide all threads" in said(threads)
    threads.search.setText("pr")
    assert "No thread matches “pr”" in said(threads)


def test_before_anything_is_known_nothing_is_claimed(qtbot: QtBot) -> None:
    threads = ThreadList(RowText(lambda: NOON))
    qtbot.addWidget(threads)
    threads.show()
    assert "Reading your threads…" in said(threads) and "No threads" not in said(threads)
    assert not threads.search.isEnabled()


def test_the_keyboard_goes_from_the_search_through_the_list_and_back(qtbot: QtBot, threads: ThreadList) -> None:
    threads.activateWindow()
    threads.search.setFocus()
    qtbot.keyClick(threads.search, Qt.Key.Key_Down)
    assert threads.table.hasFocus() and threads.current() == "c", "an ask leads to its thread"
    qtbot.keyClick(threads.table, Qt.Key.Key_End)
    assert threads.table.currentIndex().row() == 8
    qtbot.keyClick(threads.table, Qt.Key.Key_Home)
    assert threads.table.currentIndex().row() == 0
    qtbot.keyClick(threads.table, Qt.Key.Key_Up)
    assert threads.search.hasFocus()
    threads.choose("b")
    threads.table.setFocus()
    with qtbot.waitSignal(threads.opened) as opened:
        qtbot.keyClick(threads.table, Qt.Key.Key_Return)
    assert opened.args == ["b"]
    qtbot.keyClick(threads.table, "x")
    assert threads.search.hasFocus() and threads.search.text() == "x"


def test_enter_in_the_search_opens_the_first_that_was_found(qtbot: QtBot, threads: ThreadList) -> None:
    threads.search.setText("printer")
    with qtbot.waitSignal(threads.opened) as opened:
        qtbot.keyClick(threads.search, Qt.Key.Key_Return)
    assert opened.args == ["b"]


def test_a_new_listing_keeps_what_is_chosen_and_where_the_list_stands(threads: ThreadList) -> None:
    many = tuple(row(f"t{number:03}") for number in range(100))
    threads.set_data(thread_list_data(Snapshot(READY, many)))
    threads.choose("t090")
    threads.table.verticalScrollBar().setValue(500)
    chosen: list[str] = []
    threads.chosen.connect(chosen.append)
    threads.set_data(thread_list_data(Snapshot(READY, (row("first"), *many))))
    assert threads.current() == "t090" and threads.table.currentIndex().data(ROW_ROLE).thread.id == "t090"
    assert threads.table.verticalScrollBar().value() == 500 and chosen == []
    threads.set_data(thread_list_data(Snapshot(READY, many[:5])))
    assert threads.current() is None


def test_an_ask_that_is_chosen_stays_chosen_and_goes_when_it_is_answered(threads: ThreadList) -> None:
    threads.table.setCurrentIndex(threads.table.model().index(1, 0))
    threads.set_data(thread_list_data(Snapshot(READY, (row("new", Reason.MISSING), *ROWS), pending_requests=(APPROVAL,))))
    assert threads.table.currentIndex().data(ROW_ROLE) is APPROVAL
    threads.set_data(thread_list_data(Snapshot(READY, ROWS)))
    assert threads.current() == "c", "its thread is still the one that is looked at"


def test_a_thread_that_the_search_a_filter_or_a_closed_section_hides_can_be_chosen(threads: ThreadList) -> None:
    threads.search.setText("printer")
    threads.filter.changed.emit(Filters(verdicts=frozenset({Kind.BLOCKED})))
    threads.choose("z")
    assert threads.current() == "z" and threads.search.text() == ""


def test_a_line_has_a_menu_by_mouse_and_by_key(qtbot: QtBot, threads: ThreadList) -> None:
    threads.choose("a")
    threads.table.menu_wanted.emit(threads.table.currentIndex(), QPoint(5, 5))
    (menu,) = [found for found in threads.findChildren(QMenu) if found.isVisible()]
    entries = {action.text(): action for action in menu.actions()}
    assert not entries["Open in Terminal"].isEnabled() and "cannot be resumed" in entries["Open in Terminal"].toolTip()
    with qtbot.waitSignal(threads.picked) as picked:
        entries["Copy Session Id"].trigger()
    assert picked.args[0].thread_id == "a"
    menu.close()


def test_one_changed_row_is_told_alone_and_another_order_as_a_whole(qtbot: QtBot) -> None:
    model = ThreadModel(RowText(lambda: NOON))
    first = thread_list_data(Snapshot(READY, (row("a"), row("b"))))
    model.set_data(first)
    changed = (row("a"), row("b", Reason.UNPROVEN))
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.dataChanged) as told:
        model.set_data(thread_list_data(Snapshot(READY, changed), first))
    assert told.args[0].row() == 2
    with qtbot.waitSignal(model.modelReset):
        model.set_data(thread_list_data(Snapshot(READY, (row("b"), row("c")))))


def test_rows_and_headings_are_read_aloud(threads: ThreadList) -> None:
    table = QAccessible.queryAccessibleInterface(threads.table)
    assert table.text(QAccessible.Text.Name) == "Threads"
    names = [table.child(place).text(QAccessible.Text.Name) for place in range(table.childCount())]
    assert "Needs You, 1 item, open" in names and "Archived, 1 item, closed" in names
    assert "Thread a, cannot be resumed, missing, just now" in names
    assert "Thread c ▸ explore ▸ wants to run git push" in names


TITLES = ("x" * 200, "תיקון התחברות למסד הנתונים", "🎉🎉 Ship it 👩‍👩‍👧", "one\ntwo\tthree", "", "مرحبا " * 40)


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("width", [NARROW, 960])
def test_any_title_is_painted_in_its_row_in_both_directions(
    threads: ThreadList, direction: Qt.LayoutDirection, width: int
) -> None:
    rows = [
        replace(row(f"t{place}"), thread=structs.replace(row(f"t{place}").thread, title=title))
        for place, title in enumerate(TITLES)
    ]
    threads.setLayoutDirection(direction)
    threads.resize(width, 600)
    threads.set_data(thread_list_data(Snapshot(READY, tuple(rows), guarded=frozenset({"t0", "t1"}))))
    picture = threads.table.viewport().grab().toImage()
    assert picture.width() == threads.table.viewport().width() * picture.devicePixelRatio()
    margins = [picture.pixelColor(x, y) for x in (1, picture.width() - 2) for y in range(0, 300, 7)]
    assert len({colour.name() for colour in margins}) <= 2, "something is painted up to the edge"


def test_the_list_is_as_narrow_as_the_window_may_be(threads: ThreadList) -> None:
    assert threads.minimumSizeHint().width() <= NARROW


def test_what_is_new_goes_when_it_is_looked_at_and_is_told_once(threads: ThreadList) -> None:
    told: list[tuple[str, datetime]] = []
    threads.visited.connect(lambda name, at: told.append((name, at)))
    rows = (row("a"), row("b", title="Parser"))
    threads.set_data(thread_list_data(Snapshot(READY, rows)))
    threads.mark_read("a")
    assert told == [], "there was nothing new in it"
    news = Snapshot(READY, rows, (t3_thread("f", "codex"),), unread=frozenset({"a", "f"}))
    threads.set_data(thread_list_data(news))
    assert [name for name in "abf" if "not seen yet" in aloud(threads, name)] == ["a", "f"]
    threads.search.setText("parser")
    threads.mark_read("a")
    threads.mark_read("f")
    threads.search.clear()
    assert not any("not seen yet" in aloud(threads, name) for name in "abf")
    threads.set_data(thread_list_data(news))
    threads.mark_read("a")
    assert told == [("a", NOON), ("f", NOON)]


def aloud(threads: ThreadList, key: str) -> str:
    model = threads.table.model()
    assert isinstance(model, ThreadModel)
    return str(model.index_of(key).data(Qt.ItemDataRole.AccessibleTextRole))


def test_a_dot_comes_and_goes_where_nothing_else_of_its_row_has_changed(qtbot: QtBot, threads: ThreadList) -> None:
    rows = (row("a"),)
    threads.set_data(thread_list_data(Snapshot(READY, rows)))
    QApplication.processEvents()
    painting = _Painting(threads.table.viewport())
    for snapshot in (Snapshot(READY, rows, unread=frozenset({"a"})), Snapshot(READY, rows)):
        painting.count = 0
        threads.set_data(thread_list_data(snapshot))
        qtbot.waitUntil(lambda: painting.count > 0)


class _Painting(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.Paint
        return False


def test_a_search_that_fails_says_so_where_the_hits_would_be(threads: ThreadList) -> None:
    threads.search.setText("pelican")
    threads.show_search_failed("pel", ServerDown("Too late."))
    assert "Too late." not in said(threads)
    threads.show_search_failed("pelican", ServerDown("There is no OpenCode database."))
    assert "The conversations could not be searched: There is no OpenCode database." in said(threads)
    threads.search.setText("pelicans")
    assert "could not be searched" not in said(threads)
