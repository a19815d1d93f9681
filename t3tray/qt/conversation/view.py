"""The messages: rows under each other, of which only those near the eye are widgets, so that thousands cost no more than a few.

It owns where each row stands and what is kept in place while rows come, grow and go. It reads nothing: rows are given to it.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise

from PySide6.QtCore import QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from t3tray.core.domain.conversation import Conversation
from t3tray.qt.conversation.lines import ErrorLine, FoldLine
from t3tray.qt.conversation.row_widget import fits, height_of, made_for, show, stops_of
from t3tray.qt.conversation.rows import FoldRow, NoteRow, Row, Rows
from t3tray.qt.parts import button
from t3tray.qt.theme import GAP, MARGIN, UNIT

# In px: lines longer than this are hard to read.
_WIDEST = 760
_INDENT = 5 * UNIT
# In heights of the view: how far off rows become widgets, and how far off they cease to be.
_NEAR, _FAR = 0.4, 1.5
_PASSES = 6


class _Place:
    """A row, how high it is (as far as is known), and its widget while it has one."""

    __slots__ = ("height", "measured_at", "row", "widget")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.height = 0
        self.measured_at = 0
        self.widget: QWidget | None = None


class ConversationView(QAbstractScrollArea):
    """Follows the newest message while the reader is at the end, and keeps the place anywhere else."""

    older_wanted = Signal()
    agent_wanted = Signal(str)
    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setProperty("kind", "talk")
        self.setAccessibleName("Conversation")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rows = Rows()
        self._conversation: Conversation | None = None
        self._hint = ""
        self._places: list[_Place] = []
        self._tops: list[int] = [0]
        self._sticks = True
        self._anchor: tuple[str, int] | None = None
        self._asked_before: str | None = None
        self._order: list[QWidget] = []
        self._sheet = QWidget(self.viewport())
        self.newest = button("↓ Newest")
        self.newest.setParent(self)
        self.newest.setAccessibleName("Go to the newest message")
        self.newest.clicked.connect(self.show_newest)
        self.newest.hide()
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().setSingleStep(5 * UNIT)

    @property
    def follows(self) -> bool:
        """Whether the newest message is kept in sight."""
        return self._sticks

    def show_hint(self, hint: str) -> None:
        """What is said where there is no message; another conversation begins."""
        self._rows, self._conversation, self._hint = Rows(), None, hint
        self._sticks, self._anchor, self._asked_before = True, None, None
        self._set_rows(self._told())

    def show_conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._set_rows(self._told())

    @Slot()
    def show_newest(self) -> None:
        self._sticks = True
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        match event.key():
            case Qt.Key.Key_Home:
                bar.setValue(bar.minimum())
            case Qt.Key.Key_End:
                self.show_newest()
            case _:
                super().keyPressEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Bring what the Tab key comes to into sight."""
        moved = super().focusNextPrevChild(next)
        focused = QApplication.focusWidget()
        if moved and focused and self._sheet.isAncestorOf(focused):
            top = focused.mapTo(self._sheet, QPoint(0, 0)).y()
            self._bring_into_sight(top, top + focused.height())
        return moved

    def changeEvent(self, event: QEvent) -> None:
        """Colours and fonts are in the texts themselves, so they are laid out anew."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and self._places:
            for place in self._places:
                place.measured_at = 0
                if place.widget:
                    show(place.widget, place.row)
            self._arrange()

    def _told(self) -> tuple[Row, ...]:
        rows = self._rows.of(self._conversation) if self._conversation else ()
        return rows or ((NoteRow(key="hint", text=self._hint, centred=True, space=8),) if self._hint else ())

    def _set_rows(self, rows: tuple[Row, ...]) -> None:
        former = self._places
        if len(former) == len(rows) and all(place.row.key == row.key for place, row in zip(former, rows, strict=True)):
            for place, row in zip(former, rows, strict=True):
                if place.row is not row and place.row != row:
                    self._change(place, row)
        else:
            known = {place.row.key: place for place in former}
            self._places = [self._placed(known.pop(row.key, None), row) for row in rows]
            for gone in known.values():
                self._let_go(gone)
        self._arrange()

    def _placed(self, place: _Place | None, row: Row) -> _Place:
        if place is None:
            return _Place(row)
        if place.row is not row and place.row != row:
            self._change(place, row)
        return place

    def _change(self, place: _Place, row: Row) -> None:
        place.row = row
        place.measured_at = 0
        if place.widget:
            if fits(place.widget, row):
                show(place.widget, row)
            else:
                self._let_go(place)

    def _arrange(self) -> None:
        """Give every row its place, and those near the eye a widget. What is measured may move the rest, so look again."""
        height = self.viewport().height()
        for _ in range(_PASSES):
            self._count()
            offset = self._offset()
            near = self._between(offset - _NEAR * height, offset + (1 + _NEAR) * height)
            if not [place for place in near if self._measure(place)]:
                break
        self._count()
        self._settle(self._offset())

    def _settle(self, offset: int) -> None:
        view, bar = self.viewport(), self.verticalScrollBar()
        height, whole = view.height(), self._tops[-1]
        far = self._between(offset - _FAR * height, offset + (1 + _FAR) * height)
        kept = {id(place) for place in far}
        shown = []
        left = (view.width() - self._width()) // 2
        for number, place in enumerate(self._places):
            if place.widget is None:
                continue
            if id(place) not in kept and not place.widget.isAncestorOf(QApplication.focusWidget() or self):
                self._let_go(place)
                continue
            indent = place.row.depth * _INDENT
            place.widget.setGeometry(
                left + indent, self._tops[number] + place.row.space * UNIT, self._width() - indent, place.height
            )
            place.widget.show()
            shown.append(place.widget)
        self._sheet.setGeometry(0, -offset, view.width(), max(whole, height))
        self._chain(shown)
        bar.blockSignals(True)
        bar.setPageStep(height)
        bar.setRange(0, max(whole - height, 0))
        bar.setValue(offset)
        bar.blockSignals(False)
        self._remember(offset)
        self._place_newest()
        self._ask_for_older(offset)

    def _count(self) -> None:
        """Where each row begins, its space above included; the last number is where all end."""
        heights = (place.row.space * UNIT + (place.height or self._guess(place.row)) for place in self._places)
        self._tops = [*accumulate(heights, initial=MARGIN)]
        self._tops[-1] += MARGIN if self._places else 0

    def _guess(self, row: Row) -> int:
        """About how high a row is that nobody has seen yet."""
        line = self.fontMetrics().lineSpacing()
        text: str = getattr(row, "text", "")
        if isinstance(row, FoldRow | NoteRow):
            return line + UNIT
        return line * (1 + text.count("\n") + len(text) * self.fontMetrics().averageCharWidth() // max(self._width(), 1))

    def _width(self) -> int:
        return max(min(self.viewport().width() - 2 * MARGIN, _WIDEST), 1)

    def _offset(self) -> int:
        """How far the view is scrolled down: to the end, or so that what was on top stays there."""
        most = max(self._tops[-1] - self.viewport().height(), 0)
        if self._sticks or self._anchor is None:
            return most if self._sticks else min(self.verticalScrollBar().value(), most)
        key, above = self._anchor
        number = next((number for number, place in enumerate(self._places) if place.row.key == key), None)
        if number is None:
            return min(self.verticalScrollBar().value(), most)
        return min(max(self._tops[number] + above, 0), most)

    def _between(self, top: float, bottom: float) -> list[_Place]:
        first = max(bisect_right(self._tops, top) - 1, 0)
        return self._places[first : bisect_right(self._tops, bottom)]

    def _measure(self, place: _Place) -> bool:
        """Have it a widget of the right height; whether it is another height than was thought."""
        width = self._width() - place.row.depth * _INDENT
        if place.widget is None:
            place.widget = self._made(place.row)
        if place.measured_at == width:
            return False
        before, place.measured_at = place.height or self._guess(place.row), width
        place.height = height_of(place.widget, width)
        return place.height != before

    def _made(self, row: Row) -> QWidget:
        made = made_for(row)
        made.setParent(self._sheet)
        show(made, row)
        key = row.key
        if isinstance(made, FoldLine):
            made.clicked.connect(lambda: self._on_toggled(key))
        elif isinstance(made, ErrorLine):
            made.retry_wanted.connect(self.retry_wanted)
        return made

    def _let_go(self, place: _Place) -> None:
        if place.widget:
            place.widget.hide()
            place.widget.deleteLater()
            place.widget = None

    def _chain(self, shown: list[QWidget]) -> None:
        """The Tab key goes from top to bottom, in whatever order the widgets were made."""
        if shown == self._order:
            return
        self._order = shown
        stops = [stop for widget in shown for stop in stops_of(widget)]
        for one, other in pairwise([self, *stops]):
            QWidget.setTabOrder(one, other)

    def _remember(self, offset: int) -> None:
        """What stands on top, so that it does so after whatever comes; a date is no place, it moves."""
        for number in range(max(bisect_right(self._tops, offset) - 1, 0), len(self._places)):
            if not isinstance(self._places[number].row, NoteRow):
                self._anchor = self._places[number].row.key, offset - self._tops[number]
                return

    def _bring_into_sight(self, top: int, bottom: int) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if top < bar.value():
            bar.setValue(top - GAP)
        elif bottom > bar.value() + height:
            bar.setValue(min(bottom + GAP - height, top - GAP))

    def _place_newest(self) -> None:
        self.newest.setVisible(not self._sticks)
        hint = self.newest.sizeHint()
        corner = self.viewport().geometry().bottomRight()
        self.newest.setGeometry(corner.x() - hint.width() - GAP, corner.y() - hint.height() - GAP, hint.width(), hint.height())
        self.newest.raise_()

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        self._sticks = self._is_at_end(value)
        self._remember(value)
        self._arrange()

    def _ask_for_older(self, value: int) -> None:
        """Once for each oldest message, while the reader comes near it."""
        shown = self._conversation
        if shown and shown.has_older and shown.utterances and value < self.viewport().height():
            oldest = shown.utterances[0].id
            if oldest != self._asked_before:
                self._asked_before = oldest
                self.older_wanted.emit()

    def _on_toggled(self, key: str) -> None:
        self._rows.toggle(key)
        row = next((place.row for place in self._places if place.row.key == key), None)
        if isinstance(row, FoldRow) and row.child and not row.is_open:
            self.agent_wanted.emit(row.child)
        # What was opened is looked at: the end must not run away with it.
        self._sticks = False
        self._set_rows(self._told())
        self._sticks = self._is_at_end(self.verticalScrollBar().value())
        self._place_newest()

    def _is_at_end(self, value: int) -> bool:
        return value >= self.verticalScrollBar().maximum() - GAP
