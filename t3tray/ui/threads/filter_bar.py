"""The filters of the thread list: a button with a menu, and a line that names the active filters."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from t3tray.ui.labels import SOURCES, VERDICTS, shortened
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.threads.thread_list_data import Filters
from t3tray.ui.widgets.basic import button, label, set_kind

T = TypeVar("T")
# In characters.
_PROJECT = 40


class FilterButton(QPushButton):
    """A button with the menu of filters. Emits `changed` with the new `Filters`."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Filter", parent, autoDefault=False)
        self.setAccessibleName("Filter threads")
        self._filters = Filters()
        self._projects: tuple[str, ...] = ()
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)

    def set_projects(self, projects: tuple[str, ...]) -> None:
        self._projects = projects

    def set_filters(self, filters: Filters) -> None:
        """Show these filters as the active ones."""
        self._filters = filters
        set_kind(self, "on" if filters else "")

    @Slot()
    def _fill(self) -> None:
        menu, filters = self._menu, self._filters
        for below in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
            below.deleteLater()
        menu.clear()
        menu.addAction("Shown by").setEnabled(False)
        for source, name in SOURCES.items():
            wanted = Filters(_with(filters.sources, source), filters.projects, filters.verdicts)
            self._add(menu, name, source in filters.sources, wanted)
        menu.addSeparator()
        menu.addAction("Verdict").setEnabled(False)
        for kind, name in VERDICTS.items():
            wanted = Filters(filters.sources, filters.projects, _with(filters.verdicts, kind))
            self._add(menu, name, kind in filters.verdicts, wanted)
        menu.addSeparator()
        projects = QMenu("Project", menu)
        for project in self._projects:
            wanted = Filters(filters.sources, _with(filters.projects, project), filters.verdicts)
            self._add(projects, shortened(project, _PROJECT), project in filters.projects, wanted)
        projects.setEnabled(bool(self._projects))
        menu.addMenu(projects)
        menu.addSeparator()
        clear = menu.addAction("Clear Filters")
        clear.setEnabled(bool(filters))
        clear.triggered.connect(lambda: self.changed.emit(Filters()))

    def _add(self, menu: QMenu, name: str, is_on: bool, wanted: Filters) -> None:
        action = QAction(name.replace("&", "&&"), menu, checkable=True, checked=is_on)
        action.triggered.connect(lambda: self.changed.emit(wanted))
        menu.addAction(action)


class FilterBar(QWidget):
    """Names the active filters; hidden without any. Emits `cleared` when the user clears them."""

    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary = label("", "muted", size=0.9)
        clear = button("Clear", "plain")
        clear.setAccessibleName("Clear the filters")
        clear.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        clear.clicked.connect(self.cleared)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, 0, MARGIN, GAP)
        layout.addWidget(self._summary, 1)
        layout.addWidget(clear, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_filters(self, filters: Filters) -> None:
        self._summary.setText(f"Only {filters_in_words(filters)}")
        self.setVisible(bool(filters))


def filters_in_words(filters: Filters) -> str:
    """Return the filters as text: `T3 Code · parser, printer · can be resumed`."""
    parts = (
        [SOURCES[source] for source in SOURCES if source in filters.sources],
        sorted(filters.projects, key=str.casefold),
        [VERDICTS[kind].lower() for kind in VERDICTS if kind in filters.verdicts],
    )
    return " · ".join(", ".join(part) for part in parts if part)


def _with(values: frozenset[T], one: T) -> frozenset[T]:
    """Return the set with this element added, or removed if it was in it."""
    return values ^ {one}
