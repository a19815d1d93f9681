"""Unread threads: activity since the user's last visit, across restarts; never all threads at once, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.alerts import unread as module
from t3tray.alerts.unread import Unread
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import StoreError
from t3tray.store.store import Store
from t3tray.threads.snapshot import ThreadRow
from t3tray.threads.snapshot_rows import SnapshotRows
from tests.support.views import NOON, row, t3_thread

HOUR = timedelta(hours=1)


@contextmanager
def app(folder: Path) -> Iterator[tuple[Unread, Store]]:
    """One run of the app on this folder: its unread threads and its store."""
    store = Store.open(folder, lambda: NOON)
    try:
        yield Unread(store.visits), store
    finally:
        store.close()


def at(name: str, hours: float = 0, reason: Reason = Reason.PROVED) -> ThreadRow:
    """Return a thread whose last activity was that many hours after noon."""
    return row(name, reason, age=-HOUR * hours)


def foreign(name: str, hours: float = 0, *, works: bool = False) -> T3Thread:
    return structs.replace(t3_thread(name, "codex", is_working=works), last_activity_at=NOON + HOUR * hours)


def look(unread: Unread, *rows: ThreadRow, others: Iterable[T3Thread] = ()) -> set[str]:
    """Scan once; return the unread threads."""
    told = unread.update(SnapshotRows(rows, tuple(others)))
    unread.save()
    return set(told)


def test_what_is_met_for_the_first_time_is_no_news_and_what_ends_later_is(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, _):
        assert look(unread, at("a"), at("b", -100), others=[foreign("f")]) == set()
        assert look(unread, at("a", 1), at("b", -100), at("new", 5), others=[foreign("f", 1)]) == {"a", "f"}


def test_what_still_works_has_its_news_when_it_is_done(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, _):
        look(unread, at("a"), others=[foreign("f")])
        assert look(unread, at("a", 1, Reason.BUSY), others=[foreign("f", 1, works=True)]) == set()
        assert look(unread, at("a", 2), others=[foreign("f", 2)]) == {"a", "f"}


def test_news_go_when_the_user_has_looked_at_exactly_them(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, _):
        look(unread, at("a"), at("b"))
        assert look(unread, at("a", 1), at("b", 1)) == {"a", "b"}
        unread.visit("a", NOON + HOUR)
        assert look(unread, at("a", 1), at("b", 1)) == {"b"}
        look(unread, at("a", 2), at("b", 1))
        unread.visit("a", NOON + HOUR)
        assert look(unread, at("a", 2), at("b", 1)) == {"a", "b"}, "what was on screen was not the newest"


def test_the_next_run_of_the_app_knows_what_was_looked_at_and_what_was_not(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, _):
        look(unread, at("a"), at("b"), at("c"))
        look(unread, at("a", 1), at("b", 1), at("c"))
        unread.visit("a", NOON + HOUR)
    with app(tmp_path) as (unread, _):
        assert look(unread, at("a", 1), at("b", 1), at("c", 2)) == {"b", "c"}, "c ended while no app ran"


def test_without_a_keep_nothing_is_written_but_what_was_looked_at(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, store):
        unread.update(SnapshotRows((at("a"),)))
        assert store.visits.all() == {}
        unread.visit("b", NOON)
        assert store.visits.all() == {"a": NOON, "b": NOON}


def test_a_clock_that_is_set_back_makes_nothing_new_and_hides_no_turn_that_is_seen_to_run(tmp_path: Path) -> None:
    rows = tuple(at(f"t{number}", number) for number in range(30))
    with app(tmp_path) as (unread, _):
        look(unread, *rows)
    with app(tmp_path) as (unread, _):
        assert look(unread, *rows) == set(), "most of it is in the future now"
        assert look(unread, *rows[:-1], at("t29", 5, Reason.BUSY)) == set()
    with app(tmp_path) as (unread, _):
        assert look(unread, *rows[:-1], at("t29", 5.1)) == {"t29"}


def test_a_thread_that_a_source_tells_with_an_earlier_time_for_a_while_is_no_news(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, _):
        for hours in (2, 0, 2, 1, 2):
            assert look(unread, at("a", hours)) == set()


def test_what_is_shown_no_more_is_kept_for_a_while_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_OF_GONE", 3)
    with app(tmp_path) as (unread, store):
        look(unread, *(at(f"t{number}", number) for number in range(9)), others=[foreign("f", -9)])
        assert look(unread, at("t0"), others=[foreign("f", -9)]) == set()
        assert set(store.visits.all()) == {"t0", "f", "t8", "t7", "t6"}
        assert look(unread, at("t0"), at("t7", 9), at("t1", 9), others=[foreign("f", -9)]) == {"t7"}
        assert set(store.visits.all()) == {"t0", "t1", "f", "t8", "t7", "t6"}


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    with app(tmp_path) as (unread, store):
        look(unread, at("a"), others=[foreign("f")])
        before = store.path.with_name(f"{store.path.name}-wal").read_bytes()
        look(unread, at("a", 1), others=[foreign("f")])
        assert store.path.with_name(f"{store.path.name}-wal").read_bytes() == before


def test_what_could_not_be_written_is_written_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with app(tmp_path) as (unread, store):
        keep = store.visits.save

        def full(*_: object) -> None:
            raise StoreError("The disk is full.")

        monkeypatch.setattr(store.visits, "save", full)
        with pytest.raises(StoreError):
            look(unread, at("a"))
        monkeypatch.setattr(store.visits, "save", keep)
        assert look(unread, at("a", 1), replace(at("b"), verdict=Verdict(Reason.MISSING))) == {"a"}
        assert store.visits.all() == {"a": NOON, "b": NOON}
