"""A copy of a database that another program keeps locked ends with an error; by itself SQLite's backup would wait for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.system.read_only_sqlite import back_up


def test_all_that_is_committed_is_copied(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a")) as source, closing(sqlite3.connect(":memory:")) as target:
        source.execute("CREATE TABLE words AS SELECT 'hello' AS word")
        back_up(source, target)
        assert target.execute("SELECT word FROM words").fetchall() == [("hello",)]


def test_a_file_that_stays_locked_is_given_up(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a", isolation_level=None)) as holder:
        holder.execute("CREATE TABLE words (word)")
        holder.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(tmp_path / "a", timeout=0)) as source,
            closing(sqlite3.connect(":memory:")) as target,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            back_up(source, target)
