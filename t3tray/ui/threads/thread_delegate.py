"""Paints the rows of the thread list: icon, title, folder, note and time of an item; the heading of a section."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QDir, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.messages.pending_requests import request_clause
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.labels import FOUND_IN_MESSAGES, ago, folder_name, shown_path
from t3tray.ui.status_icons import (
    ICON_SIZE,
    paint_request,
    paint_ring,
    paint_shield,
    paint_status,
    paint_triangle,
    paint_unread_dot,
    row_colour,
)
from t3tray.ui.theme import GAP, HEADER_HEIGHT, MARGIN, ROW_HEIGHT, UNIT, Colours, colours, scaled
from t3tray.ui.threads.row_text import RowText, note
from t3tray.ui.threads.thread_list_data import ListItem, ThreadItem, project_of, reaper_of, shown_thread
from t3tray.ui.threads.thread_model import ROW_ROLE, Header, ThreadModel

_SMALL = 0.88
_SHIELD = 11
_LEFT = Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignRight
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class _Fonts:
    title: QFont
    unread: QFont
    small: QFont
    heading: QFont


@dataclass(frozen=True)
class _RowPalette:
    """The colours of one row. `allows_status_colour`: icons and notes may have their own colours on it."""

    ground: QColor
    text: QColor
    muted: QColor
    allows_status_colour: bool


class ThreadDelegate(QStyledItemDelegate):
    """Caches its fonts and colours; call `forget_fonts` when the system's font or palette has changed."""

    def __init__(self, model: ThreadModel, row_text: RowText, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._row_text = row_text
        self._home = QDir.homePath()
        self._fonts: _Fonts | None = None
        self._scheme: Colours | None = None

    def forget_fonts(self) -> None:
        self._fonts = None
        self._scheme = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, HEADER_HEIGHT if isinstance(index.data(ROW_ROLE), Header) else ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        row: ListItem | Header = index.data(ROW_ROLE)
        scheme = self._scheme = self._scheme or colours()
        fonts = self._fonts = self._fonts or _fonts(option.font)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = _row_palette(option, scheme)
        painter.fillRect(option.rect, palette.ground)
        pen = _Pen(painter, option, palette)
        if isinstance(row, Header):
            _paint_header(pen, row, fonts, scheme)
        else:
            self._paint_line(pen, row, fonts, scheme)
        painter.restore()

    def _paint_line(self, pen: _Pen, row: ListItem, fonts: _Fonts, scheme: Colours) -> None:
        inner = pen.rect.adjusted(MARGIN, GAP, -MARGIN, -GAP)
        text_box = inner.adjusted(ICON_SIZE + GAP + UNIT, 0, 0, 0)
        upper = QRect(text_box.left(), text_box.top(), text_box.width(), text_box.height() // 2)
        lower = upper.translated(0, upper.height())
        box = pen.mirrored(QRect(inner.left(), upper.top(), ICON_SIZE, upper.height()))
        square = QRectF(box.left(), box.center().y() - ICON_SIZE / 2 + 0.5, ICON_SIZE, ICON_SIZE)
        if isinstance(row, ApprovalRequest | QuestionRequest):
            paint_request(
                pen.painter, square, isinstance(row, QuestionRequest), pen.colour(scheme.accent_text), pen.palette.ground
            )
            pen.text(upper, fonts.unread, pen.palette.text, row.requester.path, Qt.TextElideMode.ElideMiddle)
            pen.text(lower, fonts.small, pen.palette.text, request_clause(row))
        else:
            self._paint_thread(pen, row, square, (upper, lower), fonts, scheme)
        if not pen.is_chosen:
            pen.painter.fillRect(
                pen.mirrored(QRect(text_box.left(), pen.rect.bottom(), text_box.width() + MARGIN, 1)), scheme.line
            )

    def _paint_thread(
        self, pen: _Pen, row: ThreadItem, square: QRectF, lines: tuple[QRect, QRect], fonts: _Fonts, scheme: Colours
    ) -> None:
        thread, list_data, now = shown_thread(row), self._model.list_data, self._row_text.now()
        upper, lower = lines
        is_unread = thread.id in list_data.unseen or self._row_text.is_unread(row, list_data.snapshot)
        note_colour = pen.palette.muted
        if isinstance(row, ThreadRow):
            note_colour = pen.colour(row_colour(row, scheme))
            paint_status(pen.painter, square.adjusted(2, 2, -2, -2), row, note_colour)
        reaper = reaper_of(row, list_data.snapshot)
        left = reaper.fraction_left(now) if reaper else None
        if left is not None:
            paint_ring(pen.painter, square.adjusted(-1, -1, 1, 1), left, pen.palette.muted, scheme.line)
        if is_unread:
            dot = pen.mirrored(QRect(UNIT, upper.center().y() - 3, 6, 6))
            paint_unread_dot(pen.painter, QRectF(dot), pen.colour(scheme.accent_text))
        room = pen.note(upper, fonts.small, pen.palette.muted, ago(thread.last_activity_at, now))
        if thread.id in list_data.snapshot.guarded:
            shield = pen.mirrored(QRect(room.right() - _SHIELD, room.center().y() - _SHIELD // 2, _SHIELD, _SHIELD + 1))
            paint_shield(pen.painter, QRectF(shield), pen.palette.muted)
            room = room.adjusted(0, 0, -(_SHIELD + GAP), 0)
        title_colour = pen.palette.text if isinstance(row, ThreadRow) else pen.palette.muted
        pen.text(room, fonts.unread if is_unread else fonts.title, title_colour, thread.title)
        note_text = note(row) or (FOUND_IN_MESSAGES if thread.id in self._model.message_hits else "")
        room = pen.note(lower, fonts.small, note_colour, note_text)
        pen.text(room, fonts.small, pen.palette.muted, self._location(row), Qt.TextElideMode.ElideMiddle)

    def _location(self, row: ThreadItem) -> str:
        """Return `Parser · ~/code/parser`, without the project if it only repeats the folder's name."""
        directory, project = shown_thread(row).directory, project_of(row)
        path = shown_path(directory, self._home)
        return path if project == folder_name(directory) or not project else f"{project} · {path}"


class _Pen:
    """Draws text into the boxes of one row, mirrored for right-to-left layouts."""

    def __init__(self, painter: QPainter, option: QStyleOptionViewItem, palette: _RowPalette) -> None:
        self.painter = painter
        self.rect: QRect = option.rect
        self.palette = palette
        self.is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        self._direction = option.direction

    def mirrored(self, box: QRect) -> QRect:
        return QStyle.visualRect(self._direction, self.rect, box)

    def colour(self, own: QColor) -> QColor:
        return own if self.palette.allows_status_colour else self.palette.text

    def text(
        self, box: QRect, font: QFont, colour: QColor, text: str, elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        """Draw a text, elided to the box's width."""
        shown = QFontMetrics(font).elidedText(" ".join(text.split()), elide, box.width())
        self._draw(box, font, colour, shown, _LEFT)

    def note(self, box: QRect, font: QFont, colour: QColor, text: str) -> QRect:
        """Draw a text at the end of the line; return the remaining box."""
        if not text:
            return box
        self._draw(box, font, colour, text, _RIGHT)
        return box.adjusted(0, 0, -(QFontMetrics(font).horizontalAdvance(text) + GAP), 0)

    def _draw(self, box: QRect, font: QFont, colour: QColor, text: str, side: Qt.AlignmentFlag) -> None:
        self.painter.setFont(font)
        self.painter.setPen(colour)
        across = QStyle.visualAlignment(self._direction, side) | Qt.AlignmentFlag.AlignAbsolute | _MIDDLE
        self.painter.drawText(self.mirrored(box), int(across) | Qt.TextFlag.TextSingleLine, text)


def _paint_header(pen: _Pen, header: Header, fonts: _Fonts, scheme: Colours) -> None:
    inner = pen.rect.adjusted(MARGIN, GAP, -MARGIN, -2)
    side = pen.mirrored(QRect(inner.left(), inner.top(), ICON_SIZE, inner.height()))
    paint_triangle(pen.painter, QRectF(side), header.is_open, pen.palette.muted)
    box = inner.adjusted(ICON_SIZE + GAP + UNIT, 0, 0, 0)
    room = pen.note(box, fonts.small, pen.palette.muted, f"{header.count:,}")
    pen.text(room, fonts.heading, pen.palette.muted, header.section)


def _fonts(font: QFont) -> _Fonts:
    return _Fonts(QFont(font), scaled(font, 1.0, bold=True), scaled(font, _SMALL), scaled(font, _SMALL, bold=True))


def _row_palette(option: QStyleOptionViewItem, scheme: Colours) -> _RowPalette:
    """Return the colours of a row: a selection in the accent colour if the list has the focus, else in grey."""
    if option.state & QStyle.StateFlag.State_Selected:
        if option.state & QStyle.StateFlag.State_Active and option.state & QStyle.StateFlag.State_HasFocus:
            return _RowPalette(scheme.accent, scheme.on_accent, scheme.on_accent, allows_status_colour=False)
        return _RowPalette(scheme.chosen, scheme.text, scheme.muted, allows_status_colour=True)
    if option.state & QStyle.StateFlag.State_MouseOver:
        return _RowPalette(scheme.raised, scheme.text, scheme.muted, allows_status_colour=True)
    return _RowPalette(scheme.base, scheme.text, scheme.muted, allows_status_colour=True)
