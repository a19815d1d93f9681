"""The list of threads with its search field. It shows and selects; what is done with a thread is the window's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QEvent, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from t3tray.qt.parts import button, field
from t3tray.qt.theme import GAP, MARGIN, ROW_HEIGHT
from t3tray.qt.thread_delegate import ThreadDelegate
from t3tray.qt.thread_model import ROW_ROLE, Line, ThreadModel, shown_thread

EMPTY = "No threads yet.\n\nMake one with “New…”, or take over a session\nof OpenCode with  t3tray adopt SESSION."
NO_MATCH = "No thread matches."
# In ms.
TICK = 20_000


class ThreadList(QWidget):
    """`chosen` carries the id of the thread that the user looks at, `opened` that of one that was double-clicked or entered."""

    chosen = Signal(str)
    opened = Signal(str)
    new_wanted = Signal()

    def __init__(self, now: Callable[[], datetime], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ThreadModel(self)
        self._delegate = ThreadDelegate(now, self)
        self.search = field("Search", "Search threads")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_changed)
        self._table = _table(self._model, self._delegate)
        self._table.selectionModel().currentChanged.connect(self._on_current_changed)
        self._table.activated.connect(self._on_activated)
        # Times in words and rings go on by themselves; nothing ticks while nobody can see it.
        self._ticking = QTimer(self, interval=TICK, timerType=Qt.TimerType.VeryCoarseTimer)
        self._ticking.timeout.connect(self._table.viewport().update)
        self._nothing = QLabel(EMPTY, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._nothing.setProperty("kind", "muted")
        self._stack = QStackedLayout()
        self._stack.addWidget(self._nothing)
        self._stack.addWidget(self._table)
        new = button("New…")
        new.setToolTip("A new thread")
        new.setAccessibleName("New thread")
        new.clicked.connect(self.new_wanted)
        top = QHBoxLayout()
        top.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        top.setSpacing(GAP)
        top.addWidget(self.search, 1)
        top.addWidget(new)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addLayout(self._stack, 1)

    def set_rows(self, rows: tuple[Line, ...]) -> None:
        """Show these; what was selected stays so, wherever it is now."""
        current = self.current()
        self._model.set_rows(rows)
        if current:
            self._reselect(current)
        self._show_stack()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticking.stop()

    def current(self) -> str | None:
        """The id of the selected thread."""
        row: Line | None = self._table.currentIndex().data(ROW_ROLE)
        return shown_thread(row).id if row else None

    def choose(self, thread_id: str) -> None:
        """Select a thread, even if the search hid it."""
        if not self._model.index_of(thread_id).isValid():
            self.search.clear()
        index = self._model.index_of(thread_id)
        if index.isValid():
            self._table.setCurrentIndex(index)
            self._table.scrollTo(index)

    def choose_first(self) -> None:
        """Select the topmost thread when none is selected."""
        if self.current() is None and self._model.rowCount():
            self._table.setCurrentIndex(self._model.index(0, 0))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.ApplicationPaletteChange,
            QEvent.Type.FontChange,
            QEvent.Type.StyleChange,
        ):
            self._delegate.forget_fonts()
        super().changeEvent(event)

    def _reselect(self, thread_id: str) -> None:
        index = self._model.index_of(thread_id)
        if index.isValid() and index.row() != self._table.currentIndex().row():
            selection = self._table.selectionModel()
            selection.blockSignals(True)
            self._table.setCurrentIndex(index)
            selection.blockSignals(False)
            self._table.viewport().update()

    def _show_stack(self) -> None:
        self._nothing.setText(NO_MATCH if self._model.total else EMPTY)
        self._stack.setCurrentWidget(self._table if self._model.rowCount() else self._nothing)
        self.search.setEnabled(self._model.total > 0)

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        current = self.current()
        self._model.set_filter(text)
        if current:
            self._reselect(current)
        self._show_stack()

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row: Line | None = current.data(ROW_ROLE)
        if row:
            self.chosen.emit(shown_thread(row).id)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row: Line | None = index.data(ROW_ROLE)
        if row:
            self.opened.emit(shown_thread(row).id)


def _table(model: ThreadModel, delegate: ThreadDelegate) -> QTableView:
    """One column of rows of a fixed height: the only view that shows 100,000 of them in 9 ms."""
    table = QTableView(showGrid=False, wordWrap=False)
    table.setAccessibleName("Threads")
    table.setModel(model)
    table.setItemDelegate(delegate)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)
    table.horizontalHeader().hide()
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    return table
