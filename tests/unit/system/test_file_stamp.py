"""An unchanged stamp means that the file was not written, whatever its times are."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.system.file_stamp import stamps
from t3tray.system.read_only_sqlite import SqliteReader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_text("one")
    return made


def now_is(monkeypatch: pytest.MonkeyPatch, file: Path, later_ms: int) -> None:
    changed = file.stat().st_ctime_ns
    monkeypatch.setattr(time, "time_ns", lambda: changed + later_ms * 1_000_000)


def test_what_is_at_rest_keeps_its_stamp(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_is(monkeypatch, file, 1_000)
    assert stamps([file]) == stamps([file])
    assert stamps([file / "none", file])[0] is None


def test_what_was_written_at_this_moment_has_no_stamp_that_lasts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next change may come in the same tick of the system's clock, and leave the times unchanged."""
    now_is(monkeypatch, file, 1)
    assert stamps([file]) != stamps([file])


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of a file's change")
def test_times_that_are_put_back_hide_no_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_is(monkeypatch, file, 1_000)
    before, times = stamps([file]), file.stat()
    while True:
        file.write_text("two")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        if file.stat().st_ctime_ns != times.st_ctime_ns:
            break  # the system's clock has gone on
    now_is(monkeypatch, file, 1_000)
    assert (file.stat().st_mtime_ns, file.stat().st_size, file.stat().st_ino) == (times.st_mtime_ns, times.st_size, times.st_ino)
    assert stamps([file]) != before


def test_reading_a_database_that_another_has_open_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "some.db"
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE one (a)")
        writer.commit()
        for path in (file, wal := Path(f"{file}-wal")):
            os.utime(path, (1, 1))
        before = stamps([wal])
        with closing(SqliteReader(file)) as reader:
            reader.rows("SELECT * FROM one")
        assert stamps([wal]) == before
