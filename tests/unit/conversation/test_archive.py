"""What is archived, and when: new messages of bound threads, missed ones later, within the limit, none of others' threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t3tray.backend.archiving import Archive
from t3tray.conversation.archive import AT_ONCE, ArchiveRules, TranscriptArchiver
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.store.archive_file import FILE_NAME
from t3tray.store.archive_migration import ArchiveMigration
from t3tray.store.vault_files import VaultFiles
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from tests.support.archives import archive_in
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_message, add_session, empty_world, writing

LARGE = 500_000_000


class Place:
    def __init__(self, root: Path, rules: ArchiveRules) -> None:
        self.world: World = empty_world(root)
        self.store = open_store(root / "data", lambda: NOON)
        self.database = OpenCodeDatabase(self.world.opencode)
        self.data = root / "data"
        self.archive = archive_in(self.data)
        self.scanner = Scanner(self.store, self.database, Surroundings(lambda: datetime.now(UTC), lambda: False), ())
        self.now = NOON
        self.archiver = self.archiver_with(rules)

    def archiver_with(self, rules: ArchiveRules) -> TranscriptArchiver:
        migration = ArchiveMigration(VaultFiles(self.data / "vault"), self.archive)
        return TranscriptArchiver(self.archive, migration, self.store, self.database, rules, lambda: self.now)

    def add(self, name: str, messages: int = 4, *, bound: bool = True, archived: bool = False, at: datetime = NOON) -> None:
        folder = self.world.code / "proj"
        with writing(self.world.opencode) as connection:
            add_session(connection, f"ses_{name}", folder, messages=messages, at=at)
        thread = Thread(name, f"Thread {name}", str(folder), Source.T3TRAY, NOON, NOON, NOON if archived else None)
        self.store.threads.add(thread)
        if bound:
            cursor = Cursor(f"ses_{name}", str(folder))
            self.store.journal.append(Entry(name, Event.CONFIRMED, Actor.USER, "bound", NOON, f"ses_{name}", cursor=cursor))

    def say_more(self, name: str, first: int, count: int, at: datetime) -> None:
        with writing(self.world.opencode) as connection:
            for number in range(first, first + count):
                add_message(connection, f"ses_{name}", number, at + timedelta(seconds=number))
            stamp = round((at + timedelta(seconds=first + count)).timestamp() * 1000)
            connection.execute("UPDATE session SET time_updated = ? WHERE id = ?", (stamp, f"ses_{name}"))

    def look(self) -> bool:
        self.now += timedelta(minutes=1)
        return self.archiver.update(self.scanner.scan().assessments)

    def written(self) -> dict[str, int]:
        """Return every file of the archive with its stamp; one that was written again differs."""
        return {str(path): path.stat().st_mtime_ns for path in self.data.glob(f"{FILE_NAME}*") if not path.name.endswith("shm")}

    def size(self, name: str) -> int:
        state = self.archive.get(f"ses_{name}")
        return state.size if state else 0

    def kept(self, name: str) -> int:
        transcript = self.archive.transcript(f"ses_{name}")
        return len(transcript.messages) if transcript else 0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, ArchiveRules(True, LARGE))
    yield made
    made.store.close()


def test_a_bound_threads_words_are_kept_and_its_news_too(place: Place) -> None:
    place.add("a")
    place.add("loose", bound=False)
    assert not place.look()
    assert (place.kept("a"), place.kept("loose")) == (4, 0)
    place.say_more("a", 4, 2, NOON + timedelta(hours=1))
    place.look()
    assert place.kept("a") == 6


def test_a_session_that_cannot_be_read_keeps_no_other_from_being_kept(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("odd", "fine"):
        place.add(name)
    with writing(place.world.opencode) as connection:
        message = connection.execute("SELECT id FROM message WHERE session_id = 'ses_odd'").fetchone()[0]
        part = ("prt_odd", message, "ses_odd", 1, 1, '{"type":"text","text":null}')
        connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)
    assert not place.look() and not place.look()
    assert (place.kept("odd"), place.kept("fine")) == (0, 4)
    assert "ses_odd" in caplog.text and len(caplog.records) == 1
    assert "Thread odd" not in caplog.text, "a log has no title"


def test_a_turn_that_has_not_finished_waits(place: Place) -> None:
    place.add("a")
    place.look()
    place.say_more("a", 4, 1, NOON + timedelta(hours=1))
    with writing(place.world.opencode) as connection:
        connection.execute(
            "INSERT INTO message SELECT 'msg_open', session_id, time_created + 9, time_updated + 9,"
            " json_object('role', 'assistant', 'time', json_object('created', time_created + 9)) FROM message"
            " WHERE id = 'msg_a_00004'"
        )
    place.look()
    assert place.kept("a") == 4


def test_what_happened_while_nobody_looked_is_caught_up_with(place: Place) -> None:
    place.add("a")
    place.look()
    place.say_more("a", 4, 100, NOON + timedelta(days=1))
    place.archiver = place.archiver_with(ArchiveRules(True, LARGE))
    place.look()
    assert place.kept("a") == 104


def test_many_threads_are_spread_over_looks(place: Place) -> None:
    for number in range(AT_ONCE + 3):
        place.add(f"t{number}")
    assert place.look()
    assert sum(place.kept(f"t{number}") > 0 for number in range(AT_ONCE + 3)) == AT_ONCE
    assert not place.look()
    assert all(place.kept(f"t{number}") for number in range(AT_ONCE + 3))


def test_over_its_size_the_oldest_closed_one_goes_and_never_a_live_one(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    for name, archived in (("old", True), ("live", False), ("new", True)):
        place.add(name, 40, archived=archived)
        place.look()
    sizes = {name: place.size(name) for name in ("old", "live", "new")}
    place.archiver = place.archiver_with(ArchiveRules(True, sizes["live"] + sizes["new"] + 10))
    place.say_more("live", 40, 2, NOON + timedelta(hours=1))
    place.look()
    assert place.kept("live") == 42
    assert [name for name in ("old", "new") if place.kept(name)] in ([], ["new"])
    place.archiver = place.archiver_with(ArchiveRules(True, 1))
    place.say_more("live", 42, 2, NOON + timedelta(hours=2))
    place.look()
    assert [place.kept(name) for name in ("old", "live", "new")] == [0, 44, 0]
    assert "ses_old" in caplog.text and "Thread old" not in caplog.text, "a log has no title"


def test_what_was_let_go_of_is_not_kept_again_at_the_next_start_but_when_it_is_news_or_live(place: Place) -> None:
    for name, archived in (("old", True), ("new", True), ("live", False)):
        place.add(name, 40, archived=archived)
        place.look()
    rules = ArchiveRules(True, place.size("live") + place.size("new") + 1_000)
    place.archiver = place.archiver_with(rules)
    place.say_more("live", 40, 2, NOON + timedelta(hours=1))
    place.look()
    held = [place.kept(name) for name in ("old", "new", "live")]
    assert held == [0, 40, 42]
    before = place.written()

    place.archiver = place.archiver_with(rules)
    assert not place.look()
    assert place.written() == before, "nothing changed, so nothing is written"

    place.say_more("old", 40, 2, NOON + timedelta(hours=2))
    place.look()
    assert [place.kept(name) for name in ("old", "new", "live")] == [42, 0, 42], "it is newer than the other one now"
    place.store.threads.set_archived("new", None)
    place.look()
    assert [place.kept(name) for name in ("old", "new", "live")] == [0, 40, 42], "a live thread's words are kept"
    before = place.written()
    place.archiver = place.archiver_with(rules)
    assert not place.look() and place.written() == before


def test_turned_off_it_keeps_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, ArchiveRules(False, LARGE))
    place.add("a")
    assert not place.look() and place.kept("a") == 0
    place.store.close()


async def test_an_archive_that_cannot_be_written_is_said_and_hinders_nothing(place: Place) -> None:
    place.add("a")
    run_sql = SqlThread("test-sql")
    (place.data / FILE_NAME).mkdir()
    rules = ArchiveRules(True, LARGE)
    archive = Archive(place.data, place.store, place.database, place.scanner, rules, run_sql, lambda: place.now)
    assert not await archive.update(place.scanner.scan())
    assert "cannot be kept" in archive.trouble[0]
    (place.data / FILE_NAME).rmdir()
    await archive.update(place.scanner.scan())
    assert archive.trouble == () and place.kept("a") == 4
    await archive.close()
    run_sql.close()
