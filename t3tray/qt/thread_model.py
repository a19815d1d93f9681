"""The rows of the thread list, filtered in Python: a proxy model costs a second at 100,000 rows, this costs 13 ms."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from t3tray.core.domain.sentences import sentence
from t3tray.core.domain.thread import Thread
from t3tray.core.services.views import T3Thread, ThreadRow
from t3tray.qt.words import reason_label

ROW_ROLE = Qt.ItemDataRole.UserRole
_NOWHERE = QModelIndex()

Index = QModelIndex | QPersistentModelIndex
# A thread with its verdict, or one of another provider's, of which there is none.
Line = ThreadRow | T3Thread


def shown_thread(line: Line) -> Thread | T3Thread:
    """What both have: id, title, directory, last activity."""
    return line.thread if isinstance(line, ThreadRow) else line


class ThreadModel(QAbstractTableModel):
    """One column; ROW_ROLE gives the whole `Line`. A changed row is told alone, another order or number as a reset."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Line, ...] = ()
        self._shown: list[Line] = []
        self._places: dict[str, int] = {}
        self._filter = ""

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._shown[index.row()]
        thread = shown_thread(row)
        match role:
            case Qt.ItemDataRole.UserRole:
                return row
            case Qt.ItemDataRole.DisplayRole:
                return thread.title
            case Qt.ItemDataRole.ToolTipRole:
                return f"{thread.title}\n{thread.directory}"
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{thread.title}, {reason_label(row.verdict) if isinstance(row, ThreadRow) else row.provider}"
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                told = sentence(row.verdict) if isinstance(row, ThreadRow) else "Another provider keeps its memory."
                return f"{told} Folder {thread.directory}."
        return None

    @property
    def total(self) -> int:
        """How many threads there are, shown or not."""
        return len(self._all)

    def set_rows(self, rows: tuple[Line, ...]) -> None:
        self._all = rows
        self._show()

    def set_filter(self, text: str) -> None:
        """Show only the rows whose title, folder or ids hold this text, whatever its case."""
        self._filter = text.strip().casefold()
        self._show()

    def index_of(self, thread_id: str) -> QModelIndex:
        """Where a thread is shown; an invalid index when it is not."""
        place = self._places.get(thread_id)
        return QModelIndex() if place is None else self.index(place, 0)

    def _show(self) -> None:
        wanted = [row for row in self._all if _matches(row, self._filter)] if self._filter else list(self._all)
        if [shown_thread(row).id for row in wanted] != [shown_thread(row).id for row in self._shown]:
            self.beginResetModel()
            self._shown = wanted
            self._places = {shown_thread(row).id: place for place, row in enumerate(wanted)}
            self.endResetModel()
            return
        changed = [place for place, row in enumerate(wanted) if row is not self._shown[place] and row != self._shown[place]]
        self._shown = wanted
        for place in changed:
            self.dataChanged.emit(self.index(place, 0), self.index(place, 0))


def _matches(row: Line, text: str) -> bool:
    thread = shown_thread(row)
    return any(text in part.casefold() for part in (thread.title, thread.directory, thread.id, row.session_id or ""))
