"""A box for code, or for a tool's input and output, with a button that copies all of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from t3tray.ui.conversation.code_lines import CodeLines
from t3tray.ui.conversation.copy_button import CopyButton
from t3tray.ui.theme import GAP, UNIT, scaled


class CodeBlock(QWidget):
    """A raised box: caption and button on top, the lines below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "card")
        self._max_lines = 1
        self._caption = ""
        self.caption = QLabel("", self, textFormat=Qt.TextFormat.PlainText)
        self.caption.setProperty("kind", "muted")
        self.caption.setFont(scaled(self.caption.font(), 0.88))
        self.copy = CopyButton("plain", lambda: self.lines.exact, self)
        self.lines = CodeLines(self)

    def show_code(self, text: str, caption: str, lines: int, language: str) -> None:
        """Show a text. `lines` is the number of lines that are visible at once at most."""
        self.lines.show_lines(text, language)
        self._max_lines = lines
        self._caption = caption
        self._elide()
        self.lines.setAccessibleName(caption or "Code")
        self.copy.setAccessibleName(f"Copy {caption}" if caption else "Copy the code")

    def height_at(self, width: int) -> int:
        return self._top + self.lines.height_of(self._max_lines, width - 2 * GAP) + UNIT

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.copy.sizeHint().width()
        self.caption.setGeometry(GAP + UNIT, 0, max(self.width() - wide - 3 * GAP, 0), self._top)
        self._elide()
        self.copy.setGeometry(self.width() - wide - UNIT, UNIT // 2, wide, self._top - UNIT)
        self.lines.setGeometry(GAP, self._top, self.width() - 2 * GAP, self.height() - self._top - UNIT)

    def _elide(self) -> None:
        """Elide the caption at its left: the end of a file's path is the most useful part."""
        metrics = self.caption.fontMetrics()
        self.caption.setText(metrics.elidedText(self._caption, Qt.TextElideMode.ElideLeft, self.caption.width()))

    @property
    def _top(self) -> int:
        return self.copy.sizeHint().height() + UNIT
