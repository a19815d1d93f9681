"""The guard in the settings window: its state in a sentence, and the button that opens its sheet."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.domain.guard_state import NO_GUARD, GuardPhase, GuardState
from t3tray.messages.window import guard_sentence
from t3tray.ui.labels import guard_would_turn_on
from t3tray.ui.theme import GAP
from t3tray.ui.widgets.basic import button, label, set_kind

_KINDS = {GuardPhase.ON: "good", GuardPhase.ALONE: "bad", GuardPhase.CHANGED: "unsure", GuardPhase.UNFIT: "bad"}


class GuardPanel(QWidget):
    """Emits `wanted` with whether the user wants the guard on; the sheet then asks for confirmation."""

    wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = NO_GUARD
        self._sentence = label()
        self._button = button("")
        self._button.clicked.connect(self._on_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self._sentence)
        row = QHBoxLayout()
        row.addWidget(self._button)
        row.addStretch(1)
        column.addLayout(row)
        self.show_state(NO_GUARD)

    def show_state(self, state: GuardState) -> None:
        self._state = state
        self._sentence.setText(guard_sentence(state))
        set_kind(self._sentence, _KINDS.get(state.phase, "muted"))
        self._button.setText("Protect T3 Code…" if guard_would_turn_on(state) else "Stop Protecting T3 Code…")
        self._button.setVisible(state.phase is not GuardPhase.NO_T3CODE)

    @Slot()
    def _on_clicked(self) -> None:
        self.wanted.emit(guard_would_turn_on(self._state))
