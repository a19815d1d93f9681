"""A failure of one thread affects only that thread: all others have their verdicts, whatever a row or a file contains."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.domain.evidence import Failure, SessionFacts
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.verdicts import sentence
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.index import SessionIndex
from t3tray.store.store import Store
from t3tray.system.folders import FolderProbe, directory_exists
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scan, Scanner
from tests.support.stores import open_store
from tests.support.t3_world import (
    NOON,
    World,
    add_log,
    add_message,
    add_session,
    add_thread,
    add_v2,
    empty_world,
    make_v2,
    writing,
)

ODD = (
    None,
    7,
    -1.5,
    b"\xff\xfe",
    "",
    "no JSON {",
    '{"a": [',
    "x" * 100_000,
    "\udcff",
    "[" * 5000,
    "0001-01-01T00:00:00+14:00",
    10**18,
)
V1 = (
    *(("projection_threads", name) for name in ("title", "created_at", "updated_at", "worktree_path", "branch")),
    *(("projection_threads", name) for name in ("model_selection_json", "latest_turn_id", "latest_user_message_at")),
    *(("projection_threads", name) for name in ("archived_at", "settled_at", "pinned_at", "pending_approval_count")),
    *(("projection_thread_sessions", name) for name in ("status", "active_turn_id", "updated_at", "last_error")),
    *(("provider_session_runtime", name) for name in ("provider_name", "adapter_key", "status", "last_seen_at")),
    *(("provider_session_runtime", name) for name in ("resume_cursor_json", "runtime_payload_json")),
)
V2 = (
    *(("threads", name) for name in ("title", "created_at", "updated_at", "archived_at", "payload_json", "default_provider")),
    *(("threads", name) for name in ("active_provider_thread_id", "provider_instance_id")),
    *(("provider_threads", name) for name in ("status", "first_run_ordinal", "updated_at", "payload_json", "driver")),
)
OPENCODE = (
    *(("session", name) for name in ("parent_id", "directory", "title", "version", "revert", "time_created", "time_updated")),
    *(("session", name) for name in ("time_archived", "metadata", "tokens_input")),
    *(("message", name) for name in ("time_created", "time_updated", "data")),
    *(("part", name) for name in ("data",)),
)


class Eyes:
    """A store and a repeated scan on a world; `surroundings` replaces the machine's."""

    def __init__(self, world: World, store: Store, *homes: Path, surroundings: Surroundings | None = None) -> None:
        self.database = OpenCodeDatabase(world.opencode)
        around = surroundings or Surroundings(lambda: datetime.now(UTC), lambda: False)
        readers = [T3Reader(T3Home(home)) for home in (world.home, *homes)]
        self.scanner = Scanner(store, self.database, around, readers)
        self.sentinel = SwitchDetector(store, self.database, lambda: NOON)
        self.keeper = ProofRecorder(store, self.database, lambda: NOON)
        self.store = store

    def look(self) -> Scan:
        """Scan, and do everything that the tray's loop does after a scan."""
        picture = self.scanner.scan()
        self.sentinel.detect(picture)
        self.keeper.record(picture)
        build_snapshot(picture, ServerStatus(ServerState.STOPPED), (), (), ReaperClock(), NOON, True)
        for found in picture.assessments:
            self.scanner.load_record(found.thread.id)
            self.scanner.candidates(found.thread.id, ())
        return picture

    def settled(self) -> dict[str, Reason]:
        """Return the verdicts, once the recorded sessions have been proved."""
        self.look()
        return self.verdicts()

    def verdicts(self) -> dict[str, Reason]:
        return _reasons(self.look())

    def scanned(self) -> dict[str, Reason]:
        """The verdicts of a scan alone: what comes after it has been done with the same rows."""
        return _reasons(self.scanner.scan())


def _reasons(scan: Scan) -> dict[str, Reason]:
    return {found.thread.id: found.verdict.reason for found in scan.assessments}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three threads: T3 Code names their sessions, OpenCode has them, and logs say which session served."""
    made = empty_world(tmp_path)
    with writing(made.opencode) as connection:
        for number in range(3):
            add_session(connection, f"ses_{number}", made.code / "proj")
            connection.execute(
                "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, 1, 1, '{}')",
                (f"prt_{number}", f"msg_{number}_00001", f"ses_{number}"),
            )
    with writing(made.state) as connection:
        for number in range(3):
            add_thread(connection, f"t{number}", f"ses_{number}")
    for number in range(3):
        add_log(made, f"t{number}", (f"ses_{number}", NOON))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "data", lambda: NOON)) as made:
        yield made


@pytest.fixture
def eyes(world: World, store: Store) -> Eyes:
    return Eyes(world, store)


def odd_values(path: Path, table: str, column: str, key: str, name: str) -> Iterator[object]:
    """Put one odd value after the other in the place of a row's value, and yield it; those the schema refuses are skipped."""
    for value in ODD:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            try:
                stored = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
                what = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
                connection.execute(f"UPDATE {table} SET {column} = {what} WHERE {key} = ?", (stored, name))
                connection.commit()
            except sqlite3.IntegrityError:
                continue
        yield value


@pytest.mark.parametrize(("table", "column"), V1, ids=lambda name: str(name))
def test_whatever_stands_in_a_row_of_t3_code_the_others_keep_their_verdict(
    eyes: Eyes, world: World, table: str, column: str
) -> None:
    before = eyes.settled()
    for value in odd_values(world.state, table, column, "thread_id", "t1"):
        now, anew = eyes.verdicts(), Eyes(world, eyes.store).scanned()
        for name in ("t0", "t2"):
            assert now[name] is anew[name] is before[name], value


@pytest.mark.parametrize(("table", "column"), V2, ids=lambda name: str(name))
def test_the_same_in_the_second_orchestrators(world: World, store: Store, table: str, column: str) -> None:
    path = make_v2(world)
    for number in range(3):
        add_v2(path, f"v{number}", f"ses_{number}")
    world.state.unlink()
    before = Eyes(world, store).settled()
    assert len(before) == 3
    for value in odd_values(path, f"orchestration_v2_projection_{table}", column, "thread_id", "v1"):
        now = Eyes(world, store).verdicts()
        assert all(now[name] is before[name] for name in ("v0", "v2")), value


@pytest.mark.parametrize(("table", "column"), OPENCODE, ids=lambda name: str(name))
def test_the_same_in_opencodes(eyes: Eyes, world: World, table: str, column: str) -> None:
    before = eyes.settled()
    key = "id" if table == "session" else "session_id"
    for value in odd_values(world.opencode, table, column, key, "ses_1"):
        now, anew = eyes.verdicts(), Eyes(world, eyes.store).scanned()
        for name in ("t0", "t2"):
            assert now[name] is anew[name] is before[name], value


def vanish(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """T3 Code's own rotation, between listing the folder and reading the file."""
    log, stat = str(world.logs / "events.t1.log"), os.stat

    def rotated(path: str | Path | int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        if path == log and os.path.lexists(log):
            Path(log).rename(f"{log}.1")
        return stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", rotated)


def directory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.logs / "events.t1.log").unlink()
    (world.logs / "events.t1.log").mkdir()


def pipe(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.logs / "events.t1.log").unlink()
    os.mkfifo(world.logs / "events.t1.log")


def foreign(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of root's as other users meet it; the tests may run as root."""
    log, plain = str(world.logs / "events.t1.log"), open

    def refusing(path: Any, *words: Any, **options: Any) -> object:
        if path == log:
            raise PermissionError(13, "Permission denied", log)
        return plain(path, *words, **options)

    monkeypatch.setattr("builtins.open", refusing)


def truncated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.logs / "events.t1.log").write_bytes(b"")


def bytes_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.logs / "events.t1.log").write_bytes(b"\xff\x00[" * 1000 + b'\n[x] CANON: {"providerThreadId":"ses_\xff"}\n')


def dangling(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.logs / "events.t1.log").unlink()
    (world.logs / "events.t1.log").symlink_to("nowhere")


BROKEN_LOGS = (vanish, directory, pipe, foreign, truncated, bytes_only, dangling)


@pytest.mark.parametrize("is_first", [True, False], ids=["at the first look", "later"])
@pytest.mark.parametrize("spoil", BROKEN_LOGS)
def test_a_log_that_cannot_be_read_is_absent_and_noted(
    eyes: Eyes,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[World, pytest.MonkeyPatch], None],
    is_first: bool,
) -> None:
    before = eyes.settled()
    if is_first:
        eyes = Eyes(world, eyes.store)
    spoil(world, monkeypatch)
    with writing(world.opencode) as connection:
        for number in range(3):
            add_message(connection, f"ses_{number}", 3, NOON)
            connection.execute("UPDATE session SET time_updated = time_updated + 5000 WHERE id = ?", (f"ses_{number}",))
    assert eyes.verdicts() == before
    # What was read before needs not be read again.
    noted = spoil in (directory, pipe, dangling) or (spoil is foreign and is_first)
    assert [name in told for told in eyes.look().trouble for name in ("events.t1.log cannot be read",)] == [True] * noted


def test_a_home_that_cannot_be_read_hides_no_other_and_its_threads_stay_as_unknown(
    world: World, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = empty_world(tmp_path / "other")
    with writing(other.state) as connection:
        add_thread(connection, "o1", None, has_turns=False)
    eyes = Eyes(world, store, other.home)
    before = eyes.settled()
    assert before.keys() == {"t0", "t1", "t2", "o1"}
    other.state.write_bytes(b"this is no database, and it is long enough to be one" * 100)
    picture = eyes.look()
    now = {found.thread.id: found.verdict for found in picture.assessments}
    assert {name: now[name].reason for name in ("t0", "t1", "t2")} == {name: before[name] for name in ("t0", "t1", "t2")}
    assert now["o1"].kind is Kind.UNKNOWN and "state.sqlite cannot be read" in sentence(now["o1"])
    assert any("state.sqlite cannot be read" in told for told in picture.trouble)


def test_a_database_of_t3_codes_that_goes_is_told_until_it_is_back(eyes: Eyes, world: World) -> None:
    before = eyes.settled()
    assert not eyes.look().trouble
    aside = world.state.with_name("aside")
    for name in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            world.state.with_name(world.state.name + name).rename(aside.with_name(aside.name + name))
    for _ in range(2):
        (told,) = eyes.look().trouble
        assert f"{world.state}, which was there before, is gone" in told
    for name in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            aside.with_name(aside.name + name).rename(world.state.with_name(world.state.name + name))
    assert not eyes.look().trouble and eyes.settled() == before


def test_a_server_that_does_not_answer_may_be_at_work_in_every_turn_without_an_end(eyes: Eyes, world: World) -> None:
    eyes.settled()
    with writing(world.opencode) as connection:
        add_message(connection, "ses_1", 2, datetime.now(UTC) - timedelta(hours=1))
    seen = eyes.look()
    assert [found.thread.id for found in seen.unfinished] == ["t1"]
    before = {found.thread.id: found.verdict.reason for found in seen.assessments}
    assert before["t1"] is Reason.INTERRUPTED and seen.with_busy(frozenset()) is seen
    told = {found.thread.id: found.verdict for found in seen.with_busy(Failure.TIMEOUT).assessments}
    assert (told["t1"].kind, told["t1"].reason) == (Kind.UNKNOWN, Reason.TIMEOUT)
    assert [told[name].reason for name in ("t0", "t2")] == [before["t0"], before["t2"]]
    at_work = {found.thread.id: found.verdict.reason for found in seen.with_busy(frozenset({"ses_1"})).assessments}
    assert at_work == {**before, "t1": Reason.BUSY}


def test_a_reader_that_fails_by_our_own_fault_is_a_home_that_cannot_be_read(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = eyes.settled()

    def broken(_reader: T3Reader) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(T3Reader, "read", broken)
    for _ in range(2):
        assert eyes.verdicts() == before, "they are ours too, and are judged by what we recorded"
    assert any("ZeroDivisionError: oops" in told for told in eyes.look().trouble)
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


@pytest.mark.parametrize("error", [UnicodeEncodeError("ascii", "é", 0, 1, "no"), OSError(5, "Input/output error"), KeyError("x")])
def test_a_folder_of_which_nothing_can_be_asked_is_one_threads_trouble(
    world: World, store: Store, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    (world.code / "odd").mkdir()
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_threads SET worktree_path = ? WHERE thread_id = 't1'", (str(world.code / "odd"),))

    def there(path: str) -> bool | None:
        if path.endswith("odd"):
            raise error
        return directory_exists(path)

    around = Surroundings(lambda: datetime.now(UTC), lambda: False, directory_exists=there)
    eyes = Eyes(world, store, surroundings=around)
    eyes.settled()
    now = {found.thread.id: found.verdict for found in eyes.look().assessments}
    assert {name: now[name].reason for name in ("t0", "t2")} == {"t0": Reason.PROVED, "t2": Reason.PROVED}
    assert now["t1"].reason is Reason.SERVER_ERROR and "its session, or its folder, could not be read" in sentence(now["t1"])
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_a_folder_on_a_disk_that_does_not_answer_is_one_threads_unknown(world: World, store: Store) -> None:
    dead = str(world.code / "dead")
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_threads SET worktree_path = ? WHERE thread_id = 't1'", (dead,))
    awake = threading.Event()

    def stat_of(path: str) -> os.stat_result:
        if path == dead:
            awake.wait()
        return Path(path).stat()

    probe = FolderProbe(stat_of, limit=0.2)
    around = Surroundings(lambda: datetime.now(UTC), lambda: False, directory_exists=probe.exists, same_directory=probe.same)
    eyes = Eyes(world, store, surroundings=around)
    try:
        verdicts = eyes.settled()
        assert verdicts == {"t0": Reason.PROVED, "t1": Reason.DIRECTORY_UNREADABLE, "t2": Reason.PROVED}
        assert eyes.look() is not None
    finally:
        awake.set()


def test_what_nobody_reckoned_with_in_one_session_is_one_threads_trouble(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    before = eyes.settled()
    session = SessionIndex.session

    def odd(index: SessionIndex, name: str) -> SessionFacts:
        if name == "ses_1":
            raise MemoryError
        return session(index, name)

    monkeypatch.setattr(SessionIndex, "session", odd)
    with writing(eyes.database.path) as connection:
        connection.execute("UPDATE session SET time_updated = time_updated + 1")
    assert eyes.verdicts() == {**before, "t1": Reason.SERVER_ERROR}
    monkeypatch.undo()
    assert eyes.verdicts() == before, "it is looked at again"
