"""The journal's own file beside the database: entries that one lacks are restored from the other, none twice."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.restore import Restore
from t3tray.domain.thread import Source, Thread
from t3tray.store.journal_file import FILE_NAME as RECORD
from t3tray.store.journal_file import JournalLine
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def opened(folder: Path, at: datetime = NOON) -> Store:
    return Store.open(folder, lambda: at)


def bind(store: Store, thread: str, session: str, old: str | None = None) -> None:
    lines = [confirmed(thread, session)]
    if old:
        lines.insert(0, Entry(thread, Event.SUPERSEDED, Actor.USER, "for another", NOON, old))
    store.journal.append(*lines)


def confirmed(thread: str, session: str) -> Entry:
    return Entry(thread, Event.CONFIRMED, Actor.USER, "chosen", NOON, session, f"i-{session}", Cursor(session, "/work"))


def thread(name: str) -> Thread:
    return Thread(name, f"Thread {name}", "/work", Source.T3TRAY, NOON, NOON, draft="not to be written twice")


def bindings(store: Store) -> dict[str, str]:
    return {name: cursor.session_id for name, cursor in store.journal.cursors().items()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a copy, after which a thread was bound to another session, one was created, and one was released."""
    folder = tmp_path / "data"
    store = opened(folder)
    for name in ("a", "b"):
        store.add_thread(thread(name), confirmed(name, f"ses_{name}"))
    store.close()
    opened(folder).close()
    store = opened(folder)
    assert len(list(folder.glob("backups/*.sqlite"))) == 1
    bind(store, "a", "ses_a2", "ses_a")
    store.add_thread(thread("c"), confirmed("c", "ses_c"))
    store.journal.append(Entry("b", Event.RELEASED, Actor.USER, "let go", NOON, "ses_b"))
    store.close()
    return folder


NOW = {"a": "ses_a2", "c": "ses_c"}


def put_back(folder: Path) -> None:
    (copy,) = folder.glob("backups/*.sqlite")
    shutil.copy(copy, folder / FILE_NAME)


def restore_of(store: Store) -> Restore:
    found = store.restores.unsettled()
    assert found is not None
    return found


@pytest.mark.parametrize("harm", ["zeroed", "removed", "older", "all copies gone"])
def test_every_change_of_a_binding_comes_back(data: Path, harm: str) -> None:
    match harm:
        case "zeroed":
            (data / FILE_NAME).write_bytes(bytes(20_000))
        case "removed":
            (data / FILE_NAME).unlink()
        case "older":
            put_back(data)
        case "all copies gone":
            (data / FILE_NAME).write_bytes(b"x" * 20_000)
            shutil.rmtree(data / "backups")
    store = opened(data)
    assert bindings(store) == NOW and store.threads.find("c").title == "Thread c"
    restore = restore_of(store)
    assert restore.complete and store.restores.in_doubt() == frozenset()
    assert store.notices and store.warnings[0] == store.notices[0]
    bind(store, "b", "ses_b2")
    store.close()
    again = opened(data)
    assert bindings(again) == NOW | {"b": "ses_b2"} and not again.notices and again.warnings
    assert again.restores.settle(NOON) == 1 and not again.warnings
    again.close()


def test_a_restore_that_was_settled_is_told_no_more_by_the_process_that_found_it(data: Path) -> None:
    put_back(data)
    store = opened(data)
    told = store.warnings
    store.restores.settle(NOON)
    assert (len(told), store.warnings) == (1, ())
    store.close()


def test_a_restore_stands_although_the_record_cannot_be_used(data: Path) -> None:
    (data / FILE_NAME).write_bytes(bytes(20_000))
    (data / RECORD).unlink()
    (data / RECORD).mkdir()
    store = opened(data)
    assert not restore_of(store).complete and store.restores.in_doubt() == {"a", "b"}
    assert any("second record" in warning for warning in store.warnings)
    store.close()


@pytest.mark.parametrize("harm", ["gone", "a line lost", "a line damaged", "cut off"])
def test_what_the_record_lacks_leaves_the_bindings_in_doubt(data: Path, harm: str) -> None:
    put_back(data)
    (data / FILE_NAME).write_bytes(b"")
    record, lines = data / RECORD, (data / RECORD).read_bytes().splitlines(keepends=True)
    match harm:
        case "gone":
            record.unlink()
        case "a line lost":
            record.write_bytes(b"".join(lines[:3] + lines[4:]))
        case "a line damaged":
            record.write_bytes(b"".join([*lines[:-1], b"{damaged\n"]))
        case "cut off":
            record.write_bytes(b"".join(lines)[:-20])
    store = opened(data)
    assert not restore_of(store).complete and "b" in store.restores.in_doubt() | (bindings(store).keys() ^ {"b"})
    for name in store.restores.in_doubt():
        cursor = store.journal.binding(name).cursor
        assert cursor
        store.journal.append(Entry(name, Event.PROVEN, Actor.USER, "verified", NOON, cursor.session_id, cursor=cursor))
    assert store.restores.in_doubt() == frozenset() and restore_of(store)
    store.close()
    # What is written after a line that was cut off is a line of its own, and the next restore has it.
    store = opened(data)
    store.add_thread(thread("d"), confirmed("d", "ses_d"))
    store.close()
    assert record.read_bytes().endswith(b"\n") and b'"ses_d"' in record.read_bytes().splitlines()[-1]


def without(folder: Path, *lost: tuple[str, str]) -> None:
    """Destroy the file, and remove these lines from its record: thread and event, the last of each kind."""
    (folder / FILE_NAME).write_bytes(b"")
    lines = {text: msgspec.json.decode(text, type=JournalLine).entry for text in (folder / RECORD).read_bytes().splitlines()}
    gone = {max((e.seq or 0, text) for text, e in lines.items() if (e.thread_id, e.event) == each)[1] for each in lost}
    (folder / RECORD).write_bytes(b"".join(text + b"\n" for text in lines if text not in gone))


@pytest.mark.parametrize(
    ("lost", "session"),
    [
        # Its beginning is lost: its result is reported nevertheless.
        ([("a", "superseded")], "ses_a2"),
        # Its end is lost: what took the place of the one that was left is not known.
        ([("a", "confirmed")], ""),
        ([("a", "superseded"), ("a", "confirmed")], "ses_a"),
    ],
)
def test_a_gap_takes_no_line_with_it_that_is_there(data: Path, lost: list[tuple[str, str]], session: str) -> None:
    without(data, *lost)
    store = opened(data)
    assert bindings(store) == {"c": "ses_c"} | ({"a": session} if session else {})
    assert not restore_of(store).complete
    # A binding that was written after the gap is as sure as ever.
    in_the_gap = bool(session) and ("a", "confirmed") in lost
    assert store.restores.in_doubt() == ({"a"} if in_the_gap else set())
    store.close()
    again = opened(data)
    assert not again.notices, "it is not put back twice"
    again.close()


def test_a_binding_from_before_a_gap_is_in_doubt_although_the_record_brought_it_back(data: Path) -> None:
    store = opened(data)
    bind(store, "a", "ses_a3", "ses_a2")
    store.add_thread(thread("d"), confirmed("d", "ses_d"))
    store.close()
    without(data, ("a", "superseded"), ("a", "confirmed"))
    store = opened(data)
    assert bindings(store)["a"] == "ses_a2" and bindings(store)["d"] == "ses_d"
    assert store.restores.in_doubt() == {"a", "c"}
    store.close()


def test_a_line_that_could_not_be_written_is_told_and_written_later(data: Path) -> None:
    record = data / RECORD
    store = opened(data)
    kept = record.read_bytes()
    record.unlink()
    record.mkdir()
    store.add_thread(thread("d"), confirmed("d", "ses_d"))
    assert any("second record" in warning for warning in store.warnings)
    record.rmdir()
    record.write_bytes(kept)
    bind(store, "d", "ses_d2", "ses_d")
    assert not any("second record" in warning for warning in store.warnings)
    store.close()
    put_back(data)
    store = opened(data)
    assert bindings(store) == NOW | {"d": "ses_d2"} and restore_of(store).complete
    store.close()


def test_what_a_connection_beside_could_not_write_is_told_and_written_by_whoever_writes_next(data: Path) -> None:
    record = data / RECORD
    store = opened(data)
    beside = store.beside()
    kept = record.read_bytes()
    record.unlink()
    record.mkdir()
    beside.add_thread(thread("d"), confirmed("d", "ses_d"))
    assert any("second record" in warning for warning in store.warnings)
    record.rmdir()
    record.write_bytes(kept)
    store.add_thread(thread("e"), confirmed("e", "ses_e"))
    assert not any("second record" in warning for warning in store.warnings)
    beside.close()
    store.close()
    assert [b'"ses_d"' in line for line in record.read_bytes().splitlines()[-2:]] == [True, False]


def test_the_file_of_another_store_is_kept_apart(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    opened(other).close()
    shutil.copy(data / RECORD, other / RECORD)
    store = opened(other)
    assert bindings(store) == {} and store.restores.unsettled() is None
    assert list(other.glob(f"{RECORD}.other-*"))
    store.close()


def test_a_start_that_finds_both_level_writes_nothing(data: Path) -> None:
    opened(data).close()
    before = {path: path.stat().st_mtime_ns for path in (data / RECORD, data / FILE_NAME)}
    opened(data).close()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_file_from_before_the_record_gets_one(data: Path) -> None:
    (data / RECORD).unlink()
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute("DROP TABLE restores")
        connection.execute("ALTER TABLE server_lease DROP COLUMN machine")
        connection.execute("DROP TABLE state")
        connection.execute("UPDATE alembic_version SET version_num = '0009'")
    store = opened(data)
    assert bindings(store) == NOW and store.restores.unsettled() is None and store.id
    store.close()
    (data / FILE_NAME).write_bytes(b"")
    store = opened(data, NOON + timedelta(hours=2))
    assert bindings(store) == NOW and restore_of(store).complete
    store.close()


def test_a_copy_from_the_future_neither_pushes_out_nor_stands_for_a_later_one(data: Path) -> None:
    (copy,) = data.glob("backups/*.sqlite")
    for year in range(2030, 2036):
        shutil.copy(copy, copy.with_name(f"t3tray-{year}0101T000000Z.sqlite"))
    for day in range(1, 9):
        opened(data, NOON + timedelta(days=day)).close()
    kept = sorted(path.name for path in data.glob("backups/*.sqlite"))
    assert len(kept) == 11 and kept[:5] == [f"t3tray-202611{24 + day}T120000Z.sqlite" for day in (4, 5, 6)] + [
        f"t3tray-202612{day:02}T120000Z.sqlite" for day in (1, 2)
    ]
    (data / RECORD).unlink()
    (data / FILE_NAME).write_bytes(b"")
    store = opened(data, NOON + timedelta(days=9))
    assert bindings(store) == NOW, "a copy that knows less was put back"
    store.close()
