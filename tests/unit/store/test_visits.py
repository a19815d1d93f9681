"""The activity that was last seen of each thread: read back as written, replaced, removed, and empty in an older file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from t3tray.domain.thread import Source, Thread
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", lambda: NOON)
    yield opened
    opened.close()


def test_what_was_seen_is_read_back_to_the_microsecond_from_whatever_zone(store: Store) -> None:
    assert store.visits.all() == {}
    there = NOON.astimezone(timezone(timedelta(hours=-7)))
    store.visits.save({"a": NOON, "grüße “b”": there})
    assert store.visits.all() == {"a": NOON, "grüße “b”": NOON}


def test_what_is_kept_takes_the_place_of_what_was_be_it_earlier_and_what_is_gone_goes(store: Store) -> None:
    store.visits.save({"a": NOON, "b": NOON, "c": NOON})
    store.visits.save({"a": NOON - timedelta(days=1)}, ["b", "never there"])
    assert store.visits.all() == {"a": NOON - timedelta(days=1), "c": NOON}
    store.visits.save({}, ["a", "c"])
    assert store.visits.all() == {}


def test_more_threads_than_sqlite_takes_parameters_are_kept_and_forgotten(store: Store) -> None:
    many = {f"t{number}": NOON + timedelta(seconds=number) for number in range(40_000)}
    store.visits.save(many)
    assert store.visits.all() == many
    store.visits.save({}, many)
    assert store.visits.all() == {}


def test_a_file_of_before_has_seen_nothing_yet_and_loses_nothing(tmp_path: Path) -> None:
    thread = Thread("t1", "Parser", "/w", Source.T3TRAY, NOON, NOON)
    before = Store.open(tmp_path / "data", lambda: NOON)
    before.threads.add(thread)
    before.close()
    with closing(sqlite3.connect(tmp_path / "data" / FILE_NAME)) as connection, connection:
        connection.execute("DROP TABLE visits")
        connection.execute("DROP TABLE prompts")
        connection.execute("ALTER TABLE server_lease DROP COLUMN process_start")
        connection.execute("ALTER TABLE server_lease DROP COLUMN machine")
        connection.execute("DROP TABLE state")
        connection.execute("ALTER TABLE lease_holders DROP COLUMN start")
        connection.execute("DROP TABLE restores")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    after = Store.open(tmp_path / "data", lambda: NOON)
    assert after.visits.all() == {} and after.threads.all() == (thread,)
    after.visits.save({"t1": NOON})
    assert after.visits.all() == {"t1": NOON}
    after.close()


def test_a_time_that_is_none_takes_no_other_away_and_is_told(store: Store) -> None:
    store.visits.save({"a": NOON, "b": NOON})
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE visits SET activity_at = 'noon' WHERE thread_id = 'a'")
    assert store.visits.all() == {"b": NOON}
    assert any("visits a" in sentence for sentence in store.damaged_rows())
