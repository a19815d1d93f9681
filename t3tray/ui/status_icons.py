"""The small status icons of a thread, distinct by shape and by colour. Painted, so they are sharp at any scale."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from t3tray.domain.verdict import Kind, Verdict
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.labels import SYMBOL_NEW, SYMBOL_UNSURE, is_ready_only_here, row_symbol, verdict_symbol
from t3tray.ui.theme import Colours

ICON_SIZE = 16


def verdict_colour(verdict: Verdict, scheme: Colours) -> QColor:
    """Return the colour of a verdict's icon and note."""
    if verdict.kind is Kind.BLOCKED:
        return scheme.bad
    if verdict_symbol(verdict) == SYMBOL_NEW:
        return scheme.muted
    return scheme.unsure if verdict.kind is Kind.UNKNOWN or verdict_symbol(verdict) == SYMBOL_UNSURE else scheme.good


def row_colour(row: ThreadRow, scheme: Colours) -> QColor:
    """Return the colour of a thread's icon; T3 Code's side counts too."""
    return scheme.unsure if is_ready_only_here(row) else verdict_colour(row.verdict, scheme)


def paint_status(painter: QPainter, box: QRectF, row: ThreadRow, colour: QColor) -> None:
    """Paint a thread's status: a disc, half a disc in a ring, a ring, a cross, or a question mark."""
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
        if row_symbol(row) == SYMBOL_UNSURE:
            painter.drawPie(inner, 90 * 16, 180 * 16)
        elif verdict_symbol(verdict) != SYMBOL_NEW:
            painter.drawEllipse(inner)


def paint_ring(painter: QPainter, box: QRectF, left: float, colour: QColor, track: QColor) -> None:
    """Paint a ring that empties clockwise from the top. `left` is the remaining part of the idle time, from 0 to 1."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(track, 1.5))
    painter.drawEllipse(box)
    painter.setPen(QPen(colour, 1.5))
    painter.drawArc(box, 90 * 16, round(left * 360 * 16))


def paint_request(painter: QPainter, box: QRectF, is_question: bool, colour: QColor, ground: QColor) -> None:
    """Paint a filled disc with "?" or "!" cut out of it: a request waits for the user."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(box)
    _letter(painter, box.adjusted(2, 2, -2, -2), "?" if is_question else "!", ground)


def paint_unread_dot(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """Paint the dot of a thread with unread activity."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(box)


def paint_shield(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """Paint the shield of a thread that the guard protects."""
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
    """Paint the triangle of a section's heading: pointing down when the section is open, else to the side."""
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
