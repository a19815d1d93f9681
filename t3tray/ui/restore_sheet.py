"""An unsettled restore of our own data, in the window: the threads that its bar counts, and the sheet that settles it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from t3tray.domain.restore import Restore, SettlePlan
from t3tray.messages.restore import doubt_clause, restore_bar
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.widgets.basic import button, label
from t3tray.ui.widgets.sheet import Sheet

SETTLE = "Look and Settle…"


def restore_words(restore: Restore, rows: Iterable[ThreadRow]) -> tuple[str, str]:
    """Return the bar's title and message: what happened, and what it means for the listed threads."""
    doubt = doubt_clause(restore)
    return restore_bar(restore, sum(doubt in row.verdict.detail for row in rows))


class SettleSheet(Sheet):
    """Emits `agreed` with the plan as it was shown."""

    agreed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Settle what was put back", parent)
        self._plan: SettlePlan | None = None

    def show_plan(self, plan: SettlePlan) -> None:
        self._plan = plan
        self._begin(plan.title, plan.before, plan.after, plan.kept, plan.lost)
        do = button(plan.button, "main")
        do.clicked.connect(self._on_agreed)
        if plan.hindrance:
            self._body.addWidget(label(plan.hindrance, "unsure"))
            do.setEnabled(False)
        self._end(do)

    @Slot()
    def _on_agreed(self) -> None:
        if self._plan:
            self.agreed.emit(self._plan)
