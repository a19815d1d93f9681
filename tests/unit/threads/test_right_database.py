"""A database's content counts only as far as it is known to be the one that OpenCode uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.carries import CarriesKind, Context
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Evidence, Failure, Found, MessageFacts, Role, SessionFacts
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.remedy import Remedy, RemedyRecord
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason, Verdict, decide
from t3tray.messages.verdicts import sentence
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import Trust
from t3tray.store.store import Store
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.scan import Scanner
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_log, add_session, add_thread, empty_world, writing

DOUBTED = Trust(absence_counts=False, why="OpenCode's program has not been asked yet which database it uses.")
ANOTHERS = Trust(Failure.OTHER_DATABASE, False, "The server at http://127.0.0.1:1 does not use the database at /here.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One thread whose session exists, one whose session does not, one whose session is empty."""
    made = empty_world(tmp_path)
    with writing(made.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        add_session(connection, "ses_there", made.code / "proj")
        add_session(connection, "ses_empty", made.code / "proj", messages=0)
    with writing(made.state) as connection:
        for name in ("there", "gone", "empty"):
            add_thread(connection, name, f"ses_{name}")
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data", lambda: NOON)
    yield opened
    opened.close()


class Eyes:
    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self.database = OpenCodeDatabase(world.opencode)
        surroundings = Surroundings(lambda: NOON, lambda: False)
        self.scanner = Scanner(store, self.database, surroundings, [T3Reader(T3Home(world.home))])
        self.sentinel = SwitchDetector(store, self.database, lambda: NOON)

    def verdicts(self) -> dict[str, Verdict]:
        return {found.thread.id: found.verdict for found in self.scanner.scan().assessments}

    def reasons(self) -> dict[str, Reason]:
        return {name: verdict.reason for name, verdict in self.verdicts().items()}


@pytest.fixture
def eyes(store: Store, world: World) -> Eyes:
    return Eyes(store, world)


def test_what_is_not_in_a_file_that_nobody_vouches_for_is_unknown_and_what_is_there_stays(eyes: Eyes) -> None:
    known = eyes.reasons()
    assert known["gone"] is Reason.MISSING
    eyes.database.trust = DOUBTED
    doubted = eyes.verdicts()
    assert doubted["there"].reason is known["there"]
    for name in ("gone", "empty"):
        assert (doubted[name].reason, doubted[name].kind) == (Reason.OTHER_DATABASE, Kind.UNKNOWN)
        assert sentence(doubted[name]) == (
            "OpenCode may use another database than the one that t3tray reads, so it is not known whether this session exists"
            " (OpenCode's program has not been asked yet which database it uses)."
        )
    eyes.database.trust = Trust()
    assert eyes.reasons() == known


def test_a_file_that_the_server_does_not_use_says_nothing_of_any_thread(eyes: Eyes) -> None:
    eyes.database.trust = ANOTHERS
    assert set(eyes.reasons().values()) == {Reason.OTHER_DATABASE}
    assert all("does not use the database at /here" in sentence(verdict) for verdict in eyes.verdicts().values())
    eyes.database.trust = Trust(Failure.SERVER_DOWN, False, "No response from http://127.0.0.1:1.")
    assert set(eyes.reasons().values()) == {Reason.SERVER_DOWN}


def test_another_file_is_read_from_the_next_look_on(eyes: Eyes, world: World, tmp_path: Path) -> None:
    before = eyes.reasons()
    (tmp_path / "second").mkdir()
    other = empty_world(tmp_path / "second")
    with writing(other.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        add_session(connection, "ses_gone", world.code / "proj")
    eyes.database.path = other.opencode
    assert eyes.reasons() == {"there": Reason.MISSING, "gone": before["there"], "empty": Reason.MISSING}


def test_no_alarm_is_raised_for_what_a_doubted_file_lacks(eyes: Eyes, world: World) -> None:
    eyes.sentinel.detect(eyes.scanner.scan())
    eyes.database.trust = DOUBTED
    with writing(world.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM message")
        connection.execute("DELETE FROM session")
    picture = eyes.scanner.scan()
    assert {found.verdict.reason for found in picture.assessments} == {Reason.OTHER_DATABASE}
    assert eyes.sentinel.detect(picture) == ()
    candidates = eyes.scanner.candidates("there", ())
    assert [found.exists for found in candidates] == [None]


def test_it_is_said_where_every_recorded_session_is_gone_at_once(eyes: Eyes, world: World) -> None:
    def warnings() -> tuple[str, ...]:
        status = ServerStatus(ServerState.STOPPED)
        return build_snapshot(eyes.scanner.scan(), status, (), (), ReaperClock(), NOON).warnings

    assert warnings() == ()
    with writing(world.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM session")
    assert warnings() == (
        "None of the 3 recorded sessions is in OpenCode's database: it was probably moved, replaced or restored.",
    )


def test_an_answer_that_only_t3_code_has_is_a_reason_to_find_out_which_database_counts(eyes: Eyes, world: World) -> None:
    with writing(world.state) as connection:
        connection.execute(
            "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at)"
            " VALUES ('assistant:prt_lost', 'there', 'assistant', 'An answer', 0, ?, ?)",
            (stamp(NOON), stamp(NOON)),
        )
    assert not eyes.scanner.scan().in_doubt
    doubting = Eyes(eyes.store, world)
    doubting.database.trust = DOUBTED
    assert doubting.scanner.scan().in_doubt


def test_what_an_earlier_database_holds_is_not_missing(eyes: Eyes, world: World, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    other = empty_world(tmp_path / "second").opencode
    eyes.database.path, eyes.database.earlier = other, (world.opencode, tmp_path / "gone.db")
    assert eyes.reasons() == {"there": Reason.OTHER_DATABASE, "gone": Reason.MISSING, "empty": Reason.OTHER_DATABASE}
    assert eyes.database.holder_of("ses_there") == world.opencode
    assert eyes.database.holder_of("ses_gone") is None


def with_another_session(world: World, session: str = "ses_other") -> None:
    """Let T3 Code's log name another session than the bound one, which has more messages."""
    with writing(world.opencode) as connection:
        add_session(connection, session, world.code / "proj", messages=6, at=NOON - timedelta(hours=1))
    add_log(world, "there", (session, NOON - timedelta(hours=1)), ("ses_there", NOON))


def test_where_the_file_is_another_one_what_other_sessions_hold_is_not_told(eyes: Eyes, world: World) -> None:
    with_another_session(world)
    assert eyes.scanner.load_record("there").split, "with the right file it is a split"
    eyes.database.trust = ANOTHERS
    recorded = eyes.scanner.load_record("there")
    told = "ses_other had parts of this conversation too, and what is there now cannot be told"
    assert (recorded.split, recorded.in_doubt) == ((), told)
    facts = SessionFacts("ses_there", str(world.code / "proj"), "a title", 1, 1)
    newest = MessageFacts("msg_1", Role.ASSISTANT, 1, True)
    cursor = Cursor("ses_there", facts.directory, last_message_id="msg_1", message_count=1, context=Context(1))
    evidence = Evidence(NOON, Found(facts), Found(newest), Found(newest), context=Context(1), messages_gone=0)
    verdict = decide(cursor, structs.replace(evidence, in_doubt=recorded.in_doubt))
    assert (verdict.reason, verdict.carries.kind) == (Reason.UNPROVEN, CarriesKind.UNKNOWN)
    assert told in sentence(verdict) and decide(cursor, evidence).carries.kind is CarriesKind.WHOLE


def test_no_doubt_is_made_of_what_the_user_let_go_of_or_of_nothing(eyes: Eyes, world: World) -> None:
    eyes.database.trust = ANOTHERS
    assert eyes.scanner.load_record("there").in_doubt == "", "T3 Code knows no other session of it"
    with_another_session(world)
    eyes.store.threads.save(eyes.scanner.load_record("there").thread)
    deed = RemedyRecord(Remedy.BIND, "ses_there")
    eyes.store.journal.append(Entry("there", Event.PUT_AWAY, Actor.USER, "another one", NOON, "ses_other", "i", deed=deed))
    assert eyes.scanner.load_record("there").in_doubt == ""
