"""How a row of the thread list is painted: mark, title, folder, reason, time. It reads one role and keeps its fonts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from t3tray.core.domain.verdict import Kind, Verdict
from t3tray.core.services.views import ThreadRow
from t3tray.qt.theme import GAP, MARGIN, ROW_HEIGHT, Colours, colours, scaled
from t3tray.qt.thread_model import ROW_ROLE, Line, shown_thread
from t3tray.qt.words import MARK_NOT_SURE, ago, mark, reason_label

_MARK_WIDTH = 14


class ThreadDelegate(QStyledItemDelegate):
    """`now` gives the time for the "12 min". Call `forget_fonts` when the system's font or palette has changed."""

    def __init__(self, now: Callable[[], datetime], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._now = now
        self._fonts: tuple[QFont, QFont] | None = None
        self._scheme: Colours | None = None

    def forget_fonts(self) -> None:
        self._fonts = None
        self._scheme = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        row: Line = index.data(ROW_ROLE)
        thread = shown_thread(row)
        scheme = self._scheme = self._scheme or colours()
        large, small = self._fonts = self._fonts or (QFont(option.font), scaled(option.font, 0.88))
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        text, muted = (scheme.on_accent, scheme.on_accent) if is_chosen else (scheme.text, scheme.muted)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(option.rect, scheme.accent if is_chosen else scheme.base)
        inner = option.rect.adjusted(MARGIN, GAP, -MARGIN, -GAP)
        note, note_colour = self._paint_standing(painter, _mark_box(inner), row, scheme, is_chosen)
        words = inner.adjusted(_MARK_WIDTH + GAP, 0, 0, 0)
        upper = QRect(words.left(), words.top(), words.width(), words.height() // 2)
        lower = upper.translated(0, words.height() // 2)
        title_colour = text if isinstance(row, ThreadRow) else muted
        _line(painter, upper, large, title_colour, thread.title, small, muted, ago(thread.last_activity_at, self._now()))
        _line(painter, lower, small, muted, thread.directory, small, note_colour, note, Qt.TextElideMode.ElideMiddle)
        if not is_chosen:
            painter.fillRect(QRect(words.left(), option.rect.bottom(), words.width() + MARGIN, 1), scheme.line)
        painter.restore()

    def _paint_standing(self, painter: QPainter, box: QRectF, row: Line, scheme: Colours, is_chosen: bool) -> tuple[str, QColor]:
        """The mark with the reaper's ring around it; the note that goes with it, and its colour."""
        if not isinstance(row, ThreadRow):
            return row.provider, scheme.on_accent if is_chosen else scheme.muted
        colour = scheme.on_accent if is_chosen else mark_colour(row.verdict, scheme)
        paint_mark(painter, box, row.verdict, colour)
        left = row.reaper.left(self._now())
        if left is not None:
            paint_ring(painter, box.adjusted(-3, -3, 3, 3), left, scheme.on_accent if is_chosen else scheme.muted)
        fine = row.verdict.kind is Kind.RESUMABLE and mark(row.verdict) != MARK_NOT_SURE
        return "" if fine else reason_label(row.verdict), colour


def mark_colour(verdict: Verdict, scheme: Colours) -> QColor:
    """The colour of a verdict's mark; the shape alone says it too."""
    if verdict.kind is Kind.BLOCKED:
        return scheme.bad
    return scheme.unsure if verdict.kind is Kind.UNKNOWN or mark(verdict) == MARK_NOT_SURE else scheme.good


def paint_mark(painter: QPainter, box: QRectF, verdict: Verdict, colour: QColor) -> None:
    """The verdict's shape: a disc, half a disc in a ring, a cross, or a question mark."""
    pen = QPen(colour, 2.0)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(2, 2, -2, -2)
    if verdict.kind is Kind.BLOCKED:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    elif verdict.kind is Kind.UNKNOWN:
        font = QFont(painter.font())
        font.setPixelSize(round(box.height()) + 2)
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "?")
    else:
        painter.drawEllipse(inner)
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        if mark(verdict) == MARK_NOT_SURE:
            painter.drawPie(inner, 90 * 16, 180 * 16)
        else:
            painter.drawEllipse(inner)


def paint_ring(painter: QPainter, box: QRectF, left: float, colour: QColor) -> None:
    """A ring that empties clockwise from the top: the part of the idle time that is left."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.5))
    painter.drawArc(box, 90 * 16, round(left * 360 * 16))


def _mark_box(inner: QRect) -> QRectF:
    middle = QPointF(inner.left() + _MARK_WIDTH / 2, inner.top() + inner.height() / 4 + 1)
    return QRectF(middle.x() - 6, middle.y() - 6, 12, 12)


def _line(
    painter: QPainter,
    box: QRect,
    font: QFont,
    colour: QColor,
    text: str,
    note_font: QFont,
    note_colour: QColor,
    note: str,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    """A text at the left that gives way, and a note at the right that does not."""
    across = Qt.AlignmentFlag.AlignVCenter
    note_width = QFontMetrics(note_font).horizontalAdvance(note) if note else 0
    painter.setFont(note_font)
    painter.setPen(note_colour)
    painter.drawText(box, across | Qt.AlignmentFlag.AlignRight, note)
    room = box.adjusted(0, 0, -(note_width + GAP if note else 0), 0)
    painter.setFont(font)
    painter.setPen(colour)
    shown = QFontMetrics(font).elidedText(" ".join(text.split()), elide, room.width())
    painter.drawText(room, across | Qt.AlignmentFlag.AlignLeft, shown)
