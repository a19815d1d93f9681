"""The sheet of the guard: what pointing T3 Code at it, or back, would change, what is lost, and which turns it would end."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QPushButton, QWidget

from t3tray.domain.autostart import AutostartState
from t3tray.guard.status import ProtectionPlan
from t3tray.ui.widgets.basic import Card, button, heading, label
from t3tray.ui.widgets.sheet import Sheet


class GuardSheet(Sheet):
    """`agreed` carries whether it is to be on, whether turns that run may be ended, and whether t3tray is to start at login from
    now on."""

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
        """Whether t3tray starts at login. It is offered where it does not: T3 Code needs it from then on."""
        self._starts_at_login = state.is_on
        self._offer_login()

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

    def _offer_login(self) -> None:
        self._login.setVisible(self._plan is not None and self._plan.on and not self._starts_at_login)

    @Slot()
    def _on_agreed(self) -> None:
        if self._plan:
            at_login = self._login.isVisibleTo(self) and self._login.isChecked()
            self.agreed.emit(self._plan.on, bool(self._plan.running), at_login)
