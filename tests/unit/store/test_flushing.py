"""Recorded data is on the disk: macOS needs a call of its own for that, which is made."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.store import files
from t3tray.store.open import open_database

FULL = 51


def test_the_database_asks_for_it_on_every_system(tmp_path: Path) -> None:
    database, _ = open_database(tmp_path, datetime.now(UTC))
    with database.read() as connection:
        for pragma in ("fullfsync", "checkpoint_fullfsync"):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == 1
    database.close()


@pytest.mark.parametrize("is_network", [False, True])
def test_the_second_record_of_the_bindings_is_flushed_the_full_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_network: bool
) -> None:
    asked: list[object] = []

    def full(_descriptor: int, how: int) -> int:
        asked.append(how)
        if is_network:
            raise OSError(errno.ENOTSUP, "Operation not supported")
        return 0

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", FULL, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full)
    monkeypatch.setattr(os, "fsync", lambda _: asked.append("fsync"))
    with (tmp_path / "journal.jsonl").open("w") as file:
        files.flush(file.fileno())
    assert asked == ([FULL, "fsync"] if is_network else [FULL])
