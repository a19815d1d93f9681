"""An unsettled restore of our own data, in the window: the texts of its bar, and the sheet that settles it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from t3tray.domain.restore import Restore, SettlePlan
from t3tray.messages.restore import doubt_clause, what_happened
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.widgets.basic import button, label
from t3tray.ui.widgets.sheet import Sheet

SETTLE = "Look and Settle…"


def restore_words(restore: Restore, rows: Iterable[ThreadRow]) -> tuple[str, str]:
    """Return the bar's title and message: what happened, and what it means for the listed threads."""
    happened = _happened(restore)
    if restore.complete:
        return happened, "All bindings are as they were; settings and drafts may be older."
    doubt = doubt_clause(restore)
    count = sum(doubt in row.verdict.detail for row in rows)
    if count == 0:
        return happened, "Changes after that were missing."
    which = "The binding of 1 thread" if count == 1 else f"The bindings of {count} threads"
    return happened, f"{which} may be older. Check {'it' if count == 1 else 'each'} on its page, or settle it."


def _happened(restore: Restore) -> str:
    """Return what happened in one sentence; the sheet shows the details."""
    if restore.copy_at:
        return f"t3tray's data was put back from the copy of {restore.copy_at:%Y-%m-%d %H:%M} UTC."
    if restore.aside:
        return "t3tray's data was set aside, and there is no good copy: it begins anew."
    return what_happened(restore)[0]


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
