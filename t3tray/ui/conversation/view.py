"""The messages: rows under each other, of which only those near the eye are widgets, so that thousands cost no more than a few.

It owns where each row stands and what is kept in place while rows come, grow and go. It reads nothing: rows are given to it.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHoverEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from t3tray.domain.conversation import Conversation
from t3tray.ui.conversation.row_layout import RowLayout, RowPlace
from t3tray.ui.conversation.row_widget_pool import height_of, made_for, show, stops_of
from t3tray.ui.conversation.row_widgets import CopyLine, ErrorLine, FoldLine
from t3tray.ui.conversation.rows import CopyRow, FoldRow, NoteRow, Row, Rows, UserRow
from t3tray.ui.theme import GAP, MARGIN, UNIT
from t3tray.ui.widgets.basic import button

# In px: lines longer than this are hard to read.
_WIDEST = 760
_INDENT = 5 * UNIT
# In heights of the view: how far off rows become widgets, and how far off they cease to be.
_NEAR, _FAR = 0.4, 1.5
_PASSES = 6
# In ms: how long rows are laid out before a picture has its turn.
_SLICE = 7
# How many widgets of a kind are kept for later.
_SPARE = 24


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
        # Room for it is kept, so that the lines do not break anew when it comes.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._rows = Rows()
        self._conversation: Conversation | None = None
        self._hint = ""
        self._places = RowLayout()
        self._alive: list[RowPlace] = []
        self._sticks = True
        self._anchor: tuple[RowPlace, int] | None = None
        self._asked_before: str | None = None
        self._spare: dict[type[Row], list[QWidget]] = {}
        self._order: list[QWidget] = []
        self._is_settling = False
        self._pointed: CopyLine | None = None
        # The mouse is followed over the rows too.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._sheet = QWidget(self.viewport())
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._arrange)
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

    @property
    def is_due(self) -> bool:
        """Whether some of what is near the eye is not laid out yet."""
        return self._later.isActive()

    def show_hint(self, hint: str) -> None:
        """What is said where there is no message; another conversation begins."""
        self._rows, self._conversation, self._hint = Rows(), None, hint
        self._sticks, self._anchor, self._asked_before = True, None, None
        self._set_rows(self._told())

    def show_conversation(self, conversation: Conversation) -> None:
        """What cannot be seen is laid out when it can be."""
        self._conversation = conversation
        if self.isVisible():
            self._set_rows(self._told())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._set_rows(self._told())

    @Slot()
    def show_newest(self) -> None:
        self._sticks = True
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def viewportEvent(self, event: QEvent) -> bool:
        match event:
            case QHoverEvent() if event.type() == QEvent.Type.HoverLeave:
                self._point_at(None)
            case QHoverEvent():
                self._point_at(self._end_at(event.position().y() + self.verticalScrollBar().value()))
        return super().viewportEvent(event)

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
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and self._places.all:
            for place in self._places.all:
                place.measured_at = 0
                if place.widget:
                    show(place.widget, place.row)
            self._arrange()

    def _told(self) -> tuple[Row, ...]:
        rows = self._rows.of(self._conversation) if self._conversation else ()
        return rows or ((NoteRow(key="hint", text=self._hint, centred=True, space=8),) if self._hint else ())

    def _set_rows(self, rows: tuple[Row, ...]) -> None:
        metrics = self.fontMetrics()
        letters = max(self._width() // max(metrics.averageCharWidth(), 1), 1)
        changed, gone = self._places.take(rows, partial(_guess, line=metrics.lineSpacing(), letters=letters))
        for place in gone:
            self._let_go(place)
        for place in changed:
            if place.widget:
                show(place.widget, place.row)
        self._arrange()

    @Slot()
    def _arrange(self) -> None:
        """Give every row its place, and those near the eye a widget. What is measured may move the rest, so look again.

        What takes longer than a picture may goes on after the next one; what is looked at comes first.
        """
        clock = QElapsedTimer()
        clock.start()
        self._later.stop()
        height, width = self.viewport().height(), self._width()
        is_begun = False
        for _ in range(_PASSES):
            offset = self._offset()
            is_news = False
            for place in self._in_order(offset - _NEAR * height, offset, offset + (1 + _NEAR) * height):
                if not place.is_due(self._room(place, width)):
                    continue
                if is_begun and clock.elapsed() >= _SLICE:
                    self._later.start()
                    break
                is_begun = True
                is_news = self._measure(place, width) or is_news
            if is_news:
                self._places.count()
            if not is_news or self._later.isActive():
                break
        self._settle(self._offset(), width)

    def _in_order(self, top: float, offset: int, bottom: float) -> list[RowPlace]:
        """The rows in between, those that are seen first: from the end, or from what stands on top, and then those above it."""
        near = self._places.between(top, bottom)
        if self._sticks:
            return near[::-1]
        first = self._places.at(offset)
        return [place for place in near if place.number >= first] + [place for place in near[::-1] if place.number < first]

    def _settle(self, offset: int, width: int) -> None:
        view = self.viewport()
        height = view.height()
        kept = self._places.between(offset - _FAR * height, offset + (1 + _FAR) * height)
        first, last = (kept[0].number, kept[-1].number) if kept else (0, -1)
        focused = QApplication.focusWidget()
        left = MARGIN + max((view.width() - 2 * MARGIN - _WIDEST) // 2, 0)
        alive = [place for place in self._alive if place.widget and not place.is_gone]
        self._alive = sorted(alive, key=lambda place: place.number)
        shown = []
        for place in self._alive:
            widget = place.widget
            if widget is None:
                continue
            if not first <= place.number <= last and not (focused and (widget is focused or widget.isAncestorOf(focused))):
                self._let_go(place)
                continue
            indent = place.row.depth * _INDENT
            top = self._places.top(place)
            widget.setGeometry(left + indent, top, width - indent, place.height)
            if widget.isHidden():
                widget.show()
            shown.append(widget)
        self._chain(shown)
        self._scroll_to(offset)
        self._remember(offset)
        self._place_newest()
        self._ask_for_older(offset)

    def _scroll_to(self, offset: int) -> None:
        bar, height, whole = self.verticalScrollBar(), self.viewport().height(), self._places.height
        self._sheet.setGeometry(0, -offset, self.viewport().width(), max(whole, height))
        self._is_settling = True
        bar.setPageStep(height)
        bar.setRange(0, max(whole - height, 0))
        bar.setValue(offset)
        bar.setEnabled(whole > height)
        self._is_settling = False

    def _width(self) -> int:
        # The scroll bar stands in the margin.
        return max(min(self.viewport().width() + self.verticalScrollBar().width() - 2 * MARGIN, _WIDEST), 1)

    def _offset(self) -> int:
        """How far the view is scrolled down: to the end, or so that what was on top stays there."""
        most = max(self._places.height - self.viewport().height(), 0)
        if self._sticks:
            return most
        if self._anchor is None or self._anchor[0].is_gone:
            return min(self.verticalScrollBar().value(), most)
        place, above = self._anchor
        return min(max(self._places.top(place) + above, 0), most)

    def _measure(self, place: RowPlace, width: int) -> bool:
        """Have it a widget of the right height; whether it is another height than was thought."""
        width = self._room(place, width)
        if place.widget is None:
            place.widget = self._made(place.row)
            self._alive.append(place)
        return self._places.measured(place, height_of(place.widget, width), width)

    def _room(self, place: RowPlace, width: int) -> int:
        return width - place.row.depth * _INDENT

    def _made(self, row: Row) -> QWidget:
        """A widget that shows the row: one that was let go of, else a new one."""
        spare = self._spare.get(type(row))
        made = spare.pop() if spare else made_for(row)
        show(made, row)
        if made.parent() is not self._sheet:
            made.setParent(self._sheet)
            if isinstance(made, FoldLine):
                made.clicked.connect(lambda: self._on_pressed(made))
            elif isinstance(made, ErrorLine):
                made.retry_wanted.connect(self.retry_wanted)
        return made

    def _let_go(self, place: RowPlace) -> None:
        widget, place.widget = place.widget, None
        if widget is None:
            return
        if self._pointed and self._pointed is widget:
            self._point_at(None)
        widget.hide()
        spare = self._spare.setdefault(type(place.row), [])
        if len(spare) < _SPARE:
            spare.append(widget)
        else:
            widget.deleteLater()

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
        for place in self._places.all[self._places.at(offset) :]:
            if not isinstance(place.row, NoteRow):
                self._anchor = place, offset - self._places.top(place)
                return

    def _bring_into_sight(self, top: int, bottom: int) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if top < bar.value():
            bar.setValue(top - GAP)
        elif bottom > bar.value() + height:
            bar.setValue(min(bottom + GAP - height, top - GAP))

    def _end_at(self, offset: float) -> CopyLine | None:
        """The end of the message that stands there, where it is near the eye."""
        places = self._places.all
        first = self._places.at(offset)
        for place in places[first:]:
            is_another = isinstance(place.row, UserRow) and not isinstance(places[first].row, UserRow)
            if place.widget is None or is_another:
                break
            if isinstance(place.widget, CopyLine):
                return place.widget
        return None

    def _point_at(self, end: CopyLine | None) -> None:
        if self._pointed is not end:
            if self._pointed:
                self._pointed.show_near(False)
            if end:
                end.show_near(True)
            self._pointed = end

    def _place_newest(self) -> None:
        self.newest.setVisible(not self._sticks)
        hint = self.newest.sizeHint()
        corner = self.viewport().geometry().bottomRight()
        self.newest.setGeometry(corner.x() - hint.width() - GAP, corner.y() - hint.height() - GAP, hint.width(), hint.height())
        self.newest.raise_()

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        if self._is_settling:
            return
        self._sticks = self._is_at_end(value)
        self._remember(value)
        self._arrange()

    def _ask_for_older(self, value: int) -> None:
        """Once for each oldest message, while the reader comes near it."""
        shown = self._conversation
        if not shown or not shown.messages or value >= self.viewport().height():
            return
        if self._rows.reveal():
            self._set_rows(self._told())
        elif shown.has_older and shown.messages[0].id != self._asked_before:
            self._asked_before = shown.messages[0].id
            self.older_wanted.emit()

    def _on_pressed(self, line: QWidget) -> None:
        row = next(place.row for place in self._alive if place.widget is line)
        self._rows.toggle(row.key)
        if isinstance(row, FoldRow) and row.child and not row.is_open:
            self.agent_wanted.emit(row.child)
        # What was opened is looked at: the end must not run away with it.
        self._sticks = False
        self._set_rows(self._told())
        self._sticks = self._is_at_end(self.verticalScrollBar().value())
        self._place_newest()

    def _is_at_end(self, value: int) -> bool:
        return value >= self.verticalScrollBar().maximum() - GAP


def _guess(row: Row, line: int, letters: int) -> int:
    """About how high a row is that nobody has seen yet, where lines are this high and have so many letters."""
    if isinstance(row, FoldRow | NoteRow | CopyRow):
        return line + UNIT
    text: str = getattr(row, "text", "")
    return line * (1 + text.count("\n") + len(text) // letters)
