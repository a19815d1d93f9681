"""A button that copies, and says for a moment that it did."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from t3tray.ui.theme import scaled

# In ms.
_COPIED = 1500


class CopyButton(QPushButton):
    """`exact` tells what is copied when it is pressed."""

    def __init__(self, kind: str, exact: Callable[[], str], parent: QWidget) -> None:
        super().__init__("Copy", parent, autoDefault=False)
        self.setProperty("kind", kind)
        self.setFont(scaled(self.font(), 0.88))
        self._exact = exact
        self._told = QTimer(self, singleShot=True, interval=_COPIED)
        self._told.timeout.connect(self._on_told)
        self.clicked.connect(self._on_pressed)

    @Slot()
    def _on_pressed(self) -> None:
        QGuiApplication.clipboard().setText(self._exact())
        self.setText("Copied")
        self._told.start()

    @Slot()
    def _on_told(self) -> None:
        self.setText("Copy")
