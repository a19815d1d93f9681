"""Widgets for the small rows of a conversation: foldable line, note, error, copy line, and the user's message."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from t3tray.ui.conversation.copy_button import CopyButton
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.theme import GAP, MARGIN, RADIUS, UNIT, colours
from t3tray.ui.widgets.basic import button, label, set_kind


class FoldLine(QPushButton):
    """A tool, a thought or a sub-agent in one elided line. A click opens or closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, autoDefault=False)
        self.setProperty("kind", "fold")
        self._text = ""
        self._sign = ""

    def show_line(self, symbol: str, text: str, *, is_open: bool, failed: bool) -> None:
        self._text = f"{symbol} {text}".strip()
        self._sign = "  ▾" if is_open else "  ▸"
        self.setAccessibleName(self._text)
        self.setAccessibleDescription("Open; press to close" if is_open else "Closed; press to open")
        set_kind(self, "fold-bad" if failed else "fold")
        self._elide()

    def height_at(self, width: int) -> int:
        return self.sizeHint().height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = self.fontMetrics()
        room = self.width() - metrics.horizontalAdvance(self._sign) - 2 * GAP
        # A single ampersand in a button's text would define a keyboard shortcut.
        self.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, room).replace("&", "&&") + self._sign)


class Note(QWidget):
    """A remark in small type."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = label("", "muted", size=0.92)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)

    def show_note(self, text: str, kind: str, *, centred: bool) -> None:
        self._label.setText(text)
        set_kind(self._label, kind)
        self._label.setAlignment(Qt.AlignmentFlag.AlignHCenter if centred else Qt.AlignmentFlag.AlignLeading)

    def height_at(self, width: int) -> int:
        return self._label.heightForWidth(width)


class CopyLine(QWidget):
    """The last row of a message: a button that copies it, visible while the mouse is over the message or it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts: tuple[str, ...] = ()
        self.copy = CopyButton("hidden", lambda: "\n\n".join(self._texts), self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeading)

    def show_copy(self, texts: tuple[str, ...], what: str) -> None:
        self._texts = texts
        self.copy.setAccessibleName(f"Copy {what}")
        self.show_near(False)

    def show_near(self, is_near: bool) -> None:
        set_kind(self.copy, "fold" if is_near else "hidden")

    def height_at(self, width: int) -> int:
        return self.copy.sizeHint().height()


class ErrorLine(QWidget):
    """Why a turn failed, with a button that sends its message again."""

    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = label("", "bad")
        self.retry = button("Retry")
        self.retry.setAccessibleName("Retry: send the last message again")
        self.retry.clicked.connect(self.retry_wanted)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._label, 1)
        layout.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignTop)

    def show_error(self, text: str, *, can_retry: bool) -> None:
        self._label.setText(text)
        self.retry.setVisible(can_retry)

    def height_at(self, width: int) -> int:
        if not self.retry.isVisibleTo(self):
            return self._label.heightForWidth(width)
        hint = self.retry.sizeHint()
        return max(self._label.heightForWidth(width - hint.width() - GAP), hint.height())


class UserCard(QWidget):
    """A message of the user, or a part of it: the first part has rounded corners on top, the last below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = Prose("typed", self)
        self._is_first = self._is_last = True

    def show_piece(self, text: str, *, is_first: bool, is_last: bool) -> None:
        self.text.show_plain(text)
        self._is_first, self._is_last = is_first, is_last
        self.update()

    def height_at(self, width: int) -> int:
        return self._above + self.text.height_at(width - 2 * (MARGIN - UNIT)) + self._below

    @property
    def _above(self) -> int:
        return GAP + UNIT // 2 if self._is_first else 0

    @property
    def _below(self) -> int:
        return GAP + UNIT // 2 if self._is_last else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = MARGIN - UNIT
        self.text.setGeometry(inside, self._above, self.width() - 2 * inside, self.height() - self._above - self._below)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # Corners where the message continues are outside of the widget.
        box = QRectF(self.rect()).adjusted(0, 0 if self._is_first else -2 * RADIUS, 0, 0 if self._is_last else 2 * RADIUS)
        path = QPainterPath()
        path.addRoundedRect(box, RADIUS, RADIUS)
        painter.fillPath(path, colours().raised)
