"""A button that copies a text and confirms it for a moment."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from t3tray.ui.theme import scaled

# In ms.
_COPIED = 1500


class CopyButton(QPushButton):
    """Copies the text that `exact` returns when it is pressed."""

    def __init__(self, kind: str, exact: Callable[[], str], parent: QWidget) -> None:
        super().__init__("Copy", parent, autoDefault=False)
        self.setProperty("kind", kind)
        self.setFont(scaled(self.font(), 0.88))
        self._exact = exact
        self._confirmation = QTimer(self, singleShot=True, interval=_COPIED)
        self._confirmation.timeout.connect(self._on_confirmed)
        self.clicked.connect(self._on_pressed)

    @Slot()
    def _on_pressed(self) -> None:
        QGuiApplication.clipboard().setText(self._exact())
        self.setText("Copied")
        self._confirmation.start()

    @Slot()
    def _on_confirmed(self) -> None:
        self.setText("Copy")
