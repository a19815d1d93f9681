"""Which rows of a table have changed since the reading before, told by a few of its columns. It reads nothing itself.

SQLite joins each column to one long text: that costs a quarter of what the rows would cost as objects, and a text that is the
same as before needs no second look.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from operator import ne

_BETWEEN, _NOTHING = "\x1f", "\x1e"

# Each column as one text, in the order of the file; the one that the rows go by first. None where there are no rows.
Marks = tuple[str | None, ...]


def joined(columns: Iterable[str]) -> str:
    """What to select for these columns' marks."""
    return ", ".join(f"group_concat(coalesce({column}, '{_NOTHING}'), '{_BETWEEN}')" for column in columns)


def changed(before: Marks, now: Marks) -> set[str]:
    """What the rows that are new, changed or gone go by."""
    if before == now:
        return set()
    grown = _grown(before, now)
    if grown is not None:
        return grown
    were, are = _split(before[0]), _split(now[0])
    if were != are[: len(were)]:
        # Rows went away, so that the places have shifted.
        old, new = (dict(zip(names, _rows(marks), strict=False)) for names, marks in ((were, before), (are, now)))
        return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    found = set(are[len(were) :])
    for one, other in zip(before[1:], now[1:], strict=True):
        if one != other:
            column = _split(other)
            if len(column) != len(are):
                return {*were, *are}  # a value holds what stands between values
            found.update(compress(are, map(ne, _split(one), column)))
    return found


def _grown(before: Marks, now: Marks) -> set[str] | None:
    """What the new rows go by, where nothing but new rows at the end has changed; None where more has."""
    for one, other in zip(before, now, strict=True):
        if one is None or other is None or not other.startswith(f"{one}{_BETWEEN}"):
            return None
    return set(_split((now[0] or "")[len(before[0] or "") + 1 :]))


def _split(text: str | None) -> list[str]:
    return [] if text is None else text.split(_BETWEEN)


def _rows(marks: Marks) -> Iterable[tuple[str, ...]]:
    return zip(*map(_split, marks), strict=False)
