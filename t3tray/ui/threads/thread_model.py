"""The rows of the thread list: its sections with their headings, searched and filtered in Python.

A proxy model costs a second at 100,000 rows; this costs some milliseconds, because the words were made beforehand.
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
    """The heading of a section, with the number of its lines. A closed one shows none of them."""

    section: ListSection
    count: int
    is_open: bool = True


@dataclass(frozen=True, eq=False)
class _Found:
    """What a search found in a group; `hits` says which of its lines, None all of them. Only what is looked at is picked out: to
    touch every line of a hundred thousand takes longer than to compare the words."""

    group: Group
    hits: list[bool] | None = None

    @cached_property
    def lines(self) -> tuple[ListItem, ...]:
        return self.group.lines if self.hits is None else tuple(compress(self.group.lines, self.hits))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return self.group.keys if self.hits is None else tuple(compress(self.group.keys, self.hits))

    @cached_property
    def narrowed(self) -> Group:
        """Where to look for what is typed on: among what was found, where that is the less work."""
        if self.hits is None or 2 * len(self.lines) > len(self.group.lines):
            return self.group
        return Group(self.lines, self.keys, tuple(compress(self.group.words, self.hits)))


# What is shown of a section, and whether it is open.
_Shown = tuple[ListSection, _Found, bool]


class ThreadModel(QAbstractTableModel):
    """One column; ROW_ROLE gives the whole `ListItem` or `Header`. A changed row is told alone, another order or number
    as a reset.

    `reading` knows which threads have news for the user.
    """

    def __init__(self, reading: RowText, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._listing = ThreadListData(Snapshot(ServerStatus(ServerState.STOPPED)))
        self._filters = Filters()
        self._text = ""
        self._saying: frozenset[str] = frozenset()
        self._closed = {ListSection.ARCHIVED}
        self._base: dict[ListSection, Group] = {}
        self._found: dict[ListSection, _Found] = {}
        self._found_by = ""
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
                return spoken(row, self._reading, self._listing)
            case Qt.ItemDataRole.ToolTipRole:
                return tip(tool_tip(row))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return description(row)
        return None

    @property
    def listing(self) -> ThreadListData:
        return self._listing

    @property
    def filters(self) -> Filters:
        return self._filters

    @property
    def saying(self) -> frozenset[str]:
        """The ids of the threads in which the text that is searched for was said."""
        return self._saying

    @property
    def headers(self) -> dict[int, Header]:
        """The headings by their places."""
        return self._headers

    def set_listing(self, listing: ThreadListData) -> None:
        self._listing = listing
        self._filter_again()

    def set_filters(self, filters: Filters) -> None:
        self._filters = filters
        self._filter_again()

    def set_text(self, text: str) -> None:
        """Show only the lines whose title, folder or ids hold this text, whatever its case."""
        self._text = text.casefold()
        self._saying = frozenset()
        self._search()

    def add_saying(self, thread_ids: frozenset[str]) -> None:
        """Show these threads too: the text that is searched for was said in them."""
        if self._text and thread_ids != self._saying:
            self._saying = thread_ids
            self._found_by = ""
            self._search()

    def set_open(self, section: ListSection, is_open: bool) -> None:
        """Show or hide a section's lines. A search looks into all of them, whatever is closed."""
        (self._closed.discard if is_open else self._closed.add)(section)
        self._show()

    def index_of(self, key: str) -> QModelIndex:
        """Where a line is shown, or the heading of a section; an invalid index when it is not."""
        row = self._listing.lines.get(key)
        if row is None:
            places = (place for place, header in self._headers.items() if header.section == key)
            return self.index(next(places, -1), 0)
        # By identity, since to compare them would touch them all.
        is_it = list(map(is_, self._rows, repeat(row)))
        return self.index(is_it.index(True), 0) if True in is_it else QModelIndex()

    def section_of(self, key: str) -> ListSection | None:
        """The section that has this line, whether it is shown or not."""
        return next((section for section, group in self._base.items() if key in group.keys), None)

    def first_line(self) -> QModelIndex:
        """The topmost line that is no heading."""
        place = next((place for place, row in enumerate(self._rows) if not isinstance(row, Header)), None)
        return QModelIndex() if place is None else self.index(place, 0)

    def _filter_again(self) -> None:
        groups, filters = self._listing.groups, self._filters
        self._base = {section: _kept(group, filters) for section, group in groups.items()} if filters else dict(groups)
        self._found_by = ""
        self._search()

    def _search(self) -> None:
        """What is typed on to a text is looked for among what that one found."""
        narrows = self._found_by and self._text.startswith(self._found_by) and not self._saying
        among = {section: self._found[section].narrowed for section in self._base} if narrows else self._base
        self._found = {section: self._matching(group, self._found.get(section)) for section, group in among.items()}
        self._found_by = "" if self._saying else self._text
        self._show()

    def _matching(self, group: Group, before: _Found | None) -> _Found:
        """What fits in a group; where that is what was found before, the same object."""
        if not self._text:
            return _Found(group)
        hits = list(map(contains, group.words, repeat(self._text)))
        if self._saying:
            hits = [hit or key in self._saying for hit, key in zip(hits, group.keys, strict=True)]
        wanted = None if all(hits) else hits
        return before if before and before.group is group and before.hits == wanted else _Found(group, wanted)

    def _show(self) -> None:
        shown = [
            (section, found, bool(self._text) or section not in self._closed)
            for section, found in self._found.items()
            if found.lines
        ]
        if shown == self._shown:
            return
        rows, headers = _rows(shown)
        if rows == self._rows:
            self._shown, self._rows, self._headers = shown, rows, headers
        elif len(rows) == len(self._rows) and _places(shown) == _places(self._shown):
            changed = [place for place, (new, old) in enumerate(zip(rows, self._rows, strict=True)) if new != old]
            self._shown, self._rows, self._headers = shown, rows, headers
            for place in changed:
                self.dataChanged.emit(self.index(place, 0), self.index(place, 0))
        else:
            self.beginResetModel()
            self._shown, self._rows, self._headers = shown, rows, headers
            self.endResetModel()


def _rows(shown: list[_Shown]) -> tuple[list[ListItem | Header], dict[int, Header]]:
    """The lines of the open sections with a heading over each section; the headings by their places."""
    rows: list[ListItem | Header] = []
    headers: dict[int, Header] = {}
    for section, found, is_open in shown:
        header = headers[len(rows)] = Header(section, len(found.lines), is_open)
        rows.append(header)
        rows += found.lines if is_open else ()
    return rows, headers


def _places(shown: list[_Shown]) -> list[tuple[ListSection, int, tuple[str, ...]]]:
    """What stands where, whatever it says."""
    return [(section, len(found.lines), found.keys if is_open else ()) for section, found, is_open in shown]


def _of_header(header: Header, role: int) -> object:
    number = f"{header.count:,} {'line' if header.count == 1 else 'lines'}"
    match role:
        case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
            return f"{header.section}, {number}, {'open' if header.is_open else 'closed'}"
    return None


def _kept(group: Group, filters: Filters) -> Group:
    lets = [filters.let(line) for line in group.lines]
    return Group(tuple(compress(group.lines, lets)), tuple(compress(group.keys, lets)), tuple(compress(group.words, lets)))
