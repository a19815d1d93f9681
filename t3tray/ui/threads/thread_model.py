"""The model of the thread list: sections with headings, searched and filtered in Python.

A proxy model takes a second for 100,000 rows; this takes milliseconds, because the searchable texts are computed beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress, repeat
from operator import contains, is_

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from t3tray.domain.server import ServerState, ServerStatus
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.threads.row_text import RowText, description, spoken, tool_tip
from t3tray.ui.threads.thread_list_data import Filters, Group, ListItem, ListSection, ThreadListData
from t3tray.ui.widgets.basic import tip

ROW_ROLE = Qt.ItemDataRole.UserRole
_NOWHERE = QModelIndex()

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Header:
    """The heading of a section, with the number of its items. A closed section shows none of them."""

    section: ListSection
    count: int
    is_open: bool = True


@dataclass(frozen=True, eq=False)
class _Matches:
    """The matches of a search in a group. `hits` has a flag for each of its items; None means all.

    Matches are picked out lazily: to touch each of 100,000 items takes longer than to compare their texts.
    """

    group: Group
    hits: list[bool] | None = None

    @cached_property
    def items(self) -> tuple[ListItem, ...]:
        return self.group.items if self.hits is None else tuple(compress(self.group.items, self.hits))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return self.group.keys if self.hits is None else tuple(compress(self.group.keys, self.hits))

    @cached_property
    def narrowed(self) -> Group:
        """The group to search when the text grows: only the matches, if they are less than half of the group."""
        if self.hits is None or 2 * len(self.items) > len(self.group.items):
            return self.group
        return Group(self.items, self.keys, tuple(compress(self.group.search_texts, self.hits)))


# A section, its matches, and whether it is open.
_Shown = tuple[ListSection, _Matches, bool]


class ThreadModel(QAbstractTableModel):
    """A model with one column. ROW_ROLE returns the `ListItem` or `Header`. A changed row is reported alone; another order or
    number of rows as a reset.
    """

    def __init__(self, row_text: RowText, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._row_text = row_text
        self._list_data = ThreadListData(Snapshot(ServerStatus(ServerState.STOPPED)))
        self._filters = Filters()
        self._text = ""
        self._message_hits: frozenset[str] = frozenset()
        self._closed = {ListSection.ARCHIVED}
        self._base: dict[ListSection, Group] = {}
        self._matches: dict[ListSection, _Matches] = {}
        self._matched_text = ""
        self._shown: list[_Shown] = []
        self._rows: list[ListItem | Header] = []
        self._headers: dict[int, Header] = {}

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if isinstance(row, Header):
            return _of_header(row, role)
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return spoken(row, self._row_text, self._list_data)
            case Qt.ItemDataRole.ToolTipRole:
                return tip(tool_tip(row))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return description(row)
        return None

    @property
    def list_data(self) -> ThreadListData:
        return self._list_data

    @property
    def filters(self) -> Filters:
        return self._filters

    @property
    def message_hits(self) -> frozenset[str]:
        """Ids of the threads whose messages contain the searched text."""
        return self._message_hits

    @property
    def headers(self) -> dict[int, Header]:
        """The headings by their row numbers."""
        return self._headers

    def set_data(self, list_data: ThreadListData) -> None:
        self._list_data = list_data
        self._filter_again()

    def set_filters(self, filters: Filters) -> None:
        self._filters = filters
        self._filter_again()

    def set_text(self, text: str) -> None:
        """Show only items whose title, folder or ids contain this text, ignoring case."""
        self._text = text.casefold()
        self._message_hits = frozenset()
        self._search()

    def add_message_hits(self, thread_ids: frozenset[str]) -> None:
        """Show these threads too: their messages contain the searched text."""
        if self._text and thread_ids != self._message_hits:
            self._message_hits = thread_ids
            self._matched_text = ""
            self._search()

    def set_open(self, section: ListSection, is_open: bool) -> None:
        """Open or close a section. A search shows matches of closed sections too."""
        (self._closed.discard if is_open else self._closed.add)(section)
        self._show()

    def index_of(self, key: str) -> QModelIndex:
        """Return the index of an item or of a section's heading; an invalid index if it is not shown."""
        row = self._list_data.items.get(key)
        if row is None:
            places = (position for position, header in self._headers.items() if header.section == key)
            return self.index(next(places, -1), 0)
        # By identity: comparing the items would be slow.
        is_it = list(map(is_, self._rows, repeat(row)))
        return self.index(is_it.index(True), 0) if True in is_it else QModelIndex()

    def section_of(self, key: str) -> ListSection | None:
        """Return the section that contains this item, whether the item is shown or not."""
        return next((section for section, group in self._base.items() if key in group.keys), None)

    def first_item(self) -> QModelIndex:
        """Return the topmost row that is not a heading."""
        position = next((position for position, row in enumerate(self._rows) if not isinstance(row, Header)), None)
        return QModelIndex() if position is None else self.index(position, 0)

    def _filter_again(self) -> None:
        groups, filters = self._list_data.groups, self._filters
        self._base = {section: _filtered(group, filters) for section, group in groups.items()} if filters else dict(groups)
        self._matched_text = ""
        self._search()

    def _search(self) -> None:
        """Search the groups. If the text only grew, search only the previous matches."""
        narrows = self._matched_text and self._text.startswith(self._matched_text) and not self._message_hits
        among = {section: self._matches[section].narrowed for section in self._base} if narrows else self._base
        self._matches = {section: self._matching(group, self._matches.get(section)) for section, group in among.items()}
        self._matched_text = "" if self._message_hits else self._text
        self._show()

    def _matching(self, group: Group, before: _Matches | None) -> _Matches:
        """Return the matches in a group; the same object as `before` if they are unchanged."""
        if not self._text:
            return _Matches(group)
        hits = list(map(contains, group.search_texts, repeat(self._text)))
        if self._message_hits:
            hits = [hit or key in self._message_hits for hit, key in zip(hits, group.keys, strict=True)]
        wanted = None if all(hits) else hits
        return before if before and before.group is group and before.hits == wanted else _Matches(group, wanted)

    def _show(self) -> None:
        shown = [
            (section, matches, bool(self._text) or section not in self._closed)
            for section, matches in self._matches.items()
            if matches.items
        ]
        if shown == self._shown:
            return
        rows, headers = _rows(shown)
        if rows == self._rows:
            self._shown, self._rows, self._headers = shown, rows, headers
        elif len(rows) == len(self._rows) and _layout_of(shown) == _layout_of(self._shown):
            changed = [position for position, (new, old) in enumerate(zip(rows, self._rows, strict=True)) if new != old]
            self._shown, self._rows, self._headers = shown, rows, headers
            for position in changed:
                self.dataChanged.emit(self.index(position, 0), self.index(position, 0))
        else:
            self.beginResetModel()
            self._shown, self._rows, self._headers = shown, rows, headers
            self.endResetModel()


def _rows(shown: list[_Shown]) -> tuple[list[ListItem | Header], dict[int, Header]]:
    """Return a heading for each section and the items of the open ones; and the headings by their row numbers."""
    rows: list[ListItem | Header] = []
    headers: dict[int, Header] = {}
    for section, matches, is_open in shown:
        header = headers[len(rows)] = Header(section, len(matches.items), is_open)
        rows.append(header)
        rows += matches.items if is_open else ()
    return rows, headers


def _layout_of(shown: list[_Shown]) -> list[tuple[ListSection, int, tuple[str, ...]]]:
    """Return which item is in which row, regardless of the items' content."""
    return [(section, len(matches.items), matches.keys if is_open else ()) for section, matches, is_open in shown]


def _of_header(header: Header, role: int) -> object:
    number = f"{header.count:,} {'item' if header.count == 1 else 'items'}"
    match role:
        case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
            return f"{header.section}, {number}, {'open' if header.is_open else 'closed'}"
    return None


def _filtered(group: Group, filters: Filters) -> Group:
    accepted = [filters.accept(line) for line in group.items]
    return Group(
        tuple(compress(group.items, accepted)),
        tuple(compress(group.keys, accepted)),
        tuple(compress(group.search_texts, accepted)),
    )
