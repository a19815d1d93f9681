"""The page that shows what t3tray found on this computer, and what is missing with one advice each.

Shown at the first start, and again from the settings. Not a wizard: nothing on it has to be done.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.domain.inventory import Inventory, InventoryItem, ItemState
from t3tray.messages.inventory import items
from t3tray.messages.window import FIRST_THREADS, WELCOME
from t3tray.ui.theme import GAP, UNIT
from t3tray.ui.widgets.basic import Card, ScrollPage, button, clear, code, column, label, line

# Symbol (distinct without its colour), role in the style sheet, and the name for screen readers.
_MARKS = {
    ItemState.FINE: ("●", "good", "Found"),
    ItemState.NOTED: ("◐", "unsure", "Note"),
    ItemState.MISSING: ("✕", "bad", "Missing"),
}
# In pixels; longer lines are hard to read.
_WIDEST = 680
AGAIN = "What t3tray found"
_LOOKING = "Looking at what is there…"


class FoundPage(ScrollPage):
    """The inventory page. `more` are items that only the GUI knows: the tray."""

    inventory_wanted = Signal()
    new_wanted = Signal()
    settings_wanted = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(AGAIN, parent)
        self._inventory: Inventory | None = None
        self._more: tuple[InventoryItem, ...] = ()
        self._has_threads = False
        self._show()

    def show_inventory(self, inventory: Inventory, more: tuple[InventoryItem, ...] = ()) -> None:
        if (inventory, more) != (self._inventory, self._more):
            self._inventory, self._more = inventory, more
            self._show()
        self._again.setEnabled(True)
        self._again.setText("Look Again")

    def show_whether_threads(self, has_threads: bool) -> None:
        """Set whether any thread exists; without one the page explains how to get the first."""
        if has_threads != self._has_threads:
            self._has_threads = has_threads
            self._show()

    def _show(self) -> None:
        clear(self._body)
        self._body.addWidget(label(AGAIN if self._has_threads else WELCOME, size=1.35, bold=True))
        found = (*items(self._inventory), *self._more) if self._inventory else ()
        self._body.addWidget(label(_summary(found) if found else _LOOKING, "muted"))
        if found:
            card = Card()
            card.setMaximumWidth(_WIDEST)
            for number, item in enumerate(found):
                if number:
                    card.inside.addWidget(line())
                card.inside.addLayout(_item(item))
            self._body.addWidget(card)
        if not self._has_threads:
            self._body.addWidget(label(FIRST_THREADS))
        self._body.addLayout(self._buttons())
        self._body.addStretch(1)

    def _buttons(self) -> QHBoxLayout:
        self._again = button("Look Again")
        self._again.clicked.connect(self._on_again)
        new = button("New Thread…", "main")
        new.clicked.connect(self.new_wanted)
        settings = button("Settings…")
        settings.clicked.connect(self.settings_wanted)
        done = button("Done", "main")
        done.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for each in (self._again, settings, done if self._has_threads else new):
            row.addWidget(each)
        row.addStretch(1)
        return row

    def _on_again(self) -> None:
        self._again.setEnabled(False)
        self._again.setText("Looking…")
        self.inventory_wanted.emit()


def _summary(found: tuple[InventoryItem, ...]) -> str:
    missing = tuple(dict.fromkeys(item.name for item in found if item.standing is ItemState.MISSING))
    if not missing:
        return "Everything that is needed is there."
    return f"{' and '.join(missing)} {'needs' if len(missing) == 1 else 'need'} your attention."


def _item(item: InventoryItem) -> QHBoxLayout:
    sign, kind, spoken = _MARKS[item.standing]
    symbol = column(sign, kind, "✕")
    symbol.setAccessibleName(spoken)
    text = QVBoxLayout()
    text.setSpacing(UNIT)
    text.addWidget(label(item.name, bold=True))
    text.addWidget(label(item.sentence))
    if item.advice:
        text.addWidget(label(item.advice, "muted"))
    for command in item.commands:
        text.addLayout(_command(command))
    row = QHBoxLayout()
    row.setSpacing(0)
    row.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(text, 1)
    return row


def _command(command: str) -> QHBoxLayout:
    copy = button("Copy", "plain")
    copy.setAccessibleName(f"Copy “{command}”")

    def put() -> None:
        QGuiApplication.clipboard().setText(command)
        copy.setText("Copied")

    copy.clicked.connect(put)
    row = QHBoxLayout()
    row.setSpacing(GAP)
    row.addWidget(code(command), 1)
    row.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
    return row
