"""Which rows of a table have changed since the reading before, however they have moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t3tray.core.system.marks import changed_rows

TABLE = st.dictionaries(st.integers(0, 400).map(str), st.integers(0, 3), max_size=300)


@given(TABLE, TABLE)
def test_what_is_new_changed_or_gone_is_told_and_nothing_else(before: dict[str, int], now: dict[str, int]) -> None:
    expected = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    assert changed_rows(list(before.items()), list(now.items())) >= expected
    if list(before) == list(now):
        assert changed_rows(list(before.items()), list(now.items())) == expected


def test_one_row_that_goes_and_one_that_comes_are_all_that_changed() -> None:
    before = [(f"t{number}", number) for number in range(1000)]
    now = [*before[:500], *before[501:], ("new", 1)]
    assert changed_rows(before, now) == {"t500", "new"}


def test_what_goes_by_no_name_is_left_out() -> None:
    assert changed_rows([], [(None, 1), (b"x", 1), ("t1", 1)]) == {"t1"}
