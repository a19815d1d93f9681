"""The list of threads with its search field and filters. It shows and selects; what is done with a thread is the window's."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QStackedLayout, QVBoxLayout, QWidget

from t3tray.domain.t3code_thread import T3Thread
from t3tray.errors import T3TrayError
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.threads.filter_bar import FilterBar, FilterButton
from t3tray.ui.threads.row_text import RowText
from t3tray.ui.threads.thread_delegate import ThreadDelegate
from t3tray.ui.threads.thread_list_data import Filters, ListItem, ListSection, ThreadListData, key_of, shown_thread, thread_of
from t3tray.ui.threads.thread_menu import line_menu
from t3tray.ui.threads.thread_model import ROW_ROLE, Header, ThreadModel
from t3tray.ui.threads.thread_table import ThreadTable
from t3tray.ui.tray.menu import MenuItem
from t3tray.ui.tray.menu_drawing import fill
from t3tray.ui.widgets.basic import button

EMPTY = (
    "No threads yet.\n\nThreads of T3 Code appear here by themselves. Make one of your own with “New…”, or take over a session "
    "of OpenCode with  t3tray adopt SESSION."
)
READING = "Reading your threads…"
NOT_READ = "The threads could not be read just now.\n\nt3tray tries again by itself."
NO_MATCH = "No thread matches “{}”.\n\nTitles, folders, session ids and what was said are searched."
STILL_LOOKING = "No title or folder matches “{}”.\n\nThe conversations are being searched."
NOT_SEARCHED = "No title or folder matches “{}”.\n\nThe conversations could not be searched: {}"
FILTERED = "The filters hide all threads.\n\nClear them to see everything."
# In ms.
TICK = 20_000
DEBOUNCE = 250
# In characters: what is shorter stands in nearly every conversation.
_LEAST_TO_SEARCH = 3


class ThreadList(QWidget):
    """`chosen` carries the id of the thread that the user looks at, `opened` that of one that was clicked or entered.

    `visited` carries the id of a thread whose news were looked at, and when its last activity was. `picked` the `MenuItem`
    of a line's menu, `text_wanted` a text to look for in the conversations.
    """

    chosen = Signal(str)
    visited = Signal(str, object)
    opened = Signal(str)
    new_wanted = Signal()
    picked = Signal(object)
    text_wanted = Signal(str)

    def __init__(self, reading: RowText, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._model = ThreadModel(reading, self)
        self._delegate = ThreadDelegate(self._model, reading, self)
        self._thread_id: str | None = None
        self._key: str | None = None
        self._is_looking = False
        self._search_trouble = ""
        self.search = _SearchField()
        self.filter = FilterButton()
        self._bar = FilterBar()
        self.table = ThreadTable(self._model)
        self.table.setItemDelegate(self._delegate)
        self._menu = QMenu(self)
        # Times in words and rings go on by themselves; nothing ticks while nobody can see it.
        self._ticking = QTimer(self, interval=TICK, timerType=Qt.TimerType.VeryCoarseTimer)
        self._ticking.timeout.connect(self.table.viewport().update)
        self._pause = QTimer(self, interval=DEBOUNCE, singleShot=True)
        self._nothing = QLabel(READING, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._nothing.setProperty("kind", "muted")
        self._nothing.setContentsMargins(2 * MARGIN, 0, 2 * MARGIN, 0)
        self._stack = QStackedLayout()
        self._build()
        self._connect()
        self.search.setEnabled(False)
        self.filter.setEnabled(False)

    def set_listing(self, listing: ThreadListData) -> None:
        """Show this; what was chosen stays so, wherever it is now."""
        if listing.snapshot.unread != self._model.listing.snapshot.unread:
            # The rows themselves may be the same.
            self.table.viewport().update()
        self._model.set_listing(listing)
        self.filter.set_projects(listing.projects)
        if self._thread_id and self._thread_id not in listing.lines:
            self._thread_id = self._key = None
        if self._key and self._key not in listing.lines:
            # An ask that was answered: its thread is still the one that is looked at.
            self._key = self._thread_id
        self._show_again()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticking.stop()

    def current(self) -> str | None:
        """The id of the thread that was chosen last."""
        return self._thread_id

    def choose(self, thread_id: str) -> None:
        """Select a thread, even if the search, the filters or a closed section hid it."""
        if not self._model.index_of(thread_id).isValid():
            self.search.clear()
        if not self._model.index_of(thread_id).isValid():
            self._on_filters_changed(Filters())
            section = self._model.section_of(thread_id)
            if section:
                self._model.set_open(section, True)
                self._show_again()
        index = self._model.index_of(thread_id)
        if index.isValid():
            self.table.setCurrentIndex(index)
            self.table.scrollTo(index)

    def choose_first(self) -> None:
        """Select the topmost thread when none is selected."""
        first = self._model.first_line()
        if self._thread_id is None and first.isValid():
            self.table.setCurrentIndex(first)

    def look(self, thread_id: str) -> None:
        """The user looks at this thread: what is new in it is seen now."""
        listing = self._model.listing
        line = listing.lines.get(thread_id)
        if isinstance(line, ThreadRow | T3Thread) and self._reading.has_news(line, listing.snapshot):
            self._reading.look(line)
            self.table.viewport().update()
            self.visited.emit(thread_id, shown_thread(line).last_activity_at)

    def show_saying(self, text: str, thread_ids: frozenset[str]) -> None:
        """In these threads the text was said. What was found for another text comes too late."""
        if text == self.search.wanted:
            self._is_looking = False
            self._model.add_saying(thread_ids)
            self._show_again()

    def show_search_failed(self, text: str, error: T3TrayError) -> None:
        """The conversations could not be searched for this text; told where its hits would be."""
        if text == self.search.wanted:
            self._is_looking, self._search_trouble = False, error.message
            self._show_again()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.ApplicationPaletteChange,
            QEvent.Type.FontChange,
            QEvent.Type.StyleChange,
        ):
            self._delegate.forget_fonts()
        super().changeEvent(event)

    def _build(self) -> None:
        self._stack.addWidget(self._nothing)
        self._stack.addWidget(self.table)
        self._new = button("New…")
        self._new.setToolTip("A new thread")
        self._new.setAccessibleName("New thread")
        top = QHBoxLayout()
        top.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        top.setSpacing(GAP)
        top.addWidget(self.search, 1)
        top.addWidget(self.filter)
        top.addWidget(self._new)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._bar)
        layout.addLayout(self._stack, 1)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search_changed)
        self.search.left_downwards.connect(self._on_search_left)
        self.search.returnPressed.connect(self._on_search_entered)
        self._pause.timeout.connect(self._on_pause)
        self.filter.changed.connect(self._on_filters_changed)
        self._bar.cleared.connect(self._on_filters_cleared)
        self._new.clicked.connect(self.new_wanted)
        self.table.selectionModel().currentChanged.connect(self._on_current_changed)
        self.table.opened.connect(self._on_opened)
        self.table.menu_wanted.connect(self._on_menu_wanted)
        self.table.toggled.connect(self._on_toggled)
        self.table.typed.connect(self._on_typed)
        self.table.left_upwards.connect(self.search.setFocus)

    def _show_again(self) -> None:
        """After the rows have changed: what is chosen, and what is said where there are none."""
        if self._key:
            index = self._model.index_of(self._key)
            if index.isValid() and index.row() != self.table.currentIndex().row():
                self.table.choose(index)
        has_rows = self._model.rowCount() > 0
        self._stack.setCurrentWidget(self.table if has_rows else self._nothing)
        if not has_rows:
            self._nothing.setText(self._why_nothing())
        self.search.setEnabled(self._model.listing.total > 0)
        self.filter.setEnabled(self._model.listing.total > 0)

    def _why_nothing(self) -> str:
        text = self.search.wanted
        if not self._model.listing.total:
            return NOT_READ if self._model.listing.snapshot.warnings else EMPTY
        if text:
            if self._search_trouble:
                return NOT_SEARCHED.format(text, self._search_trouble)
            return (STILL_LOOKING if self._is_looking else NO_MATCH).format(text)
        return FILTERED

    @Slot()
    def _on_search_changed(self) -> None:
        text = self.search.wanted
        is_long = len(text) >= _LEAST_TO_SEARCH
        self._is_looking, self._search_trouble = is_long, ""
        self._pause.start() if is_long else self._pause.stop()
        self._model.set_text(text)
        self._show_again()

    @Slot()
    def _on_pause(self) -> None:
        self.text_wanted.emit(self.search.wanted)

    @Slot()
    def _on_search_left(self) -> None:
        self.table.setFocus()
        row = self.table.currentIndex().data(ROW_ROLE)
        if row is None or isinstance(row, Header):
            self.table.setCurrentIndex(self._model.first_line())

    @Slot()
    def _on_search_entered(self) -> None:
        first = self._model.first_line()
        if first.isValid():
            self.table.setFocus()
            self.table.setCurrentIndex(first)
            self._on_opened(first)

    @Slot(str)
    def _on_typed(self, words: str) -> None:
        self.search.setFocus()
        self.search.insert(words)

    @Slot(object)
    def _on_filters_changed(self, filters: Filters) -> None:
        if filters != self._model.filters:
            self.filter.set_filters(filters)
            self._bar.show_filters(filters)
            self._model.set_filters(filters)
            self._show_again()

    @Slot()
    def _on_filters_cleared(self) -> None:
        self._on_filters_changed(Filters())
        self.filter.setFocus()

    @Slot(object, bool)
    def _on_toggled(self, section: ListSection, is_open: bool) -> None:
        self._model.set_open(section, is_open)
        self._show_again()
        header = self._model.index_of(section)
        if header.isValid() and (self._key is None or not self._model.index_of(self._key).isValid()):
            self.table.choose(header)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row: ListItem | Header | None = current.data(ROW_ROLE)
        if row is None or isinstance(row, Header):
            return
        self._key, self._thread_id = key_of(row), thread_of(row)
        if self._thread_id:
            self.chosen.emit(self._thread_id)

    @Slot(QModelIndex)
    def _on_opened(self, index: QModelIndex) -> None:
        row: ListItem | None = index.data(ROW_ROLE)
        thread_id = thread_of(row) if row else None
        if thread_id:
            self.opened.emit(thread_id)

    @Slot(QModelIndex, QPoint)
    def _on_menu_wanted(self, index: QModelIndex, place: QPoint) -> None:
        row: ListItem | Header | None = index.data(ROW_ROLE)
        if row is not None and not isinstance(row, Header):
            fill(self._menu, line_menu(row), self._on_picked)
            self._menu.popup(place)

    def _on_picked(self, item: MenuItem) -> None:
        self.picked.emit(item)


class _SearchField(QLineEdit):
    """Down goes on to the list."""

    left_downwards = Signal()

    def __init__(self) -> None:
        super().__init__(placeholderText="Search", clearButtonEnabled=True)
        self.setAccessibleName("Search threads")
        self.setMinimumWidth(120)

    @property
    def wanted(self) -> str:
        """What is looked for; pasted lines are one."""
        return " ".join(self.text().split())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        else:
            super().keyPressEvent(event)
