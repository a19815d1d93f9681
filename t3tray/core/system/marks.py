"""What the rows of some tables would show a change by, and which rows show one since the reading before. It reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from operator import ne

from t3tray.core.system.quiet_sqlite import Row

# By table, in the order of the file. What a row is of stands in its first column.
Marks = Mapping[str, Sequence[Row]]
_SHIFTED = 100


def changed(before: Marks, now: Marks) -> dict[str, set[str]]:
    """By table, what the rows that are new, changed or gone are of."""
    return {table: changed_rows(before.get(table, ()), rows) for table, rows in now.items()}


def changed_rows(before: Sequence[Row], now: Sequence[Row]) -> set[str]:
    """What the rows of one table that are new, changed or gone are of; those that go by anything but a text are left out."""
    common = min(len(before), len(now))
    places = list(compress(range(common), map(ne, before, now)))
    if len(places) > _SHIFTED or len(before) > common:
        # Rows went away, so that the places have shifted; new ones stand at the end, as a rule.
        differing = set(before) ^ set(now)
    else:
        differing = {rows[place] for place in places for rows in (before, now)} | {*now[common:]}
    return {row[0] for row in differing if isinstance(row[0], str)}
