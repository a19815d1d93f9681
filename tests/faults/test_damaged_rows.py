"""One value of one row of our own file is damaged: that row is set aside and reported, and everything else is still there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.backend.snapshot_builder import AppExtras
from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Evidence, Failure
from t3tray.domain.guard import CreateRequest, GuardAction, GuardAnswer, GuardDecision
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import IdleState
from t3tray.domain.restore import Restore
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.messages.receipts import build_receipt
from t3tray.settings.definitions import Settings
from t3tray.settings.stored import read_settings, write_settings
from t3tray.store.journal_file import FILE_NAME as RECORD
from t3tray.store.open import FILE_NAME
from t3tray.store.restores import add_restore
from t3tray.store.schema import metadata
from t3tray.store.server_lease import Lease, LeaseHolder
from t3tray.store.store import Store
from tests.support.stores import writing_in

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
GARBAGE = ["'no value at all'", "x'00ff00'", "CAST(x'ff' AS TEXT)", "''", "'{}'", "9223372036854775807", "'\"ses_other\"'"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with rows in every table."""
    folder = tmp_path_factory.mktemp("filled")
    store = Store.open(folder, lambda: NOON)
    for name in ("a1", "b2"):
        cursor = Cursor(f"ses_{name}", "/work", last_message_id="msg_1")
        thread = Thread(name, f"Thread {name}", "/work", Source.T3TRAY, NOON, NOON)
        intent = Entry(name, Event.INTENDED, Actor.USER, "new", NOON, intent=f"i-{name}")
        store.add_thread(thread, intent)
        store.journal.append(Entry(name, Event.CONFIRMED, Actor.USER, "made", NOON, cursor.session_id, f"i-{name}", cursor))
        evidence = Evidence(NOON, Failure.SERVER_DOWN, Failure.SERVER_DOWN)
        store.receipts.add(build_receipt(name, "/work", cursor, evidence, Verdict(Reason.SERVER_DOWN)))
        lost = Alarm(name, AlarmKind.LOST, Cause.SESSION_DELETED, SessionContents("ses_0"), SessionContents(None), NOON, NOON)
        store.alarms.record({name: "ses_0"}, [lost])
        passed = GuardDecision(GuardAction.PASS, (), name)
        store.guard_answers.add(GuardAnswer(NOON, CreateRequest("t", "/work"), passed, None, NOON, evidence=("why",)))
    store.visits.save({"a1": NOON, "b2": NOON})
    write_settings(store.settings, Settings(terminal="kitty", stop_idle_minutes=7), "terminal", "stop_idle_minutes")
    store.rests.note(IdleState(NOON))
    store.lease.claim(Lease("token", 4096, "file", NOON, False), LeaseHolder(2**22 + 1, 1.0, "command"))
    with writing_in(store) as connection:
        add_restore(connection, Restore(NOON, "was empty", 0, False))
    store.close()
    return folder


def cells() -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if not (column.primary_key and column.type.python_type is int):
                yield table.name, column.name


def damage(folder: Path, table: str, column: str, garbage: str) -> bool:
    """Write it into the first row; return False where the database itself refuses that."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        (trigger,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_no_update'").fetchone()
        connection.execute("DROP TRIGGER journal_no_update")
        try:
            first = f"(SELECT min(rowid) FROM {table})"
            connection.execute(f"UPDATE {table} SET {column} = {garbage} WHERE rowid = {first}")
        except sqlite3.IntegrityError:
            return False
        finally:
            connection.execute(trigger)
    return True


@pytest.mark.parametrize(("table", "column"), list(cells()))
def test_every_other_row_is_read_whatever_one_value_is(filled: Path, tmp_path: Path, table: str, column: str) -> None:
    for number, garbage in enumerate(GARBAGE):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(filled / FILE_NAME, folder)
        shutil.copy(filled / RECORD, folder)
        if damage(folder, table, column, garbage):
            assert_the_rest_is_there(folder)


def assert_the_rest_is_there(folder: Path) -> None:
    store = Store.open(folder, lambda: NOON)
    assert {thread.id for thread in store.threads.all()} >= {"b2"}
    assert isinstance(store.threads.draft("a1"), str) and store.threads.draft("b2") == ""
    bound = store.journal.cursors()["b2"]
    assert bound.session_id == "ses_b2" and store.journal.binding("b2").cursor == bound
    assert store.journal.changes_since(0)[1]["b2"] == bound
    assert [entry.event for entry in store.journal.entries("b2")] == [Event.INTENDED, Event.CONFIRMED]
    assert store.receipts.last("b2") and store.alarms.all("b2") and store.guard_answers.all("b2")
    assert store.visits.all()["b2"] == NOON and store.alarms.sightings()["b2"] == "ses_0"
    settings = read_settings(store.settings)
    assert settings.terminal == "kitty" or settings.stop_idle_minutes == 7
    store.damaged_rows()
    for read in (store.rests.last, store.lease.wanted, store.restores.unsettled, store.restores.in_doubt, store.journal.pending):
        read()
    assert isinstance(store.warnings, tuple) and store.prompts.of("b2") == ()
    store.close()


def test_a_damaged_draft_is_empty_and_replaced_by_the_next_text(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    assert damage(folder, "threads", "draft", "x'00ff00'")
    store = Store.open(folder, lambda: NOON)
    assert store.threads.draft("a1") == ""
    store.threads.save_draft("a1", "a refused message")
    assert store.threads.draft("a1") == "a refused message"
    store.close()


WORST = [
    ("threads", "created_at"),
    ("threads", "source"),
    ("journal", "event"),
    ("journal", "at"),
    ("cursors", "cursor"),
    ("receipts", "receipt"),
    ("alarms", "alarm"),
    ("guard_answers", "evidence"),
    ("visits", "activity_at"),
    ("server_lease", "created_at"),
    ("restores", "at"),
]


@pytest.mark.usefixtures("quick_opencode")
@pytest.mark.parametrize(("table", "column"), WORST)
async def test_every_reading_command_answers(filled: Path, tmp_path: Path, table: str, column: str) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    assert damage(folder, table, column, "'no value at all'")
    backend = await Backend.open(str(folder), "command")
    try:
        snapshot = await backend.snapshots.read(archived=True, extras=AppExtras(unread=backend.upkeep.unread.update))
        assert {row.thread.id for row in snapshot.rows} >= {"b2"}
        for row in snapshot.rows:
            assert (await backend.details.read(row.thread.id)).row.thread.id == row.thread.id
        await backend.journal(None)
        await backend.answers(None)
        await backend.preferences.read_again()
        await backend.scanning.server_status()
        findings = await backend.inspection.findings()
        assert any(table in finding.detail for finding in findings if finding.name == "damaged value")
    finally:
        await backend.close()


@pytest.mark.parametrize("both", [False, True])
async def test_a_damaged_cursor_is_the_journal_s_or_no_session(filled: Path, tmp_path: Path, both: bool) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE cursors SET cursor = '{damaged' WHERE thread_id = 'a1'")
        if both:
            connection.execute("DROP TRIGGER journal_no_update")
            connection.execute("UPDATE journal SET cursor = '{damaged' WHERE thread_id = 'a1'")
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        if both:
            connection.execute(
                "CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal "
                "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            )
    store = Store.open(folder, lambda: NOON)
    cursor = store.journal.binding("a1").cursor
    assert cursor and cursor.session_id == ("" if both else "ses_a1")
    assert store.journal.binding("b2").cursor == store.journal.cursors()["b2"]
    assert any("cursors a1" in sentence for sentence in store.damaged_rows())
    store.close()
