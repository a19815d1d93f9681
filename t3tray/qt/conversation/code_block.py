"""Lines of code, or what a tool was given and gave: as they are, never wrapped, with a button that copies all of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QPushButton, QWidget

from t3tray.qt.parts import button
from t3tray.qt.theme import GAP, UNIT, scaled

# In characters: more is copied, not shown.
SHOWN = 20_000
# In ms: how long the button says that it copied.
_COPIED = 1500


class CodeBlock(QWidget):
    """A raised box: the caption and the button on top, the lines below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "card")
        self._text = ""
        self._lines = 1
        self._caption = QLabel("", self)
        self._caption.setProperty("kind", "muted")
        self._caption.setFont(scaled(self._caption.font(), 0.88))
        self.copy: QPushButton = button("Copy", "plain")
        self.copy.setParent(self)
        self.copy.setFont(scaled(self.copy.font(), 0.88))
        self.copy.clicked.connect(self._on_copy)
        self.lines = _Lines(self)
        self._copied = QTimer(self, singleShot=True, interval=_COPIED)
        self._copied.timeout.connect(self._on_copied_told)

    def show_code(self, text: str, caption: str, lines: int) -> None:
        """`lines` is how many are shown at once at most."""
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… {len(text):,} characters in all; Copy takes all of them."
        self.lines.show_lines(shown)
        self._text = text
        self._lines = lines
        self._caption.setText(caption)
        self.lines.setAccessibleName(caption or "Code")
        self.copy.setAccessibleName(f"Copy {caption.lower()}" if caption else "Copy the code")

    def height_at(self, width: int) -> int:
        return self._top + self.lines.height_of(self._lines, width - 2 * GAP) + UNIT

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.copy.sizeHint().width()
        self._caption.setGeometry(GAP + UNIT, 0, max(self.width() - wide - 3 * GAP, 0), self._top)
        self.copy.setGeometry(self.width() - wide - UNIT, UNIT // 2, wide, self._top - UNIT)
        self.lines.setGeometry(GAP, self._top, self.width() - 2 * GAP, self.height() - self._top - UNIT)

    @property
    def _top(self) -> int:
        return self.copy.sizeHint().height() + UNIT

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copy.setText("Copied")
        self._copied.start()

    @Slot()
    def _on_copied_told(self) -> None:
        self.copy.setText("Copy")


class _Lines(QPlainTextEdit):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, readOnly=True, tabChangesFocus=True)
        self.setProperty("kind", "code")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setUndoRedoEnabled(False)
        self.setFont(scaled(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), 0.9))
        self.document().setDocumentMargin(UNIT)
        self.setTabStopDistance(4 * self.fontMetrics().horizontalAdvance(" "))
        self._shown = ""

    def show_lines(self, text: str) -> None:
        """Where it only grew, what is new is added: what is there stays as it is."""
        if text == self._shown:
            return
        if self._shown and text.startswith(self._shown):
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(self._shown) :])
        else:
            self.setPlainText(text)
        self._shown = text

    def height_of(self, lines: int, width: int) -> int:
        """In px, for all lines or this many, whatever is less; with the scroll bar where a line is wider than `width`."""
        shown = min(self.document().blockCount(), lines)
        whole = shown * self.fontMetrics().lineSpacing() + 2 * UNIT + 1
        longest = max((len(line) for line in self._shown.splitlines()), default=0)
        is_wide = longest * self.fontMetrics().averageCharWidth() > width - 2 * UNIT
        return whole + (self.horizontalScrollBar().sizeHint().height() if is_wide else 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Up and down belong to the conversation, unless one is in here and there is more to see."""
        sideways = abs(event.angleDelta().x()) > abs(event.angleDelta().y())
        if sideways or (self.hasFocus() and self.verticalScrollBar().maximum()):
            super().wheelEvent(event)
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setTabStopDistance(4 * self.fontMetrics().horizontalAdvance(" "))
