"""The lines of a code or of what a tool said: never wrapped, copied as they are, coloured where the language is known."""

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
from t3tray.ui.conversation.syntax_spans import Ink, Line, SyntaxSpan
from t3tray.ui.conversation.visible_text import visible
from t3tray.ui.theme import UNIT, Colours, colours, scaled

# In characters: more is copied, not shown.
SHOWN = 20_000
# In lines: more stays plain.
HUGE = 2_000
_TAB = 4
_MORE = "… The rest is not shown; Copy takes all of it."


class CodeLines(QPlainTextEdit):
    """It scrolls sideways by itself; up and down only while the focus is in it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, readOnly=True, tabChangesFocus=True)
        self.setProperty("kind", "code")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setUndoRedoEnabled(False)
        self.setFont(scaled(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), 0.9))
        self.document().setDocumentMargin(UNIT)
        # A line of code begins at the left, whatever it begins with.
        look = self.document().defaultTextOption()
        look.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.document().setDefaultTextOption(look)
        self.exact = ""
        self._shown = ""
        self._lines: tuple[Line, ...] = ()
        self._painted: list[Line] = []
        self._scheme = colours()
        self._highlighter = Highlighter(self)
        self._highlighter.found.connect(self._on_found)
        self._set_tab()

    def show_lines(self, exact: str, language: str) -> None:
        """Where they only grew, what is new is added: what is there stays as it is."""
        self.exact = exact
        # The end of the last line begins no other one.
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
        self._highlighter.look_at(text, language if exact.count("\n") <= HUGE else "")

    def height_of(self, lines: int, width: int) -> int:
        """In px, for all lines or this many, whatever is less; with the scroll bar where a line is wider than `width`."""
        count = self.document().blockCount()
        shown = min(count, lines)
        # Each bar takes room of the other: two could stand there for each other's sake only.
        bars = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(bars.ScrollBarAsNeeded if count > shown else bars.ScrollBarAlwaysOff)
        whole = shown * self.fontMetrics().lineSpacing()
        if not self._shown.isascii():
            # Letters of another font may be higher.
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
        """Give the lines whose spans are others than before their colours. They are beside the text: it stays as it is."""
        inks = {ink: _look(colour) for ink, colour in _inks(self._scheme).items()}
        lines = [*self._lines]
        if self._is_cut:
            lines += [()] * (self.document().blockCount() - 1 - len(lines))
            lines.append((SyntaxSpan(0, len(_MORE), Ink.COMMENT),))
        former, self._painted = self._painted, lines
        begin, end = -1, -1
        block = self.document().begin()
        for now, before in zip_longest(lines, former, fillvalue=()):
            if not block.isValid():
                break
            if now != before:
                block.layout().setFormats([_range(span, inks[span.ink]) for span in now])
                begin, end = block.position() if begin < 0 else begin, block.position() + block.length()
            block = block.next()
        if begin >= 0:
            self.document().markContentsDirty(begin, end - begin)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines of a change stand on a ground of their own, from one edge to the other."""
        grounds = {Ink.ADDED: self._scheme.added, Ink.REMOVED: self._scheme.removed}
        block, offset = self.firstVisibleBlock(), self.contentOffset()
        painter = QPainter(self.viewport())
        while block.isValid() and block.blockNumber() < len(self._painted):
            place = self.blockBoundingGeometry(block).translated(offset)
            if place.top() > event.rect().bottom():
                break
            spans = self._painted[block.blockNumber()]
            if spans and spans[0].ink in grounds:
                painter.fillRect(QRectF(0, place.top(), self.viewport().width(), place.height()), grounds[spans[0].ink])
            block = block.next()
        painter.end()
        super().paintEvent(event)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is selected as it is shown, spaces and all; all of it as it was told, which may be more than is shown."""
        cursor = self.textCursor()
        is_all = cursor.selectionEnd() - cursor.selectionStart() == self.document().characterCount() - 1
        # Qt's own, as the clipboard will delete it, which Python would not know of one made here. It is filled at the first look.
        data = super().createMimeDataFromSelection()
        data.text()
        data.clear()
        data.setText(self.exact if is_all else cursor.selectedText().replace("\u2029", "\n"))
        return data

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
            self._set_tab()

    def _set_tab(self) -> None:
        self.setTabStopDistance(_TAB * QFontMetricsF(self.font()).horizontalAdvance(" "))


def _inks(scheme: Colours) -> dict[Ink, QColor]:
    return {
        Ink.KEYWORD: scheme.keyword,
        Ink.DEFINITION: scheme.definition,
        Ink.BUILTIN: scheme.builtin,
        Ink.STRING: scheme.string,
        Ink.NUMBER: scheme.number,
        Ink.COMMENT: scheme.muted,
        Ink.ADDED: scheme.good,
        Ink.REMOVED: scheme.bad,
    }


def _look(colour: QColor) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(colour)
    return made


def _range(span: SyntaxSpan, look: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = span.begin, span.length, look
    return made
