"""A change of a file is noticed whichever program makes it, and how: by `stat`, on every system alike."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from t3tray.system import file_watch
from t3tray.system.file_watch import FileWatch, database_files
from tests.support.waiting import until


class Changes:
    """Counts the reported changes."""

    def __init__(self) -> None:
        self.told = threading.Semaphore(0)

    def __call__(self) -> None:
        self.told.release()

    def wait(self) -> None:
        assert self.told.acquire(timeout=90), "nothing was told"
        # One change may be reported in two parts.
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
    """FSEvents does not report these."""
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
    (real / "b").replace(real / "a")
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


class Mount:
    """A folder whose `stat` blocks until it is answered."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = str(folder)
        self._answers = threading.Event()
        self._stat = os.stat
        monkeypatch.setattr(os, "stat", self._hanging)
        self._answers.set()

    def die(self) -> None:
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    def _hanging(self, path: int | str | Path, **options: bool) -> os.stat_result:
        """Covers pytest's own calls in this process meanwhile."""
        if str(path).startswith(f"{self._folder}/"):
            assert self._answers.wait(90)
        return self._stat(path, **options)


def relieved(watched: FileWatch, changes: Changes, change: Callable[[], object]) -> None:
    """Make the change, and wait until it is reported, with `relieve` called as the loop does it."""
    change()
    limit = time.monotonic() + 90
    while not changes.told.acquire(timeout=0.02):
        assert time.monotonic() < limit, "nothing was told"
        watched.relieve()


class Threads:
    """The threads of watches that were started after this was created."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def settle(self, count: int, watched: FileWatch | None = None) -> None:
        """Wait until that many run, with `relieve` called as the loop does it."""

        def is_settled() -> bool:
            if watched is not None:
                watched.relieve()
            return self._count() == count

        until(is_settled, f"{count} threads")

    def _count(self) -> int:
        return sum(thread.name == "watch" for thread in {*threading.enumerate()} - self._before)


def test_one_thread_serves_all_folders(tmp_path: Path, watching: Callable[..., Changes]) -> None:
    began = Threads()
    files = [tmp_path / folder / name for folder in ("a", "b", "a/c") for name in ("state.sqlite", "state.sqlite-wal", "x")]
    changes = watching(*files)
    began.settle(1)
    for file in files:
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("1")
        changes.wait()
    for gone in ("a/c", "b"):
        shutil.rmtree(tmp_path / gone)
        changes.wait()
        (tmp_path / gone).mkdir()
        (tmp_path / gone / "x").write_text("2")
        changes.wait()


def test_a_mount_that_dies_hides_no_change_elsewhere_and_tells_again_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = Threads()
    monkeypatch.setattr(file_watch, "BLOCKED_AFTER", 0.1)
    for name in ("dead", "other"):
        (tmp_path / name).mkdir()
    mount, changes = Mount(tmp_path / "dead", monkeypatch), Changes()
    watched = FileWatch([tmp_path / "dead" / "a", tmp_path / "dead" / "b", tmp_path / "other" / "a"], changes, period=0.02)
    for number in range(3):
        mount.die()
        relieved(watched, changes, partial((tmp_path / "other" / "a").write_text, "1" * number))
        began.settle(2, watched)
        relieved(watched, changes, mount.answer)
        began.settle(1, watched)
        relieved(watched, changes, partial((tmp_path / "dead" / "b").write_text, "1" * number))
    watched.stop()


def test_mounts_that_are_dead_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_watch, "BLOCKED_AFTER", 0.1)
    mount, changes = Mount(tmp_path / "dead", monkeypatch), Changes()
    mount.die()
    files = [tmp_path / "dead" / "a" / "x", tmp_path / "dead" / "b" / "x", tmp_path / "x"]
    watched = FileWatch(files, changes, period=0.02)
    (tmp_path / "x").write_text("1")
    changes.wait()
    watched.stop()
    mount.answer()


def test_a_change_that_cannot_be_told_ends_no_watch(tmp_path: Path) -> None:
    told = threading.Semaphore(0)

    def tell() -> None:
        told.release()
        raise ValueError

    watched = FileWatch([tmp_path / "a"], tell, period=0.02)
    for text in ("1", "22"):
        (tmp_path / "a").write_text(text)
        assert told.acquire(timeout=90)
    watched.stop()


def test_it_costs_next_to_nothing(tmp_path: Path) -> None:
    files = [tmp_path / f"{folder}" / f"{name}" for folder in range(6) for name in ("state.sqlite", "state.sqlite-wal", "x.log")]
    watched = FileWatch(files, lambda: None, period=0.01)
    began, cpu = time.monotonic(), time.process_time()
    threading.Event().wait(1.0)
    share = (time.process_time() - cpu) / (time.monotonic() - began) / (file_watch.PERIOD / 0.01)
    watched.stop()
    assert share < 0.0005, f"{share:.4%} of a core"
