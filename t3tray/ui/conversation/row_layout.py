"""Where each row stands: heights, as far as they are known, and what they add up to. Plain numbers; widgets are only held."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from PySide6.QtWidgets import QWidget

from t3tray.ui.conversation.rows import Row
from t3tray.ui.theme import MARGIN, UNIT

_GONE = -1


class RowPlace:
    """A row, its number, how high it is (guessed until it was measured at a width), and its widget while it has one."""

    __slots__ = ("height", "measured_at", "number", "row", "widget")

    def __init__(self, row: Row, height: int) -> None:
        self.row = row
        self.number = 0
        self.height = height
        self.measured_at = 0
        self.widget: QWidget | None = None

    def is_due(self, width: int) -> bool:
        """Whether it has yet to be laid out at this width."""
        return self.widget is None or self.measured_at != width

    @property
    def is_gone(self) -> bool:
        return self.number == _GONE


class RowLayout:
    """All rows of a conversation under each other, in px from the top; there is a margin above the first and below the last."""

    def __init__(self) -> None:
        self.all: list[RowPlace] = []
        # How high each is with the space above it, and where each begins; the last of these is where all end.
        self._spans: list[int] = []
        self._tops: list[int] = [0]

    @property
    def height(self) -> int:
        return self._tops[-1]

    def take(self, rows: Sequence[Row], guess: Callable[[Row], int]) -> tuple[list[RowPlace], list[RowPlace]]:
        """Hold these rows in place of the ones before: which places changed, and which are gone.

        A row with the key of one before is in the same place.
        """
        changed: list[RowPlace] = []
        former = self.all
        if len(former) != len(rows) or any(place.row.key != row.key for place, row in zip(former, rows, strict=True)):
            known: dict[str, RowPlace | None] = {place.row.key: place for place in former}
            self.all = [known.pop(row.key, None) or RowPlace(row, guess(row)) for row in rows]
            gone = [place for place in known.values() if place]
            for place in gone:
                place.number = _GONE
        else:
            gone = []
        for number, (place, row) in enumerate(zip(self.all, rows, strict=True)):
            place.number = number
            if place.row is not row and place.row != row:
                place.row, place.measured_at = row, 0
                changed.append(place)
        self._spans = [place.row.space * UNIT + place.height for place in self.all]
        self.count()
        return changed, gone

    def count(self) -> None:
        """Add up again, after heights were measured."""
        self._tops = [*accumulate(self._spans, initial=MARGIN)]
        self._tops[-1] += MARGIN if self.all else 0

    def measured(self, place: RowPlace, height: int, width: int) -> bool:
        """Note how high it is at this width; whether that is news."""
        is_news, place.height, place.measured_at = height != place.height, height, width
        self._spans[place.number] = place.row.space * UNIT + height
        return is_news

    def top(self, place: RowPlace) -> int:
        """Where the row begins, below the space above it."""
        return self._tops[place.number] + place.row.space * UNIT

    def at(self, offset: float) -> int:
        """The number of the row that stands there."""
        return max(bisect_right(self._tops, offset) - 1, 0)

    def between(self, top: float, bottom: float) -> list[RowPlace]:
        return self.all[self.at(top) : bisect_right(self._tops, bottom)]
