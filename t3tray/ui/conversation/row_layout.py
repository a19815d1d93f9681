"""The vertical layout of the rows: their heights, measured or estimated, and positions. Plain numbers; no widget is touched."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from PySide6.QtWidgets import QWidget

from t3tray.ui.conversation.rows import Row
from t3tray.ui.theme import MARGIN, UNIT

_GONE = -1


class PlacedRow:
    """A row with its number, its height in px (estimated until measured at a width), and its widget while it has one."""

    __slots__ = ("height", "measured_at", "number", "row", "widget")

    def __init__(self, row: Row, height: int) -> None:
        self.row = row
        self.number = 0
        self.height = height
        self.measured_at = 0
        self.widget: QWidget | None = None

    def is_due(self, width: int) -> bool:
        """Whether it still has to be laid out at this width."""
        return self.widget is None or self.measured_at != width

    @property
    def is_gone(self) -> bool:
        return self.number == _GONE


class RowLayout:
    """The rows of a conversation in one column, in px from the top, with a margin above the first and below the last row."""

    def __init__(self) -> None:
        self.all: list[PlacedRow] = []
        # The height of each row with the space above it; the offset of each row, and at the end the total height.
        self._spans: list[int] = []
        self._tops: list[int] = [0]

    @property
    def height(self) -> int:
        return self._tops[-1]

    def take(self, rows: Sequence[Row], guess: Callable[[Row], int]) -> tuple[list[PlacedRow], list[PlacedRow]]:
        """Replace the rows. Return the placed rows that changed, and those that were removed.

        A row with the key of a previous row keeps its `PlacedRow`.
        """
        changed: list[PlacedRow] = []
        former = self.all
        if len(former) != len(rows) or any(placed.row.key != row.key for placed, row in zip(former, rows, strict=True)):
            known: dict[str, PlacedRow | None] = {placed.row.key: placed for placed in former}
            self.all = [known.pop(row.key, None) or PlacedRow(row, guess(row)) for row in rows]
            gone = [placed for placed in known.values() if placed]
            for placed in gone:
                placed.number = _GONE
        else:
            gone = []
        for number, (placed, row) in enumerate(zip(self.all, rows, strict=True)):
            placed.number = number
            if placed.row is not row and placed.row != row:
                placed.row, placed.measured_at = row, 0
                changed.append(placed)
        self._spans = [placed.row.space * UNIT + placed.height for placed in self.all]
        self.count()
        return changed, gone

    def count(self) -> None:
        """Recompute the offsets after heights were measured."""
        self._tops = [*accumulate(self._spans, initial=MARGIN)]
        self._tops[-1] += MARGIN if self.all else 0

    def measured(self, placed: PlacedRow, height: int, width: int) -> bool:
        """Store a row's height at this width. Return whether it differs from the previous one."""
        has_changed, placed.height, placed.measured_at = height != placed.height, height, width
        self._spans[placed.number] = placed.row.space * UNIT + height
        return has_changed

    def top(self, placed: PlacedRow) -> int:
        """Return the row's offset, below the space above it."""
        return self._tops[placed.number] + placed.row.space * UNIT

    def at(self, offset: float) -> int:
        """Return the number of the row at this offset."""
        return max(bisect_right(self._tops, offset) - 1, 0)

    def between(self, top: float, bottom: float) -> list[PlacedRow]:
        return self.all[self.at(top) : bisect_right(self._tops, bottom)]
