"""The lines of code or of a tool's output: never wrapped, copied exactly, highlighted if the language is known."""

from __future__ import annotations

from itertools import zip_longest
from math import ceil

from PySide6.QtCore import QEvent, QMimeData, QRectF, Qt, Slot
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from t3tray.ui.conversation.highlighter import Highlighter
from t3tray.ui.conversation.syntax_spans import Line, SpanKind, SyntaxSpan
from t3tray.ui.conversation.visible_text import visible
from t3tray.ui.theme import UNIT, Colours, colours, scaled

# In characters: a longer text is copied as a whole, but not shown beyond this.
SHOWN = 20_000
# In lines: a longer text is not highlighted.
HUGE = 2_000
_TAB = 4
_MORE = "… The rest is not shown; Copy takes all of it."


class CodeLines(QPlainTextEdit):
    """Scrolls horizontally by itself; vertically only while it has the focus."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, readOnly=True, tabChangesFocus=True)
        self.setProperty("kind", "code")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setUndoRedoEnabled(False)
        self.setFont(scaled(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), 0.9))
        self.document().setDocumentMargin(UNIT)
        # Code is left-to-right, even if a line begins with right-to-left text.
        format_ = self.document().defaultTextOption()
        format_.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.document().setDefaultTextOption(format_)
        self.exact = ""
        self._shown = ""
        self._lines: tuple[Line, ...] = ()
        self._painted: list[Line] = []
        self._scheme = colours()
        self._highlighter = Highlighter(self)
        self._highlighter.found.connect(self._on_found)
        self._set_tab()

    def show_lines(self, exact: str, language: str) -> None:
        """Show a text. If it only grew, the rest is appended, so that selection and scroll position stay."""
        self.exact = exact
        # A line break at the very end does not begin another line.
        text = visible(exact[:SHOWN].removesuffix("\n"))
        shown = f"{text}\n{_MORE}" if self._is_cut else text
        if self._shown and shown.startswith(self._shown):
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(shown[len(self._shown) :])
        elif shown != self._shown:
            self._lines, self._painted = (), []
            self.setPlainText(shown)
            self._paint()
        self._shown = shown
        if self._scheme != colours():
            self._scheme, self._painted = colours(), []
            self._paint()
        self._highlighter.highlight(text, language if exact.count("\n") <= HUGE else "")

    def height_of(self, lines: int, width: int) -> int:
        """Return the height in px of at most `lines` lines; with the scroll bar if a line is wider than `width`."""
        count = self.document().blockCount()
        shown = min(count, lines)
        # Set the policy explicitly: with "as needed" for both, each bar could be needed only because of the other.
        bars = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(bars.ScrollBarAsNeeded if count > shown else bars.ScrollBarAlwaysOff)
        whole = shown * self.fontMetrics().lineSpacing()
        if not self._shown.isascii():
            # Fallback fonts may be higher.
            block = self.document().begin()
            whole = 0
            for _ in range(shown):
                whole += ceil(self.blockBoundingRect(block).height())
                block = block.next()
        is_wide = self._widest() > width - 2 * UNIT - 1
        return whole + 2 * UNIT + 1 + (self.horizontalScrollBar().sizeHint().height() if is_wide else 0)

    def _widest(self) -> float:
        metrics = QFontMetricsF(self.font())
        longest = max((line.expandtabs(_TAB) for line in self._shown.split("\n")), key=len)
        if self._shown.isascii():
            return len(longest) * metrics.horizontalAdvance("x")
        return max(metrics.horizontalAdvance(line.expandtabs(_TAB)) for line in self._shown.split("\n"))

    @property
    def _is_cut(self) -> bool:
        return len(self.exact) > SHOWN

    @Slot(object)
    def _on_found(self, lines: tuple[Line, ...]) -> None:
        self._lines = lines
        self._paint()

    def _paint(self) -> None:
        """Apply the colours of lines whose spans changed, as layout formats beside the text, which is not edited."""
        formats = {kind: _text_format(colour) for kind, colour in _kind_colours(self._scheme).items()}
        lines = [*self._lines]
        if self._is_cut:
            lines += [()] * (self.document().blockCount() - 1 - len(lines))
            lines.append((SyntaxSpan(0, len(_MORE), SpanKind.COMMENT),))
        former, self._painted = self._painted, lines
        begin, end = -1, -1
        block = self.document().begin()
        for now, before in zip_longest(lines, former, fillvalue=()):
            if not block.isValid():
                break
            if now != before:
                block.layout().setFormats([_range(span, formats[span.kind]) for span in now])
                begin, end = block.position() if begin < 0 else begin, block.position() + block.length()
            block = block.next()
        if begin >= 0:
            self.document().markContentsDirty(begin, end - begin)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the background of added and removed lines over the full width."""
        grounds = {SpanKind.ADDED: self._scheme.added, SpanKind.REMOVED: self._scheme.removed}
        block, offset = self.firstVisibleBlock(), self.contentOffset()
        painter = QPainter(self.viewport())
        while block.isValid() and block.blockNumber() < len(self._painted):
            place = self.blockBoundingGeometry(block).translated(offset)
            if place.top() > event.rect().bottom():
                break
            spans = self._painted[block.blockNumber()]
            if spans and spans[0].kind in grounds:
                painter.fillRect(QRectF(0, place.top(), self.viewport().width(), place.height()), grounds[spans[0].kind])
            block = block.next()
        painter.end()
        super().paintEvent(event)

    def createMimeDataFromSelection(self) -> QMimeData:
        """Return the selection with its exact spaces; if all is selected, the exact text, which may be longer than shown."""
        cursor = self.textCursor()
        is_all = cursor.selectionEnd() - cursor.selectionStart() == self.document().characterCount() - 1
        # Use Qt's object: the clipboard deletes it, which Python would not know of one created here. Reading it fills it.
        data = super().createMimeDataFromSelection()
        data.text()
        data.clear()
        data.setText(self.exact if is_all else cursor.selectedText().replace("\u2029", "\n"))
        return data

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave vertical scrolling to the conversation, unless this widget has the focus and can scroll."""
        sideways = abs(event.angleDelta().x()) > abs(event.angleDelta().y())
        if sideways or (self.hasFocus() and self.verticalScrollBar().maximum()):
            super().wheelEvent(event)
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._set_tab()

    def _set_tab(self) -> None:
        self.setTabStopDistance(_TAB * QFontMetricsF(self.font()).horizontalAdvance(" "))


def _kind_colours(scheme: Colours) -> dict[SpanKind, QColor]:
    return {
        SpanKind.KEYWORD: scheme.keyword,
        SpanKind.DEFINITION: scheme.definition,
        SpanKind.BUILTIN: scheme.builtin,
        SpanKind.STRING: scheme.string,
        SpanKind.NUMBER: scheme.number,
        SpanKind.COMMENT: scheme.muted,
        SpanKind.ADDED: scheme.good,
        SpanKind.REMOVED: scheme.bad,
    }


def _text_format(colour: QColor) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(colour)
    return made


def _range(span: SyntaxSpan, format_: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = span.begin, span.length, format_
    return made
