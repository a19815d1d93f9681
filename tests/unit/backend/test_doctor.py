"""The doctor's findings on T3 Code's threads and around them: each finding by a real case, and none where all is well."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from t3tray.backend.doctor import DoctorInput, assess
from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.cursor import Cursor
from t3tray.domain.inventory import FoundProgram
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source, Thread
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.system.other_processes import OtherProcess
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from t3tray.threads.snapshot import Finding
from tests.support.stores import open_store
from tests.support.t3_world import NOON, add_log, add_session, add_thread, empty_world, hold_open, writing

SOON = NOON + timedelta(minutes=5)


class Practice:
    """A world for the doctor to examine."""

    def __init__(self, scratch: Path) -> None:
        self.world = empty_world(scratch)
        self.store = open_store(scratch / "data", lambda: NOON)
        self.neighbours: tuple[OtherProcess, ...] = ()
        self.version = "1.18.33"

    def findings(self) -> tuple[Finding, ...]:
        database = OpenCodeDatabase(self.world.opencode)
        surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
        scanner = Scanner(self.store, database, surroundings, [T3Reader(T3Home(self.world.home))])
        picture = scanner.scan()
        snapshot = build_snapshot(picture, ServerStatus(ServerState.STOPPED), (), (), ReaperClock(), SOON, archived=True)
        program = FoundProgram("/usr/bin/opencode", self.version)
        return assess(DoctorInput(self.store, database, scanner, picture, snapshot, program, self.neighbours, SOON))

    def one(self, name: str) -> Finding:
        (found,) = self.all(name)
        return found

    def all(self, name: str) -> list[Finding]:
        return [finding for finding in self.findings() if finding.name == name]

    def thread(self, session: str | None, name: str = "t1") -> None:
        with writing(self.world.state) as connection:
            add_thread(connection, name, session, title=f"Thread {name}")

    def session(self, name: str, folder: str = "proj", messages: int = 2, parent: str | None = None) -> None:
        with writing(self.world.opencode) as connection:
            add_session(connection, name, self.world.code / folder, messages=messages, parent=parent)

    def run_t3(self) -> None:
        hold_open(self.world.state)
        runtime = {"pid": os.getpid(), "startedAt": stamp(NOON)}
        self.world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(runtime))


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Practice]:
    made = Practice(tmp_path)
    yield made
    made.store.close()


def test_where_all_is_well_nothing_is_wrong(practice: Practice) -> None:
    practice.thread("ses_1")
    practice.session("ses_1")
    assert [finding for finding in practice.findings() if not finding.ok] == []
    assert practice.one("will be reaped within the hour").detail == "none"


def test_every_silent_switch_is_told_with_its_time_and_what_is_left(practice: Practice) -> None:
    practice.thread("ses_c")
    for name in ("ses_b", "ses_c"):
        practice.session(name)
    times = [NOON + timedelta(minutes=number) for number in range(3)]
    add_log(practice.world, "t1", *zip(("ses_a", "ses_b", "ses_c"), times, strict=True))
    assert [(finding.ok, finding.detail) for finding in practice.all("silent switch")] == [
        (False, "“Thread t1”: from ses_a (gone) to ses_b at 2026-11-24 12:01 UTC"),
        (False, "“Thread t1”: from ses_b to ses_c at 2026-11-24 12:02 UTC"),
    ]


def test_a_split_thread_has_the_table_that_says_where_its_parts_are(practice: Practice) -> None:
    practice.thread("ses_new")
    with writing(practice.world.opencode) as connection:
        earlier = NOON - timedelta(hours=1)
        folder = practice.world.code / "proj"
        add_session(connection, "ses_old", folder, title="T3 Code t1", messages=18, tokens=152_991, at=earlier)
        add_session(connection, "ses_new", folder, messages=57, tokens=28_061)
    head, old, new = practice.one("split thread").table
    assert head.split()[:4] == ["thread", "session", "created", "(UTC)"]
    assert old.split()[1:6] == ["ses_old", "2026-11-24", "11:00", "18", "152,991"] and old.endswith("title")
    assert new.split()[1:6] == ["ses_new", "2026-11-24", "12:00", "57", "28,061"]
    assert new.endswith("T3 Code's cursor  ← T3 Code talks to this one")


def missing(practice: Practice) -> None:
    practice.thread("ses_gone")


def unbound(practice: Practice) -> None:
    practice.thread(None)


def bad(practice: Practice) -> None:
    practice.thread("codex-7")


def empty(practice: Practice) -> None:
    practice.thread("ses_1")
    practice.session("ses_1", messages=0)


def child(practice: Practice) -> None:
    practice.thread("ses_1")
    practice.session("ses_1", parent="ses_0")


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (missing, "no longer exists in OpenCode"),
        (unbound, "no session is recorded"),
        (bad, "is not a session id"),
        (empty, "exists but is empty"),
        (child, "a sub-agent's"),
    ],
)
def test_a_cursor_that_points_nowhere_is_told_in_words(practice: Practice, build: Callable[[Practice], None], said: str) -> None:
    build(practice)
    found = practice.one("cursor that points nowhere")
    assert not found.ok and found.detail.startswith("“Thread t1”: ") and said in found.detail


def test_wrong_directories(practice: Practice) -> None:
    practice.thread("ses_1")
    practice.session("ses_1", folder="elsewhere")
    proj, elsewhere = practice.world.code / "proj", practice.world.code / "elsewhere"
    assert practice.one("wrong directory").detail == f"“Thread t1” is in {proj}; its session works in {elsewhere}"
    shutil.rmtree(proj)
    assert practice.one("wrong directory").detail.startswith(f"“Thread t1” is in {proj}; that folder no longer exists")


def test_two_programs_that_name_different_sessions(practice: Practice) -> None:
    practice.thread("ses_1")
    practice.session("ses_1")
    practice.session("ses_2")
    thread = Thread("t1", "Thread t1", str(practice.world.code / "proj"), Source.T3CODE, NOON, NOON)
    kept = Entry("t1", Event.CONFIRMED, Actor.IMPORT, "kept", NOON, "ses_2", cursor=Cursor("ses_2", thread.directory))
    practice.store.add_thread(thread, kept)
    found = practice.one("two sessions named")
    assert "name different sessions" in found.detail and len(found.table) == 3


def test_what_is_at_risk_within_the_hour_and_what_is_safe(practice: Practice) -> None:
    practice.run_t3()
    practice.thread("ses_1", "t1")
    practice.session("ses_1")
    found = practice.one("will be reaped within the hour")
    assert (found.ok, found.detail) == (True, "1 thread, safe")
    practice.thread("ses_gone", "t2")
    found = practice.one("will be reaped within the hour")
    assert (found.ok, found.detail) == (False, "at risk: “Thread t2”; 1 thread, safe")


def test_what_cannot_be_told_is_no_risk_and_not_safe(practice: Practice) -> None:
    practice.run_t3()
    practice.thread("ses_1", "t1")
    practice.world.opencode.unlink()
    found = practice.one("will be reaped within the hour")
    assert (found.ok, found.detail) == (False, "unknown whether safe: “Thread t1”")
    assert practice.all("cursor that points nowhere") == []
    assert "There is no OpenCode database" in practice.one("OpenCode's database").detail


def test_other_servers_with_pid_age_memory_port_and_whose(practice: Practice) -> None:
    began = SOON - timedelta(minutes=90)
    practice.neighbours = (OtherProcess(7, began, 700 * 2**20, 4096, "t3"), OtherProcess(8, began, 300 * 2**20, None, ""))
    theirs, orphan = practice.all("another opencode serve")
    assert (theirs.ok, theirs.detail) == (True, "pid 7, port 4096, 1.5 h old, 700 MB, of t3")
    assert (orphan.ok, orphan.detail) == (False, "pid 8, 1.5 h old, 300 MB, nobody's: the program that started it is gone")


def test_sizes_the_log_beside_a_database_and_its_form(practice: Practice) -> None:
    practice.thread("ses_1")
    size = f"{practice.world.state.stat().st_size / 1e6:.1f} MB"
    found = practice.one("T3 Code's database")
    assert found.ok and f" · {size} on " in found.detail and found.detail.endswith("V1, it is the only one, 1 thread")
    with closing(sqlite3.connect(practice.world.state)) as t3, t3:
        t3.execute("CREATE TABLE padding AS SELECT randomblob(200000)")
        t3.commit()
        assert f"{size} and 0.2 MB of log" in practice.one("T3 Code's database").detail
    assert practice.one("OpenCode's database").detail.endswith("in the form of OpenCode 1")


def test_a_form_that_is_not_known_is_watched_only(practice: Practice) -> None:
    with writing(practice.world.state) as connection:
        connection.execute("ALTER TABLE projection_threads RENAME COLUMN title TO name")
    found = practice.one("T3 Code's database")
    assert not found.ok and "projection_threads.title" in found.detail and "It is watched only." in found.detail


def test_a_network_disk_is_told(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = SimpleNamespace(mountpoint=str(practice.world.home), fstype="nfs4")
    root = SimpleNamespace(mountpoint="/", fstype="ext4")
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [root, mount])
    found = practice.one("T3 Code's database")
    assert not found.ok and "network disk (nfs4)" in found.detail
    assert practice.one("OpenCode's database").ok


def test_alarms_that_nobody_has_seen_are_open_findings(practice: Practice) -> None:
    lost = Alarm(
        "t1", AlarmKind.LOST, Cause.SESSION_DELETED, SessionContents("ses_1", 41, 9000), SessionContents(None), NOON, NOON
    )
    practice.store.alarms.record({}, [lost])
    found = practice.one("alarm")
    assert not found.ok and "(41 messages, 9,000 tokens)" in found.detail
    practice.store.alarms.mark_seen("t1", SOON)
    assert practice.one("alarm").ok


@pytest.mark.parametrize(
    ("version", "ok", "told"),
    [
        ("1.18.33", True, "/usr/bin/opencode · 1.18.33"),
        ("1.15.12", False, "OpenCode 1.15.12 (/usr/bin/opencode) is too old: t3tray needs OpenCode 1.15.13 or a newer 1.x."),
        ("2.4.1", False, "This is OpenCode 2 (2.4.1, /usr/bin/opencode), and t3tray works with OpenCode 1.15.13 or a newer 1.x."),
        ("", True, "/usr/bin/opencode · does not say its version"),
    ],
)
def test_the_programs_version_is_shown_and_judged(practice: Practice, version: str, ok: bool, told: str) -> None:
    practice.version = version
    found = practice.one("opencode")
    assert found.ok is ok and found.detail.startswith(told)


def test_a_change_that_another_machine_began_is_none_that_a_server_settles_here(practice: Practice) -> None:
    practice.store.threads.add(Thread("t", "t", "/work", Source.T3TRAY, NOON, NOON))
    theirs = Entry("t", Event.INTENDED, Actor.USER, "forked from it", NOON, intent="i@1:boot:1/0123456789abcdef")
    practice.store.journal.append(theirs)
    found = practice.one("open intents")
    assert not found.ok and "server stop --forget" in found.detail and "as soon as a server runs" not in found.detail
    practice.store.journal.append(Entry("t", Event.INTENDED, Actor.USER, "carried", NOON, intent="i@1:boot:1"))
    assert [each.detail for each in practice.all("open intents")] == [
        found.detail,
        "t (carried). They are settled as soon as a server runs.",
    ]
