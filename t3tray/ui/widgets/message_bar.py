"""The bar on top of the window that shows an error, a warning or a note, instead of a modal message box."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.errors import T3TrayError
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import button, label


class MessageBar(QWidget):
    """Hidden until there is a message; a new message replaces the previous one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "bar")
        self._is_warning = False
        self._title = label("", "bad", bold=True)
        self.message = label()
        self._hint = label("", "muted")
        self._copy = button("Copy", "plain")
        self._copy.setAccessibleName("Copy this message")
        self._copy.clicked.connect(self._on_copy)
        dismiss = button("Dismiss", "plain")
        dismiss.clicked.connect(self.hide)
        text = QVBoxLayout()
        text.setSpacing(GAP // 2)
        for each in (self._title, self.message, self._hint):
            text.addWidget(each)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, GAP, GAP, GAP)
        layout.addLayout(text, 1)
        layout.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @Slot(object)
    def show_error(self, error: T3TrayError) -> None:
        """Show an error. It can be copied, to ask others about it."""
        self._show(error.title, error.message, error.hint or "")
        self._copy.show()

    def warn(self, sentence: str) -> None:
        self._show("Please note", sentence, "")
        self._copy.hide()
        self._is_warning = True

    def end_warning(self) -> None:
        """Hide the warning because its cause is over; an error or a note stays."""
        if self._is_warning:
            self.hide()

    def withdraw(self, *sentences: str) -> None:
        """Hide the bar if it shows one of these notes."""
        if self.message.text() in sentences:
            self.hide()

    def note(self, sentence: str) -> None:
        """Show what was done, without a title."""
        self._show("", sentence, "")
        self._copy.hide()

    def _show(self, title: str, message: str, hint: str) -> None:
        self._is_warning = False
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self.message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.show()

    @Slot()
    def _on_copy(self) -> None:
        parts = (self._title.text(), self.message.text(), self._hint.text())
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))
