"""Which rows of a table have changed since the previous reading, however they have moved."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from t3tray.system.row_fingerprints import Marks, changed, joined

VALUE = st.sampled_from([None, "", "a", "b", 1, 2.5, b"x"])
TABLE = st.dictionaries(st.integers(0, 40).map(str), st.tuples(VALUE, VALUE), max_size=30)


def marks(rows: Mapping[str, tuple[object, ...]]) -> Marks:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE things (name, one, two)")
        connection.executemany("INSERT INTO things VALUES (?, ?, ?)", [(name, *values) for name, values in rows.items()])
        found: Marks = connection.execute(f"SELECT {joined(('name', 'one', 'two'))} FROM things NOT INDEXED").fetchone()
        return found


@given(TABLE, TABLE)
def test_what_is_new_changed_or_gone_is_told_and_nothing_else(
    before: dict[str, tuple[object, ...]], now: dict[str, tuple[object, ...]]
) -> None:
    expected = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    assert changed(marks(before), marks(now)) == expected


@given(TABLE, TABLE)
def test_rows_that_were_added_are_told_with_those_that_changed(
    before: dict[str, tuple[object, ...]], added: dict[str, tuple[object, ...]]
) -> None:
    now = before | {f"new {name}": values for name, values in added.items()}
    for name in list(before)[:1]:
        now[name] = ("other", "other")
    expected = {name for name in now if before.get(name) != now[name]}
    assert changed(marks(before), marks(now)) == expected


def test_a_value_that_holds_what_stands_between_values_hides_no_change() -> None:
    before = {"t1": ("a", None), "t2": ("b", None)}
    assert changed(marks(before), marks(before | {"t1": ("a\x1fb", None)})) >= {"t1"}
