"""The thread list with its search field and filters. It shows and selects; the window acts on what was chosen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QStackedLayout, QVBoxLayout, QWidget

from t3tray.domain.t3code_thread import T3Thread
from t3tray.errors import T3TrayError
from t3tray.messages.window import (
    ALL_FILTERED,
    NO_MATCH,
    NO_THREADS,
    NOT_SEARCHED,
    STILL_SEARCHING,
    THREADS_LOADING,
    THREADS_UNREADABLE,
)
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.threads.filter_bar import FilterBar, FilterButton
from t3tray.ui.threads.row_text import RowText
from t3tray.ui.threads.thread_delegate import ThreadDelegate
from t3tray.ui.threads.thread_list_data import Filters, ListItem, ListSection, ThreadListData, key_of, shown_thread, thread_of
from t3tray.ui.threads.thread_menu import item_menu
from t3tray.ui.threads.thread_model import ROW_ROLE, Header, ThreadModel
from t3tray.ui.threads.thread_table import ThreadTable
from t3tray.ui.tray.menu import MenuItem
from t3tray.ui.tray.menu_drawing import fill
from t3tray.ui.widgets.basic import button

# In ms.
TICK = 20_000
DEBOUNCE = 250
# In characters: shorter texts occur in nearly every conversation.
_LEAST_TO_SEARCH = 3


class ThreadList(QWidget):
    """Emits `chosen` with the id of the selected thread, and `opened` with that of one that was clicked or entered.

    `visited` carries the id of an unread thread that was viewed, and the time of its last activity; `picked` the chosen
    `MenuItem` of a context menu; `text_wanted` a text to search for in the conversations.
    """

    chosen = Signal(str)
    visited = Signal(str, object)
    opened = Signal(str)
    new_wanted = Signal()
    picked = Signal(object)
    text_wanted = Signal(str)

    def __init__(self, row_text: RowText, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row_text = row_text
        self._model = ThreadModel(row_text, self)
        self._delegate = ThreadDelegate(self._model, row_text, self)
        self._thread_id: str | None = None
        self._key: str | None = None
        self._is_searching = False
        self._search_trouble = ""
        self.search = _SearchField()
        self.filter = FilterButton()
        self._bar = FilterBar()
        self.table = ThreadTable(self._model)
        self.table.setItemDelegate(self._delegate)
        self._menu = QMenu(self)
        # Relative times and rings change without a new snapshot; the timer runs only while the list is visible.
        self._ticking = QTimer(self, interval=TICK, timerType=Qt.TimerType.VeryCoarseTimer)
        self._ticking.timeout.connect(self.table.viewport().update)
        self._pause = QTimer(self, interval=DEBOUNCE, singleShot=True)
        self._nothing = QLabel(
            THREADS_LOADING, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True, textFormat=Qt.TextFormat.PlainText
        )
        self._nothing.setProperty("kind", "muted")
        self._nothing.setContentsMargins(2 * MARGIN, 0, 2 * MARGIN, 0)
        self._stack = QStackedLayout()
        self._build()
        self._connect()
        self.search.setEnabled(False)
        self.filter.setEnabled(False)

    def set_data(self, list_data: ThreadListData) -> None:
        """Show these items; the selection stays on the same item, wherever it is now."""
        if list_data.snapshot.unread != self._model.list_data.snapshot.unread:
            # The rows themselves may be unchanged.
            self.table.viewport().update()
        self._model.set_data(list_data)
        self.filter.set_projects(list_data.projects)
        if self._thread_id and self._thread_id not in list_data.items:
            self._thread_id = self._key = None
        if self._key and self._key not in list_data.items:
            # A request that was answered: its thread stays selected.
            self._key = self._thread_id
        self._show_again()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticking.stop()

    def current(self) -> str | None:
        """Return the id of the selected thread."""
        return self._thread_id

    def choose(self, thread_id: str) -> None:
        """Select a thread, even if the search, the filters or a closed section hide it."""
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
        first = self._model.first_item()
        if self._thread_id is None and first.isValid():
            self.table.setCurrentIndex(first)

    def mark_read(self, thread_id: str) -> None:
        """Mark a thread as read because the user views it."""
        list_data = self._model.list_data
        item = list_data.items.get(thread_id)
        if isinstance(item, ThreadRow | T3Thread) and self._row_text.is_unread(item, list_data.snapshot):
            self._row_text.mark_read(item)
            self.table.viewport().update()
            self.visited.emit(thread_id, shown_thread(item).last_activity_at)

    def show_message_hits(self, text: str, thread_ids: frozenset[str]) -> None:
        """Show the threads whose messages contain `text`. A result for another text than the current one is ignored."""
        if text == self.search.wanted:
            self._is_searching = False
            self._model.add_message_hits(thread_ids)
            self._show_again()

    def show_search_failed(self, text: str, error: T3TrayError) -> None:
        """Show that the conversations could not be searched for `text`."""
        if text == self.search.wanted:
            self._is_searching, self._search_trouble = False, error.message
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
        """Restore the selection after the rows have changed, and show the reason if there are none."""
        if self._key:
            index = self._model.index_of(self._key)
            if index.isValid() and index.row() != self.table.currentIndex().row():
                self.table.choose(index)
        has_rows = self._model.rowCount() > 0
        self._stack.setCurrentWidget(self.table if has_rows else self._nothing)
        if not has_rows:
            self._nothing.setText(self._why_nothing())
        self.search.setEnabled(self._model.list_data.total > 0)
        self.filter.setEnabled(self._model.list_data.total > 0)

    def _why_nothing(self) -> str:
        text = self.search.wanted
        if not self._model.list_data.total:
            return THREADS_UNREADABLE if self._model.list_data.snapshot.warnings else NO_THREADS
        if text:
            if self._search_trouble:
                return NOT_SEARCHED.format(text, self._search_trouble)
            return (STILL_SEARCHING if self._is_searching else NO_MATCH).format(text)
        return ALL_FILTERED

    @Slot()
    def _on_search_changed(self) -> None:
        text = self.search.wanted
        is_long = len(text) >= _LEAST_TO_SEARCH
        self._is_searching, self._search_trouble = is_long, ""
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
            self.table.setCurrentIndex(self._model.first_item())

    @Slot()
    def _on_search_entered(self) -> None:
        first = self._model.first_item()
        if first.isValid():
            self.table.setFocus()
            self.table.setCurrentIndex(first)
            self._on_opened(first)

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        self.search.setFocus()
        self.search.insert(text)

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
    def _on_menu_wanted(self, index: QModelIndex, position: QPoint) -> None:
        row: ListItem | Header | None = index.data(ROW_ROLE)
        if row is not None and not isinstance(row, Header):
            fill(self._menu, item_menu(row), self._on_picked)
            self._menu.popup(position)

    def _on_picked(self, item: MenuItem) -> None:
        self.picked.emit(item)


class _SearchField(QLineEdit):
    """The search field. The Down key moves to the list."""

    left_downwards = Signal()

    def __init__(self) -> None:
        super().__init__(placeholderText="Search", clearButtonEnabled=True)
        self.setAccessibleName("Search threads")
        self.setMinimumWidth(120)

    @property
    def wanted(self) -> str:
        """The text to search for; pasted line breaks become spaces."""
        return " ".join(self.text().split())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        else:
            super().keyPressEvent(event)
