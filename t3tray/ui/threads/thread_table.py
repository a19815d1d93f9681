"""The view of the thread list: one column of rows with fixed heights, with the keyboard behaviour of a list."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from t3tray.ui.theme import HEADER_HEIGHT, ROW_HEIGHT
from t3tray.ui.threads.thread_model import ROW_ROLE, Header, ThreadModel

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ThreadTable(QTableView):
    """A table with one column, the only Qt view that shows 100,000 rows within milliseconds.

    Signals: `opened`, an item was clicked or entered; `menu_wanted`, with a global position; `toggled`, a section and whether to
    open it; `typed`, text for the search field; `left_upwards`, the Up key in the topmost row.
    """

    opened = Signal(QModelIndex)
    menu_wanted = Signal(QModelIndex, QPoint)
    toggled = Signal(object, bool)
    typed = Signal(str)
    left_upwards = Signal()

    def __init__(self, model: ThreadModel, parent: QWidget | None = None) -> None:
        super().__init__(parent, showGrid=False, wordWrap=False)
        self.setAccessibleName("Threads")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(HEADER_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self._lines = model
        self._header_rows: set[int] = set()
        self.setModel(model)
        model.modelReset.connect(self._on_reset)
        self.clicked.connect(self._on_clicked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index, key = self.currentIndex(), event.key()
        row = index.data(ROW_ROLE)
        if key in _ENTER and index.isValid():
            self._enter(index)
        elif isinstance(row, Header) and key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space):
            self.toggled.emit(row.section, not row.is_open if key == Qt.Key.Key_Space else key == Qt.Key.Key_Right)
        elif key == Qt.Key.Key_Left and index.isValid():
            self.setCurrentIndex(
                self._lines.index(max(position for position in self._lines.headers if position < index.row()), 0)
            )
        elif key == Qt.Key.Key_Up and index.row() <= 0:
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Move to the top and the bottom with Home and End; in a table they would move within the row."""
        if action == QAbstractItemView.CursorAction.MoveHome:
            return self._lines.index(0, 0)
        if action == QAbstractItemView.CursorAction.MoveEnd:
            return self._lines.index(self._lines.rowCount() - 1, 0)
        return super().moveCursor(action, modifiers)

    def keyboardSearch(self, search: str) -> None:
        """Pass typed text on to the search field."""
        if search.strip():
            self.typed.emit(search)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.indexAt(event.position().toPoint()).data(ROW_ROLE)
        if isinstance(row, Header) and event.button() == Qt.MouseButton.LeftButton:
            self.toggled.emit(row.section, not row.is_open)
        elif not isinstance(row, Header):
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Treat a double click as two clicks."""
        self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the row under the pointer; by keyboard, that of the current row."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            position = self.visualRect(index).center() if by_key else event.pos()
            self.menu_wanted.emit(index, self.viewport().mapToGlobal(position))

    def choose(self, index: QModelIndex | QPersistentModelIndex) -> None:
        """Make a row the current one without a signal and without scrolling: it is the item that was selected before."""
        selection = self.selectionModel()
        selection.blockSignals(True)
        self.setCurrentIndex(index)
        selection.blockSignals(False)
        self.viewport().update()

    def _enter(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if isinstance(row, Header):
            self.toggled.emit(row.section, not row.is_open)
        else:
            self.opened.emit(index)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        if not isinstance(index.data(ROW_ROLE), Header):
            self.opened.emit(index)

    @Slot()
    def _on_reset(self) -> None:
        """Update the row heights: Qt keeps them by row number, whatever the row now holds."""
        for position in self._header_rows - self._lines.headers.keys():
            self.verticalHeader().resizeSection(position, ROW_HEIGHT)
        self._header_rows = set(self._lines.headers)
        for position in self._header_rows:
            self.verticalHeader().resizeSection(position, HEADER_HEIGHT)
