"""The small shapes that tell how a thread stands: by form first, by colour too. Painted, so they are sharp at any scale."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from t3tray.domain.verdict import Kind, Verdict
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.labels import MARK_NEW, MARK_NOT_SURE, is_half_fine, mark, row_mark
from t3tray.ui.theme import Colours

MARK_SIZE = 16


def verdict_colour(verdict: Verdict, scheme: Colours) -> QColor:
    """The colour of a verdict's mark and note."""
    if verdict.kind is Kind.BLOCKED:
        return scheme.bad
    if mark(verdict) == MARK_NEW:
        return scheme.muted
    return scheme.unsure if verdict.kind is Kind.UNKNOWN or mark(verdict) == MARK_NOT_SURE else scheme.good


def row_colour(row: ThreadRow, scheme: Colours) -> QColor:
    """The same of a thread, both of whose sides count."""
    return scheme.unsure if is_half_fine(row) else verdict_colour(row.verdict, scheme)


def paint_mark(painter: QPainter, box: QRectF, row: ThreadRow, colour: QColor) -> None:
    """A thread's shape: a disc, half a disc in a ring, a ring, a cross, or a question mark."""
    verdict = row.verdict
    painter.setPen(QPen(colour, 2.0, c=Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(2, 2, -2, -2)
    if verdict.kind is Kind.BLOCKED:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    elif verdict.kind is Kind.UNKNOWN:
        _letter(painter, box, "?", colour)
    else:
        painter.drawEllipse(inner)
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        if row_mark(row) == MARK_NOT_SURE:
            painter.drawPie(inner, 90 * 16, 180 * 16)
        elif mark(verdict) != MARK_NEW:
            painter.drawEllipse(inner)


def paint_ring(painter: QPainter, box: QRectF, left: float, colour: QColor, track: QColor) -> None:
    """A ring that empties clockwise from the top: the part of the idle time that is left, on the track of the whole."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(track, 1.5))
    painter.drawEllipse(box)
    painter.setPen(QPen(colour, 1.5))
    painter.drawArc(box, 90 * 16, round(left * 360 * 16))


def paint_ask(painter: QPainter, box: QRectF, is_question: bool, colour: QColor, ground: QColor) -> None:
    """A filled disc with the sign cut out of it: something waits for the user."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(box)
    _letter(painter, box.adjusted(2, 2, -2, -2), "?" if is_question else "!", ground)


def paint_dot(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """There is news."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(box)


def paint_shield(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """The guard watches over it."""
    path = QPainterPath(QPointF(box.center().x(), box.top()))
    path.lineTo(box.right(), box.top() + box.height() * 0.2)
    path.cubicTo(
        QPointF(box.right(), box.top() + box.height() * 0.7),
        QPointF(box.center().x() + 1, box.bottom() - 1),
        QPointF(box.center().x(), box.bottom()),
    )
    path.cubicTo(
        QPointF(box.center().x() - 1, box.bottom() - 1),
        QPointF(box.left(), box.top() + box.height() * 0.7),
        QPointF(box.left(), box.top() + box.height() * 0.2),
    )
    path.closeSubpath()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.4, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPath(path)


def paint_triangle(painter: QPainter, box: QRectF, is_open: bool, colour: QColor) -> None:
    """In front of a heading: down when its lines are shown, else to the side."""
    middle = box.center()
    points = [(-4, -2), (4, -2), (0, 3)] if is_open else [(-2, -4), (3, 0), (-2, 4)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([middle + QPointF(x, y) for x, y in points]))


def _letter(painter: QPainter, box: QRectF, letter: str, colour: QColor) -> None:
    font = QFont(painter.font())
    font.setPixelSize(round(box.height()) + 1)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(box.adjusted(-4, -4, 4, 4), Qt.AlignmentFlag.AlignCenter, letter)
