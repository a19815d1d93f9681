"""A change of a file is noticed whoever makes it and however: by what `stat` tells, on every system alike."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.core.system import watch
from t3tray.core.system.watch import FileWatch, database_files


class Changes:
    """Counts what is told."""

    def __init__(self) -> None:
        self.told = threading.Semaphore(0)

    def __call__(self) -> None:
        self.told.release()

    def wait(self) -> None:
        assert self.told.acquire(timeout=90), "nothing was told"
        # What one change did may be told in two parts.
        while self.told.acquire(timeout=0.1):
            pass


@pytest.fixture
def watching() -> Iterator[Callable[..., Changes]]:
    made: list[FileWatch] = []

    def begin(*files: Path) -> Changes:
        changes = Changes()
        made.append(FileWatch(files, changes, period=0.02))
        return changes

    yield begin
    for each in made:
        each.stop()


def test_writes_to_a_wal_that_stays_open_are_told(tmp_path: Path, watching: Callable[..., Changes]) -> None:
    """Of these FSEvents says nothing."""
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("CREATE TABLE t (a)")
        changes = watching(*database_files(path))
        for number in range(3):
            writer.execute("INSERT INTO t VALUES (?)", (number,))
            changes.wait()


def test_a_file_that_comes_goes_is_replaced_or_lies_behind_a_link(tmp_path: Path, watching: Callable[..., Changes]) -> None:
    real = tmp_path / "real"
    (tmp_path / "link").symlink_to(real)
    changes = watching(tmp_path / "link" / "a")
    real.mkdir()
    (real / "a").write_text("1")
    changes.wait()
    (real / "b").write_text("1")
    os.utime(real / "b", ns=(0, (real / "a").stat().st_mtime_ns))
    os.replace(real / "b", real / "a")
    changes.wait()
    (real / "a").unlink()
    changes.wait()


def test_what_is_not_watched_is_not_told_and_after_the_end_nothing_is(tmp_path: Path) -> None:
    changes = Changes()
    watched = FileWatch((tmp_path / "a",), changes, period=0.02)
    (tmp_path / "b").write_text("1")
    assert not changes.told.acquire(timeout=0.2)
    watched.stop()
    (tmp_path / "a").write_text("1")
    assert not changes.told.acquire(timeout=0.2)


def test_a_disk_that_does_not_answer_hides_no_change_on_another(
    tmp_path: Path, watching: Callable[..., Changes], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, answers = tmp_path / "dead" / "a", threading.Event()
    stat = os.stat

    def hanging(path: str) -> os.stat_result:
        if path == str(dead):
            answers.wait()
        return stat(path)

    monkeypatch.setattr(watch.os, "stat", hanging)
    monkeypatch.setattr(watch, "_FIRST_LOOK", 0.1)
    changes = watching(dead, tmp_path / "b")
    (tmp_path / "b").write_text("1")
    changes.wait()
    answers.set()


def test_it_costs_next_to_nothing(tmp_path: Path) -> None:
    files = [tmp_path / f"{folder}" / f"{name}" for folder in range(6) for name in ("state.sqlite", "state.sqlite-wal", "x.log")]
    watched = FileWatch(files, lambda: None, period=0.01)
    began, cpu = time.monotonic(), time.process_time()
    threading.Event().wait(1.0)
    share = (time.process_time() - cpu) / (time.monotonic() - began) / (watch.PERIOD / 0.01)
    watched.stop()
    assert share < 0.001, f"{share:.4%} of a core"
