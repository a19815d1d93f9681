"""The guard's sheet: what changes when T3 Code is pointed at the guard, or away from it, and which turns that would end."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QPushButton, QWidget

from t3tray.domain.inventory import AutostartState
from t3tray.guard.status import ProtectionPlan
from t3tray.ui.widgets.basic import Card, button, heading, label
from t3tray.ui.widgets.sheet import Sheet


class GuardSheet(Sheet):
    """Emits `agreed` with whether to switch the guard on, whether running turns may be ended, and whether t3tray shall start at
    login from now on."""

    agreed = Signal(bool, bool, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Protect T3 Code", parent)
        self._plan: ProtectionPlan | None = None
        self._starts_at_login = True
        self._login = QCheckBox()

    def show_plan(self, plan: ProtectionPlan) -> None:
        self._plan = plan
        self._begin(plan.title, plan.before, plan.after, plan.kept, plan.lost)
        do = button(plan.button, "main")
        do.clicked.connect(self._on_agreed)
        if plan.running:
            self._body.addWidget(self._turns(plan, do))
        self._login = QCheckBox("Start t3tray when I log in")
        self._login.setToolTip("Without t3tray T3 Code cannot reach OpenCode.")
        self._body.addWidget(self._login)
        self._offer_login()
        self._end(do)

    def show_login(self, state: AutostartState) -> None:
        """Offer to start t3tray at login if it does not: T3 Code needs t3tray running once it is guarded."""
        self._starts_at_login = state.is_on
        self._offer_login()

    def _turns(self, plan: ProtectionPlan, do: QPushButton) -> Card:
        """Return the card of turns that would be ended; `do` is disabled until the user agrees."""
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

    def _offer_login(self) -> None:
        self._login.setVisible(self._plan is not None and self._plan.on and not self._starts_at_login)

    @Slot()
    def _on_agreed(self) -> None:
        if self._plan:
            at_login = self._login.isVisibleTo(self) and self._login.isChecked()
            self.agreed.emit(self._plan.on, bool(self._plan.running), at_login)
