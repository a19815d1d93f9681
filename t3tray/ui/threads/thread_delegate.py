"""How a row of the thread list is painted: mark, title, place, note, time; a heading of a section. It keeps its fonts."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QDir, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.labels import FOUND_IN_MESSAGES, ago, folder_name, shown_path
from t3tray.ui.status_icons import (
    MARK_SIZE,
    paint_ask,
    paint_dot,
    paint_mark,
    paint_ring,
    paint_shield,
    paint_triangle,
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
class _Ink:
    """The colours of one row. `lively`: a mark may have a colour of its own there."""

    ground: QColor
    text: QColor
    muted: QColor
    lively: bool


class ThreadDelegate(QStyledItemDelegate):
    """Call `forget_fonts` when the system's font or palette has changed."""

    def __init__(self, model: ThreadModel, reading: RowText, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._reading = reading
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
        ink = _ink(option, scheme)
        painter.fillRect(option.rect, ink.ground)
        pen = _Pen(painter, option, ink)
        if isinstance(row, Header):
            _paint_header(pen, row, fonts, scheme)
        else:
            self._paint_line(pen, row, fonts, scheme)
        painter.restore()

    def _paint_line(self, pen: _Pen, row: ListItem, fonts: _Fonts, scheme: Colours) -> None:
        inner = pen.rect.adjusted(MARGIN, GAP, -MARGIN, -GAP)
        words = inner.adjusted(MARK_SIZE + GAP + UNIT, 0, 0, 0)
        upper = QRect(words.left(), words.top(), words.width(), words.height() // 2)
        lower = upper.translated(0, upper.height())
        box = pen.mirrored(QRect(inner.left(), upper.top(), MARK_SIZE, upper.height()))
        square = QRectF(box.left(), box.center().y() - MARK_SIZE / 2 + 0.5, MARK_SIZE, MARK_SIZE)
        if isinstance(row, ApprovalRequest | QuestionRequest):
            paint_ask(pen.painter, square, isinstance(row, QuestionRequest), pen.colour(scheme.accent_text), pen.ink.ground)
            pen.text(upper, fonts.unread, pen.ink.text, row.requester.path, Qt.TextElideMode.ElideMiddle)
            pen.text(lower, fonts.small, pen.ink.text, _wish(row))
        else:
            self._paint_thread(pen, row, square, (upper, lower), fonts, scheme)
        if not pen.is_chosen:
            pen.painter.fillRect(pen.mirrored(QRect(words.left(), pen.rect.bottom(), words.width() + MARGIN, 1)), scheme.line)

    def _paint_thread(
        self, pen: _Pen, row: ThreadItem, square: QRectF, lines: tuple[QRect, QRect], fonts: _Fonts, scheme: Colours
    ) -> None:
        thread, listing, now = shown_thread(row), self._model.listing, self._reading.now()
        upper, lower = lines
        has_news = thread.id in listing.unseen or self._reading.has_news(row, listing.snapshot)
        note_colour = pen.ink.muted
        if isinstance(row, ThreadRow):
            note_colour = pen.colour(row_colour(row, scheme))
            paint_mark(pen.painter, square.adjusted(2, 2, -2, -2), row, note_colour)
        reaper = reaper_of(row, listing.snapshot)
        left = reaper.left(now) if reaper else None
        if left is not None:
            paint_ring(pen.painter, square.adjusted(-1, -1, 1, 1), left, pen.ink.muted, scheme.line)
        if has_news:
            dot = pen.mirrored(QRect(UNIT, upper.center().y() - 3, 6, 6))
            paint_dot(pen.painter, QRectF(dot), pen.colour(scheme.accent_text))
        room = pen.note(upper, fonts.small, pen.ink.muted, ago(thread.last_activity_at, now))
        if thread.id in listing.snapshot.guarded:
            shield = pen.mirrored(QRect(room.right() - _SHIELD, room.center().y() - _SHIELD // 2, _SHIELD, _SHIELD + 1))
            paint_shield(pen.painter, QRectF(shield), pen.ink.muted)
            room = room.adjusted(0, 0, -(_SHIELD + GAP), 0)
        title_colour = pen.ink.text if isinstance(row, ThreadRow) else pen.ink.muted
        pen.text(room, fonts.unread if has_news else fonts.title, title_colour, thread.title)
        told = note(row) or (FOUND_IN_MESSAGES if thread.id in self._model.saying else "")
        room = pen.note(lower, fonts.small, note_colour, told)
        pen.text(room, fonts.small, pen.ink.muted, self._place(row), Qt.TextElideMode.ElideMiddle)

    def _place(self, row: ThreadItem) -> str:
        """`Parser · ~/code/parser`; without the project where it only repeats the folder's name."""
        directory, project = shown_thread(row).directory, project_of(row)
        path = shown_path(directory, self._home)
        return path if project == folder_name(directory) or not project else f"{project} · {path}"


class _Pen:
    """Puts text into the boxes of one row, from whichever side the system writes."""

    def __init__(self, painter: QPainter, option: QStyleOptionViewItem, ink: _Ink) -> None:
        self.painter = painter
        self.rect: QRect = option.rect
        self.ink = ink
        self.is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        self._direction = option.direction

    def mirrored(self, box: QRect) -> QRect:
        return QStyle.visualRect(self._direction, self.rect, box)

    def colour(self, own: QColor) -> QColor:
        return own if self.ink.lively else self.ink.text

    def text(
        self, box: QRect, font: QFont, colour: QColor, words: str, elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        """A text that is shortened where it must be."""
        shown = QFontMetrics(font).elidedText(" ".join(words.split()), elide, box.width())
        self._draw(box, font, colour, shown, _LEFT)

    def note(self, box: QRect, font: QFont, colour: QColor, words: str) -> QRect:
        """A text at the end of the line; the box that is left for the one that gives way to it."""
        if not words:
            return box
        self._draw(box, font, colour, words, _RIGHT)
        return box.adjusted(0, 0, -(QFontMetrics(font).horizontalAdvance(words) + GAP), 0)

    def _draw(self, box: QRect, font: QFont, colour: QColor, words: str, side: Qt.AlignmentFlag) -> None:
        self.painter.setFont(font)
        self.painter.setPen(colour)
        across = QStyle.visualAlignment(self._direction, side) | Qt.AlignmentFlag.AlignAbsolute | _MIDDLE
        self.painter.drawText(self.mirrored(box), int(across) | Qt.TextFlag.TextSingleLine, words)


def _paint_header(pen: _Pen, header: Header, fonts: _Fonts, scheme: Colours) -> None:
    inner = pen.rect.adjusted(MARGIN, GAP, -MARGIN, -2)
    side = pen.mirrored(QRect(inner.left(), inner.top(), MARK_SIZE, inner.height()))
    paint_triangle(pen.painter, QRectF(side), header.is_open, pen.ink.muted)
    words = inner.adjusted(MARK_SIZE + GAP + UNIT, 0, 0, 0)
    room = pen.note(words, fonts.small, pen.ink.muted, f"{header.count:,}")
    pen.text(room, fonts.heading, pen.ink.muted, header.section)


def _wish(ask: ApprovalRequest | QuestionRequest) -> str:
    return ask.wish if isinstance(ask, ApprovalRequest) else ask.sentence.removeprefix(f"{ask.requester.path} ▸ ")


def _fonts(font: QFont) -> _Fonts:
    return _Fonts(QFont(font), scaled(font, 1.0, bold=True), scaled(font, _SMALL), scaled(font, _SMALL, bold=True))


def _ink(option: QStyleOptionViewItem, scheme: Colours) -> _Ink:
    """The list that has the focus shows its choice in the accent, any other in a quiet grey."""
    if option.state & QStyle.StateFlag.State_Selected:
        if option.state & QStyle.StateFlag.State_Active and option.state & QStyle.StateFlag.State_HasFocus:
            return _Ink(scheme.accent, scheme.on_accent, scheme.on_accent, lively=False)
        return _Ink(scheme.chosen, scheme.text, scheme.muted, lively=True)
    if option.state & QStyle.StateFlag.State_MouseOver:
        return _Ink(scheme.raised, scheme.text, scheme.muted, lively=True)
    return _Ink(scheme.base, scheme.text, scheme.muted, lively=True)
