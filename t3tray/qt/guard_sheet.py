"""The sheet of the guard: what pointing T3 Code at it, or back, would change, what is lost, and which turns it would end.

It does nothing itself: it is agreed to, or put away.
"""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QHBoxLayout, QPushButton, QWidget

from t3tray.core.services.protecting import ProtectionPlan
from t3tray.qt.parts import Card, ScrollPage, button, clear, heading, label, told_card
from t3tray.qt.theme import GAP

# In px: from here on the two columns stand side by side.
_SIDE_BY_SIDE = 520


class GuardSheet(ScrollPage):
    """`agreed` carries whether it is to be on, and whether turns that run may be ended; `put_away`: it was not wanted."""

    agreed = Signal(bool, bool)
    put_away = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Protect T3 Code", parent)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._plan: ProtectionPlan | None = None

    def show_plan(self, plan: ProtectionPlan) -> None:
        self._plan = plan
        clear(self._body)
        self.verticalScrollBar().setValue(0)
        self._body.addWidget(label(plan.title, size=1.25, bold=True))
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(GAP)
        for name, told in (("Now", plan.before), ("Then", plan.after)):
            self._columns.addWidget(told_card(name, told, ""), 1)
        self._body.addLayout(self._columns)
        self._body.addWidget(told_card("Kept", plan.kept, "good"))
        self._body.addWidget(told_card("Lost", plan.lost, "bad"))
        do = button(plan.button, "main")
        do.clicked.connect(self._on_agreed)
        if plan.running:
            self._body.addWidget(self._turns(plan, do))
        cancel = button("Cancel")
        cancel.clicked.connect(self.put_away)
        row = QHBoxLayout()
        row.addWidget(do)
        row.addWidget(cancel)
        row.addStretch(1)
        self._body.addLayout(row)
        self._body.addStretch(1)
        self._arrange()
        cancel.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _turns(self, plan: ProtectionPlan, do: QPushButton) -> Card:
        """The turns that it would end: not without the user's own word."""
        card = Card()
        card.inside.addWidget(heading("Running now"))
        for title in plan.running:
            card.inside.addWidget(label(f"“{title}”"))
        card.inside.addWidget(label("Wait until it is done, or end it with this.", "muted"))
        agrees = QCheckBox("End what runs there")
        agrees.toggled.connect(do.setEnabled)
        card.inside.addWidget(agrees)
        do.setEnabled(False)
        return card

    def _arrange(self) -> None:
        wide = self.viewport().width() >= _SIDE_BY_SIDE
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    @Slot()
    def _on_agreed(self) -> None:
        if self._plan:
            self.agreed.emit(self._plan.on, bool(self._plan.running))
