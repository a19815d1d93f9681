"""The window that shows a bug of t3tray: what was lost (nothing), what to do, and the details to copy."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from t3tray.messages.window import NOTHING_LOST, REPORT_ADVICE
from t3tray.system.appkit import app_kit
from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.widgets.basic import button, code, heading, label
from t3tray.ui.widgets.windows import WindowStyle, add_window_keys

TITLE = "t3tray made a mistake"


class ReportWindow(QWidget):
    """Not a dialog, and it does not take the keyboard focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "page")
        self.setMinimumSize(NARROW, 320)
        self.resize(560, 440)
        self._details = QPlainTextEdit(readOnly=True)
        self._details.setFont(code("").font())
        self._details.setAccessibleName("Details of the mistake")
        self._details.setTabChangesFocus(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._copy = button("Copy Report", "main")
        self._copy.clicked.connect(self._on_copy)
        close = button("Close")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(label(TITLE, size=1.35, bold=True))
        layout.addWidget(label(NOTHING_LOST))
        layout.addWidget(label(REPORT_ADVICE, "muted"))
        layout.addWidget(heading("Details"))
        layout.addWidget(self._details, 1)
        layout.addLayout(buttons)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        add_window_keys(self)
        WindowStyle(self)

    @property
    def text(self) -> str:
        """All reports that are shown."""
        return self._details.toPlainText()

    def add(self, report: str) -> None:
        """Append a report; a window that was closed begins anew."""
        before = self.text if self.isVisible() else ""
        self._details.setPlainText(f"{before}\n\n{report}" if before else report)
        self._copy.setText("Copy Report")

    def bring_up(self) -> None:
        """Show the window without taking the keyboard focus."""
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        app_kit().show_in_dock(True)
        self.show()
        self.raise_()

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self._copy.setText("Copied")
