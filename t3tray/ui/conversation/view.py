"""The view of the messages: a column of rows, of which only those near the visible area are widgets, so that thousands of rows
cost no more than a few.

It owns the scroll position, which it keeps on the same row while rows are added, grow and disappear.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHoverEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from t3tray.domain.conversation import Conversation
from t3tray.ui.conversation.row_layout import PlacedRow, RowLayout
from t3tray.ui.conversation.row_widget_pool import height_of, made_for, show, stops_of
from t3tray.ui.conversation.row_widgets import CopyLine, ErrorLine, FoldLine
from t3tray.ui.conversation.rows import CopyRow, FoldRow, NoteRow, Row, Rows, UserRow
from t3tray.ui.theme import GAP, MARGIN, UNIT
from t3tray.ui.widgets.basic import button

# In px: the maximum width of the text; longer lines are hard to read.
_WIDEST = 760
_INDENT = 5 * UNIT
# In heights of the view: the distance within which rows become widgets, and beyond which they lose them.
_NEAR, _FAR = 0.4, 1.5
_PASSES = 6
# In ms: how long rows are laid out before the event loop gets control again.
SLICE = 7
# How many unused widgets of each kind are kept for reuse.
_SPARE = 24


class ConversationView(QAbstractScrollArea):
    """Follows the newest message while scrolled to the end, and keeps its position anywhere else."""

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
        # Always on: a scroll bar that appears would change the width and wrap all lines again.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._rows = Rows()
        self._conversation: Conversation | None = None
        self._hint = ""
        self._layout = RowLayout()
        self._alive: list[PlacedRow] = []
        self._sticks = True
        self._anchor: tuple[PlacedRow, int] | None = None
        self._older_asked_for: str | None = None
        self._spare: dict[type[Row], list[QWidget]] = {}
        self._order: list[QWidget] = []
        self._is_settling = False
        self._hovered: CopyLine | None = None
        # Hover events also for the child widgets.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._canvas = QWidget(self.viewport())
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
        """Whether the view follows the newest message."""
        return self._sticks

    @property
    def is_due(self) -> bool:
        """Whether some rows near the visible area are not laid out yet."""
        return self._later.isActive()

    def show_hint(self, hint: str) -> None:
        """Begin another conversation, and show a hint until it has messages."""
        self._rows, self._conversation, self._hint = Rows(), None, hint
        self._sticks, self._anchor, self._older_asked_for = True, None, None
        self._set_rows(self._current_rows())

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation; a hidden view lays it out when it becomes visible."""
        self._conversation = conversation
        if self.isVisible():
            self._set_rows(self._current_rows())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._set_rows(self._current_rows())

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
                self._hover(None)
            case QHoverEvent():
                self._hover(self._end_at(event.position().y() + self.verticalScrollBar().value()))
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
        """Scroll to the widget that the Tab key reaches."""
        moved = super().focusNextPrevChild(next)
        focused = QApplication.focusWidget()
        if moved and focused and self._canvas.isAncestorOf(focused):
            top = focused.mapTo(self._canvas, QPoint(0, 0)).y()
            self._scroll_into_view(top, top + focused.height())
        return moved

    def changeEvent(self, event: QEvent) -> None:
        """Fill and lay out all widgets again, because colours and fonts are part of their documents."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and self._layout.all:
            for placed in self._layout.all:
                placed.measured_at = 0
                if placed.widget:
                    show(placed.widget, placed.row)
            self._arrange()

    def _current_rows(self) -> tuple[Row, ...]:
        rows = self._rows.of(self._conversation) if self._conversation else ()
        return rows or ((NoteRow(key="hint", text=self._hint, centred=True, space=8),) if self._hint else ())

    def _set_rows(self, rows: tuple[Row, ...]) -> None:
        metrics = self.fontMetrics()
        letters = max(self._width() // max(metrics.averageCharWidth(), 1), 1)
        changed, gone = self._layout.take(rows, partial(_guess, line=metrics.lineSpacing(), letters=letters))
        for placed in gone:
            self._release(placed)
        for placed in changed:
            if placed.widget:
                show(placed.widget, placed.row)
        self._arrange()

    @Slot()
    def _arrange(self) -> None:
        """Create and measure widgets for the rows near the visible area; measured heights may move others, so repeat.

        After `SLICE` ms the rest is deferred to the event loop; visible rows come first.
        """
        clock = QElapsedTimer()
        clock.start()
        self._later.stop()
        height, width = self.viewport().height(), self._width()
        is_begun = False
        for _ in range(_PASSES):
            offset = self._offset()
            has_changed = False
            for placed in self._in_order(offset - _NEAR * height, offset, offset + (1 + _NEAR) * height):
                if not placed.is_due(self._width_of(placed, width)):
                    continue
                if is_begun and clock.elapsed() >= SLICE:
                    self._later.start()
                    break
                is_begun = True
                has_changed = self._measure(placed, width) or has_changed
            if has_changed:
                self._layout.count()
            if not has_changed or self._later.isActive():
                break
        self._settle(self._offset(), width)

    def _in_order(self, top: float, offset: int, bottom: float) -> list[PlacedRow]:
        """Return the rows between `top` and `bottom` in the order of layout: upwards from the end, or downwards from `offset`."""
        near = self._layout.between(top, bottom)
        if self._sticks:
            return near[::-1]
        first = self._layout.at(offset)
        return [placed for placed in near if placed.number >= first] + [placed for placed in near[::-1] if placed.number < first]

    def _settle(self, offset: int, width: int) -> None:
        view = self.viewport()
        height = view.height()
        near = self._layout.between(offset - _FAR * height, offset + (1 + _FAR) * height)
        first, last = (near[0].number, near[-1].number) if near else (0, -1)
        focused = QApplication.focusWidget()
        left = MARGIN + max((view.width() - 2 * MARGIN - _WIDEST) // 2, 0)
        alive = [placed for placed in self._alive if placed.widget and not placed.is_gone]
        self._alive = sorted(alive, key=lambda placed: placed.number)
        shown = []
        for placed in self._alive:
            widget = placed.widget
            if widget is None:
                continue
            if not first <= placed.number <= last and not (focused and (widget is focused or widget.isAncestorOf(focused))):
                self._release(placed)
                continue
            indent = placed.row.depth * _INDENT
            top = self._layout.top(placed)
            widget.setGeometry(left + indent, top, width - indent, placed.height)
            if widget.isHidden():
                widget.show()
            shown.append(widget)
        self._chain(shown)
        self._scroll_to(offset)
        self._remember(offset)
        self._place_newest()
        self._ask_for_older(offset)

    def _scroll_to(self, offset: int) -> None:
        bar, height, whole = self.verticalScrollBar(), self.viewport().height(), self._layout.height
        self._canvas.setGeometry(0, -offset, self.viewport().width(), max(whole, height))
        self._is_settling = True
        bar.setPageStep(height)
        bar.setRange(0, max(whole - height, 0))
        bar.setValue(offset)
        bar.setEnabled(whole > height)
        self._is_settling = False

    def _width(self) -> int:
        # The scroll bar is within the margin.
        return max(min(self.viewport().width() + self.verticalScrollBar().width() - 2 * MARGIN, _WIDEST), 1)

    def _offset(self) -> int:
        """Return the scroll offset: the end if the view follows it, else so that the anchor row stays where it was."""
        most = max(self._layout.height - self.viewport().height(), 0)
        if self._sticks:
            return most
        if self._anchor is None or self._anchor[0].is_gone:
            return min(self.verticalScrollBar().value(), most)
        placed, above = self._anchor
        return min(max(self._layout.top(placed) + above, 0), most)

    def _measure(self, placed: PlacedRow, width: int) -> bool:
        """Give the row a widget and measure it. Return whether its height differs from the previous or estimated one."""
        width = self._width_of(placed, width)
        if placed.widget is None:
            placed.widget = self._widget_for(placed.row)
            self._alive.append(placed)
        return self._layout.measured(placed, height_of(placed.widget, width), width)

    def _width_of(self, placed: PlacedRow, width: int) -> int:
        return width - placed.row.depth * _INDENT

    def _widget_for(self, row: Row) -> QWidget:
        """Return a widget that shows the row: an unused one, else a new one."""
        spare = self._spare.get(type(row))
        made = spare.pop() if spare else made_for(row)
        show(made, row)
        if made.parent() is not self._canvas:
            made.setParent(self._canvas)
            if isinstance(made, FoldLine):
                made.clicked.connect(lambda: self._on_pressed(made))
            elif isinstance(made, ErrorLine):
                made.retry_wanted.connect(self.retry_wanted)
        return made

    def _release(self, placed: PlacedRow) -> None:
        widget, placed.widget = placed.widget, None
        if widget is None:
            return
        if self._hovered and self._hovered is widget:
            self._hover(None)
        widget.hide()
        spare = self._spare.setdefault(type(placed.row), [])
        if len(spare) < _SPARE:
            spare.append(widget)
        else:
            widget.deleteLater()

    def _chain(self, shown: list[QWidget]) -> None:
        """Set the tab order from top to bottom, whatever the order in which the widgets were created."""
        if shown == self._order:
            return
        self._order = shown
        stops = [stop for widget in shown for stop in stops_of(widget)]
        for one, other in pairwise([self, *stops]):
            QWidget.setTabOrder(one, other)

    def _remember(self, offset: int) -> None:
        """Remember the topmost row as the anchor of the scroll position. Not a note: dates move."""
        for placed in self._layout.all[self._layout.at(offset) :]:
            if not isinstance(placed.row, NoteRow):
                self._anchor = placed, offset - self._layout.top(placed)
                return

    def _scroll_into_view(self, top: int, bottom: int) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if top < bar.value():
            bar.setValue(top - GAP)
        elif bottom > bar.value() + height:
            bar.setValue(min(bottom + GAP - height, top - GAP))

    def _end_at(self, offset: float) -> CopyLine | None:
        """Return the copy line of the message at this offset, if it has a widget."""
        places = self._layout.all
        first = self._layout.at(offset)
        for placed in places[first:]:
            is_another = isinstance(placed.row, UserRow) and not isinstance(places[first].row, UserRow)
            if placed.widget is None or is_another:
                break
            if isinstance(placed.widget, CopyLine):
                return placed.widget
        return None

    def _hover(self, end: CopyLine | None) -> None:
        if self._hovered is not end:
            if self._hovered:
                self._hovered.show_near(False)
            if end:
                end.show_near(True)
            self._hovered = end

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
        """Ask for older messages when scrolled near the oldest one, once for each oldest message."""
        shown = self._conversation
        if not shown or not shown.messages or value >= self.viewport().height():
            return
        if self._rows.reveal():
            self._set_rows(self._current_rows())
        elif shown.has_older and shown.messages[0].id != self._older_asked_for:
            self._older_asked_for = shown.messages[0].id
            self.older_wanted.emit()

    def _on_pressed(self, line: QWidget) -> None:
        row = next(placed.row for placed in self._alive if placed.widget is line)
        self._rows.toggle(row.key)
        if isinstance(row, FoldRow) and row.child and not row.is_open:
            self.agent_wanted.emit(row.child)
        # Do not follow the end while the user looks at the opened row.
        self._sticks = False
        self._set_rows(self._current_rows())
        self._sticks = self._is_at_end(self.verticalScrollBar().value())
        self._place_newest()

    def _is_at_end(self, value: int) -> bool:
        return value >= self.verticalScrollBar().maximum() - GAP


def _guess(row: Row, line: int, letters: int) -> int:
    """Estimate the height of a row in px, from the line height and the number of characters per line."""
    if isinstance(row, FoldRow | NoteRow | CopyRow):
        return line + UNIT
    text: str = getattr(row, "text", "")
    return line * (1 + text.count("\n") + len(text) // letters)
