"""The store's file in every state that a disk, a crash or a newer version can leave: no data is lost without a message."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from t3tray.domain.thread import Source, Thread
from t3tray.errors import StoreError
from t3tray.store.copies import Copies
from t3tray.store.open import FILE_NAME
from t3tray.store.schema import metadata
from t3tray.store.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREAD = Thread("3f2a", "Parser", "/work", Source.T3TRAY, NOON, NOON)


def opened(folder: Path, at: datetime = NOON) -> Store:
    return Store.open(folder, lambda: at)


def filled(folder: Path, at: datetime = NOON) -> Path:
    """The file of a closed store with one thread, of which today's copy has been made."""
    store = opened(folder, at)
    store.threads.add(THREAD)
    store.close()
    opened(folder, at + timedelta(minutes=1)).close()
    return folder / FILE_NAME


def sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    path.write_bytes(b"\x07 this is no database " * 500)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def hollow(path: Path) -> None:
    sql(path, "DROP TABLE receipts")


def remove(path: Path) -> None:
    path.unlink()


def test_only_the_owner_may_read_what_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = opened(folder)
    store.threads.add(THREAD)
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {FILE_NAME, f"{FILE_NAME}-wal"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    store.close()


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    path.chmod(0o644)
    opened(path.parent).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_the_migrations_make_is_what_the_schema_says(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    for table in metadata.sorted_tables:
        columns = {row[1] for row in sql(path, f"PRAGMA table_info({table.name})")}
        assert columns == {column.name for column in table.columns}, table.name


@pytest.mark.parametrize("harm", [truncate, scramble, empty, hollow, remove])
def test_a_damaged_file_is_set_aside_and_the_newest_good_copy_put_back(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = filled(tmp_path / "data")
    harm(path)
    damaged = path.read_bytes() if path.exists() else None
    store = opened(path.parent, NOON + timedelta(hours=1))
    assert store.threads.find("3f2a").title == "Parser"
    (notice,) = store.notices
    assert "put back" in notice
    store.close()
    if damaged:
        assert any(other.read_bytes() == damaged for other in path.parent.glob(f"{FILE_NAME}.damaged-*")), "it was deleted"


def test_without_any_good_copy_a_new_file_begins_and_the_user_is_told(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    for copy in path.parent.glob("backups/*"):
        scramble(copy)
    scramble(path)
    store = opened(path.parent)
    assert store.threads.all() == ()
    assert "begins anew" in store.notices[0]
    store.close()


def test_a_table_of_another_program_that_cannot_be_read_is_no_damage(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    row = "('table', 'theirs', 'theirs', 0, 'CREATE VIRTUAL TABLE theirs USING a_module_that_is_missing(x)')"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES {row}")
        connection.commit()
    store = opened(path.parent)
    assert store.threads.find("3f2a").title == "Parser" and store.notices == ()
    store.close()


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    sql(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version"):
        opened(path.parent)
    assert path.read_bytes() == before


def test_a_copy_is_made_once_a_day_and_five_are_kept(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    for day in range(1, 9):
        for hour in (0, 3):
            opened(path.parent, NOON + timedelta(days=day, hours=hour)).close()
    assert len(list(path.parent.glob("backups/*.sqlite"))) == 5


def test_a_file_at_the_present_shape_is_opened_without_alembic(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path; from t3tray.store.store import Store;"
        f"Store.open(Path({str(path.parent)!r}), lambda: datetime.now(UTC)).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_two_processes_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path; from t3tray.store.store import Store;"
        f"s = Store.open(Path({str(tmp_path / 'data')!r}), lambda: datetime.now(UTC)); print(len(s.notices)); s.close()"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate(timeout=90)[0].strip(), process.returncode) for process in both] == [("0", 0), ("0", 0)]


def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    program = f"""
import resource, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from t3tray.errors import StoreError
from t3tray.store.store import Store
store = Store.open(Path({str(path.parent)!r}), lambda: datetime(2026, 11, 24, 12, 30, tzinfo=UTC))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    store.threads.set_draft("3f2a", "x" * 100_000)
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "disk" in done.stdout, done.stderr
    store = opened(path.parent)
    assert store.threads.find("3f2a").draft == ""
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
def test_a_writer_that_was_killed_leaves_a_store_that_opens(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    program = f"""
import os, signal
from datetime import datetime, UTC
from pathlib import Path
from t3tray.store.open import open_database
from t3tray.store.store import Store
database, notices = open_database(Path({str(path.parent)!r}), datetime(2026, 11, 24, 12, 30, tzinfo=UTC))
Store(database, notices).threads.set_draft("3f2a", "kept")
with database.write() as connection:
    connection.exec_driver_sql("UPDATE threads SET title = 'half'")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9
    store = opened(path.parent)
    thread = store.threads.find("3f2a")
    assert (thread.title, thread.draft, store.notices) == ("Parser", "kept", ())
    store.close()


def test_a_store_that_was_closed_or_replaced_says_so(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    store = opened(path.parent)
    other = tmp_path / "other"
    filled(other).rename(path)
    with pytest.raises(StoreError, match="replaced or removed"):
        store.threads.all()
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_a_link_in_the_place_of_the_lock_leads_to_no_other_file(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    theirs.chmod(0o644)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "opening.lock").symlink_to(theirs)
    with pytest.raises(StoreError) as told:
        opened(folder)
    assert "it contains a symbolic link" in told.value.message and "opening.lock" in told.value.message
    assert theirs.read_text() == "theirs" and theirs.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_a_data_file_that_the_user_keeps_elsewhere_is_used_there(tmp_path: Path) -> None:
    path = filled(tmp_path / "elsewhere")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE_NAME).symlink_to(path)
    store = opened(tmp_path / "data")
    assert store.threads.all()
    store.close()


def test_copies_that_cannot_be_made_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `sudo t3tray`, whose `backups/` no other user may read."""
    path = filled(tmp_path / "data")

    def refuse(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(path.parent / "backups"))

    for name in ("newest_first", "make"):
        with monkeypatch.context() as patched:
            patched.setattr(Copies, name, refuse)
            store = opened(path.parent, NOON + timedelta(days=2))
            assert store.threads.all()
            (notice,) = store.notices
            assert notice.startswith("Today's safety copy of t3tray's data could not be made: ") and "backups" in notice
            store.close()


def test_an_older_file_is_brought_up_to_date_without_a_copy_where_none_can_be_made(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    sql(path, "DROP TABLE restores")
    sql(path, "ALTER TABLE server_lease DROP COLUMN machine")
    sql(path, "DROP TABLE state")
    sql(path, "UPDATE alembic_version SET version_num = '0009'")
    for copy in path.parent.glob("backups/*"):
        copy.unlink()
    (path.parent / "backups").rmdir()
    (path.parent / "backups").write_text("no folder")
    store = opened(path.parent)
    assert store.threads.all() and any("could not be made" in notice for notice in store.notices)
    store.close()
