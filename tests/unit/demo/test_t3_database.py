"""The demo's imitation of T3 Code's database against the real file of the sample."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from t3tray.demo.t3 import T3Player
from tests.support.t3_world import SAMPLE


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return name, type, NOT NULL, default and key of every column, by table."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
        query = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
        return {name: connection.execute(query, (name,)).fetchall() for (name,) in tables}


def test_its_tables_are_those_of_t3_code(tmp_path: Path) -> None:
    T3Player.create(tmp_path, "an id").close()
    ours = columns(tmp_path / "userdata" / "state.sqlite")
    real = columns(SAMPLE / "state.sqlite")
    assert ours == {name: real[name] for name in ours}
