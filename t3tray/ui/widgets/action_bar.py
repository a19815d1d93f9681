"""A bar on top of the window that is visible while a condition holds, with one button for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import button, label


class ActionBar(QWidget):
    """Hidden until `show_message` is called. Emits `wanted` when its button is clicked."""

    wanted = Signal()

    def __init__(self, button_label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "bar")
        self._title = label("", "unsure", bold=True)
        self._message = label()
        act = button(button_label)
        act.clicked.connect(self.wanted)
        text = QVBoxLayout()
        text.setSpacing(GAP // 2)
        text.addWidget(self._title)
        text.addWidget(self._message)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, GAP, GAP, GAP)
        layout.setSpacing(GAP)
        layout.addLayout(text, 1)
        layout.addWidget(act, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_message(self, title: str, message: str) -> None:
        self._title.setText(title)
        self._message.setText(message)
        self.show()
