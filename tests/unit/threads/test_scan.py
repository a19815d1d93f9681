"""Verdicts on T3 Code's threads from the databases: each reason by a real case, candidates, and the sample's history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.demo.t3_database import stamp
from t3tray.domain.carries import CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import ReaperClock, ReaperPhase
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason
from t3tray.messages.verdicts import sentence
from t3tray.system.folders import directory_exists
from t3tray.t3code.state import T3Reader
from t3tray.threads.proof_recorder import AT_ONCE
from tests.support.scan_cases import (
    Eyes,
    bad,
    child,
    elsewhere,
    empty,
    fine,
    folder_gone,
    forked,
    gone_on_in_opencode2,
    imported,
    imported_and_gone_on,
    in_opencode2,
    made_and_never_asked,
    many_others,
    missing,
    new,
    one_of,
    only_switched_agents,
    session,
    split,
    split_by_answers,
    split_by_log,
    split_in_the_middle,
    stranded,
    thread,
    unbound,
)
from tests.support.t3_world import (
    NOON,
    SAMPLE_THREAD,
    World,
    add_message,
    add_session,
    add_thread,
    empty_world,
    sample_world,
    writing,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


@pytest.fixture
def eyes(world: World, tmp_path: Path) -> Iterator[Eyes]:
    made = Eyes(world, tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (new, Reason.NEW),
        (made_and_never_asked, Reason.NEW),
        (stranded, Reason.STRANDED),
        (only_switched_agents, Reason.EMPTY),
        (gone_on_in_opencode2, Reason.UNPROVEN),
        (fine, Reason.UNPROVEN),
        (unbound, Reason.UNBOUND),
        (missing, Reason.MISSING),
        (empty, Reason.EMPTY),
        (elsewhere, Reason.DIRECTORY_MISMATCH),
        (folder_gone, Reason.DIRECTORY_MISSING),
        (child, Reason.CHILD),
        (bad, Reason.BAD_CURSOR),
        (split, Reason.SPLIT),
        (split_by_log, Reason.SPLIT),
        (split_by_answers, Reason.SPLIT),
        (split_in_the_middle, Reason.SPLIT),
        (imported, Reason.UNBOUND),
        (imported_and_gone_on, Reason.SPLIT),
        (forked, Reason.UNPROVEN),
    ],
)
def test_each_reason_is_reached_by_a_real_case(world: World, eyes: Eyes, build: Callable[[World], None], reason: Reason) -> None:
    build(world)
    (alone,) = eyes.scanner.scan_thread("t1").assessments
    found = eyes.one()
    assert (found.verdict.reason, found.thread.source) == (reason, Source.T3CODE)
    at = found.evidence.taken_at
    assert structs.replace(alone, evidence=structs.replace(alone.evidence, taken_at=at)) == found, "looked at by itself"


def test_an_imported_thread_says_what_its_next_message_would_get(world: World, eyes: Eyes) -> None:
    imported(world)
    assert "32,000 characters" in sentence(eyes.one().verdict)
    (found,) = eyes.scanner.candidates("t1", ())
    assert (found.session_id, found.exists, found.learnt_from) == ("ses_1", True, ("T3 Code's cursor before its new version",))


def test_what_was_kept_at_the_first_look_is_proved_at_the_next(world: World, eyes: Eyes) -> None:
    fine(world)
    assert not eyes.keep()
    assert eyes.one().verdict.reason is Reason.PROVED
    assert [(entry.event.value, entry.actor.value) for entry in eyes.store.journal.entries("t1")] == [("confirmed", "import")]
    cursor = eyes.store.journal.binding("t1").cursor
    assert cursor and (cursor.message_count, cursor.last_message_id) == (2, "msg_1_00001")


def test_a_finished_turn_renews_the_proof_once(world: World, eyes: Eyes) -> None:
    fine(world)
    eyes.keep()
    with writing(world.opencode) as connection:
        for number in (2, 3):
            add_message(connection, "ses_1", number, NOON + timedelta(minutes=number))
        connection.execute("UPDATE session SET time_updated = time_updated + 240000")
    eyes.keep()
    eyes.keep()
    cursor = eyes.store.journal.binding("t1").cursor
    assert cursor and (cursor.message_count, cursor.last_finished_id) == (4, "msg_1_00003")
    assert [entry.event.value for entry in eyes.store.journal.entries("t1")] == ["confirmed", "proven"]


def test_a_turn_that_may_still_run_is_recorded_at_its_end(world: World, eyes: Eyes) -> None:
    """Its server may be T3 Code's own, whose state is not in the database."""
    fine(world)
    eyes.keep()
    for number in (2, 3):
        with writing(world.opencode) as connection:
            add_message(connection, "ses_1", number, NOON + timedelta(minutes=number))
            connection.execute("UPDATE session SET time_updated = time_updated + 60000")
        eyes.keep()
        events = [entry.event.value for entry in eyes.store.journal.entries("t1")]
        assert events == ["confirmed", "proven"][: number - 1], "the message alone is none"


def test_another_session_than_the_kept_one_is_a_conflict_until_the_user_chooses(world: World, eyes: Eyes) -> None:
    fine(world)
    eyes.keep()
    session(world, "ses_2")
    with writing(world.state) as connection:
        connection.execute(
            "UPDATE provider_session_runtime SET resume_cursor_json = ?, last_seen_at = ?",
            (json.dumps({"schemaVersion": 1, "sessionId": "ses_2"}), stamp(NOON + timedelta(minutes=1))),
        )
    assert eyes.one().verdict.reason is Reason.CONFLICT
    eyes.keep()
    assert eyes.store.journal.owner_of("ses_2") is None


def test_a_thread_of_ours_and_one_of_t3_codes_on_one_session_keep_one_binding(world: World, eyes: Eyes) -> None:
    fine(world)
    own = Thread("own", "Mine", str(world.code / "proj"), Source.T3TRAY, NOON, NOON)
    cursor = Cursor("ses_1", own.directory)
    eyes.store.add_thread(own, Entry("own", Event.CONFIRMED, Actor.USER, "made", NOON, "ses_1", cursor=cursor))
    assert not eyes.keep() and not eyes.keep()
    assert eyes.store.journal.owner_of("ses_1") == "own"


def test_a_reader_that_cannot_read_opencodes_database_says_unknown_and_never_missing(world: World, eyes: Eyes) -> None:
    fine(world)
    assert eyes.one().verdict.reason is Reason.UNPROVEN
    world.opencode.rename(world.opencode.with_suffix(".away"))
    assert eyes.one().verdict.reason is Reason.SERVER_DOWN
    world.opencode.with_suffix(".away").rename(world.opencode)
    assert eyes.one().verdict.reason is Reason.UNPROVEN


def test_after_a_change_only_that_is_looked_at_again(world: World, eyes: Eyes) -> None:
    with writing(world.state) as state, writing(world.opencode) as opencode:
        for number in range(5):
            add_thread(state, f"t{number}", f"ses_{number}", at=NOON + timedelta(minutes=number))
            add_session(opencode, f"ses_{number}", world.code / "proj", at=NOON - timedelta(hours=number + 1))
        # A session that was updated just now is read again, whether or not it has changed.
        add_session(opencode, "ses_just_now", world.code / "proj", at=NOON + timedelta(hours=1))
    before = {found.thread.id: found for found in eyes.look().assessments}
    with writing(world.opencode) as connection:
        connection.execute("DELETE FROM session WHERE id = 'ses_3'")
    after = {found.thread.id: found for found in eyes.look().assessments}
    assert {name for name in after if after[name] is not before[name]} == {"t3"}
    assert after["t3"].verdict.reason is Reason.MISSING


def test_a_folder_that_goes_is_noticed(world: World, eyes: Eyes) -> None:
    fine(world)
    assert eyes.one().verdict.reason is Reason.UNPROVEN
    (world.code / "proj").rmdir()
    assert eyes.one().verdict.reason is Reason.DIRECTORY_MISSING


def test_thousands_of_threads_are_kept_a_few_at_a_time(world: World, eyes: Eyes) -> None:
    with writing(world.state) as state, writing(world.opencode) as opencode:
        for number in range(AT_ONCE + 1):
            add_thread(state, f"t{number}", f"ses_{number}")
            add_session(opencode, f"ses_{number}", world.code / "proj")
    assert eyes.keep() is True
    assert eyes.keep() is False
    assert len(eyes.store.journal.cursors()) == AT_ONCE + 1


def test_of_many_threads_the_middle_is_looked_at_in_the_looks_that_follow_and_stays_known(world: World, eyes: Eyes) -> None:
    split_in_the_middle(world)
    many_others(world)
    first, second = eyes.look(), eyes.look()
    assert (first.half_read, second.half_read) == (1, 0)
    assert [found.verdict.reason for found in (one_of(first), one_of(second))] == [Reason.UNPROVEN, Reason.SPLIT]
    # All are judged again, only by their ends.
    world.opencode.rename(world.opencode.with_suffix(".away"))
    assert (one_of(eyes.look()).verdict.reason, eyes.look().half_read) == (Reason.SERVER_DOWN, 0)
    world.opencode.with_suffix(".away").rename(world.opencode)
    assert one_of(eyes.look()).verdict.reason is Reason.SPLIT


def test_answers_that_cannot_be_read_for_now_leave_what_is_known(
    world: World, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_in_the_middle(world)
    assert eyes.one().verdict.reason is Reason.SPLIT
    monkeypatch.setattr(T3Reader, "parts", lambda *_: None)
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_threads SET updated_at = ?", (stamp(NOON + timedelta(hours=1)),))
    assert eyes.one().verdict.reason is Reason.SPLIT


def test_a_resume_recalls_a_split_in_the_middle_too(world: World, eyes: Eyes) -> None:
    split_in_the_middle(world)
    assert [claim.session_id for claim in eyes.scanner.load_record("t1").split] == ["ses_b", "ses_a"]


def test_threads_of_other_providers_are_told_without_a_verdict(world: World, eyes: Eyes) -> None:
    thread(world, "abc", provider="claudeAgent")
    picture = eyes.look()
    assert picture.assessments == () and [found.provider for found in picture.foreign] == ["claudeAgent"]


def test_the_samples_story_which_sessions_served_it_and_what_is_left_of_them(tmp_path: Path, eyes: Eyes) -> None:
    (tmp_path / "sample").mkdir()
    eyes.look_at(sample_world(tmp_path / "sample"))
    found = eyes.one()
    assert found.verdict.reason is Reason.DIRECTORY_MISMATCH
    assert [served.exists for served in found.served] == [False, True, True, True]
    candidates = eyes.scanner.candidates(SAMPLE_THREAD, ())
    assert [(candidate.exists, candidate.messages) for candidate in candidates] == [(False, 0), (True, 4), (True, 6), (True, 8)]
    assert candidates[1].learnt_from == ("T3 Code's log", "T3 Code's messages")


def test_a_folder_that_cannot_be_looked_at_is_neither_there_nor_gone(tmp_path: Path) -> None:
    assert directory_exists(str(tmp_path)) is True
    assert directory_exists(str(tmp_path / "nowhere")) is False
    (tmp_path / "file").write_text("")
    assert directory_exists(str(tmp_path / "file")) is False
    assert directory_exists(str(tmp_path / "file" / "below")) is False
    assert directory_exists(str(tmp_path / ("x" * 300))) is None
    assert directory_exists("nul\0") is None


def test_a_sub_agent_in_the_middle_of_a_turn_keeps_its_thread_open(world: World, eyes: Eyes) -> None:
    now = datetime.now(UTC)
    thread(world, "ses_1", at=now)
    session(world, "ses_1", at=now)
    assert not eyes.one().agents_work
    session(world, "ses_agent", parent="ses_1", messages=1, at=now)
    found = eyes.one()
    assert found.agents_work and found.t3
    clock = ReaperClock(started=now)
    picture = eyes.look()
    running = replace(picture, states=tuple(replace(state, served_since=now) for state in picture.states))
    (row,) = build_snapshot(running, ServerStatus(ServerState.STOPPED), (), (), clock, now).rows
    assert row.reaper.phase is ReaperPhase.ACTIVE
    with writing(world.opencode) as connection:
        add_message(connection, "ses_agent", 1, now)
        connection.execute("UPDATE session SET time_updated = time_updated + 5 WHERE id = 'ses_agent'")
    assert not eyes.one().agents_work


def test_what_opencode2_holds_is_said_and_seen_though_it_touches_no_session(world: World, eyes: Eyes) -> None:
    fine(world)
    eyes.keep()
    assert eyes.one().verdict.carries.kind is CarriesKind.WHOLE
    in_opencode2(world, "user", "assistant", "agent-switched")
    found = eyes.one().verdict
    assert (found.reason, found.carries.kind) == (Reason.PROVED, CarriesKind.PART)
    assert "OpenCode 2 holds 2 more messages in this session that OpenCode 1 does not carry" in sentence(found)


def test_a_message_that_stands_in_both_halves_is_in_no_need_of_opencode2(world: World, eyes: Eyes) -> None:
    fine(world)
    eyes.keep()
    with writing(world.opencode) as connection:
        connection.execute("INSERT INTO session_message SELECT id, session_id, 'user', time_created, 1, 1, '{}' FROM message")
    assert eyes.one().verdict.carries.kind is CarriesKind.WHOLE


def test_a_thread_of_ours_that_never_had_a_session_is_new_and_one_that_was_let_go_of_is_not(world: World, eyes: Eyes) -> None:
    at = NOON
    for name in ("never", "released"):
        eyes.store.threads.save(Thread(name, name, str(world.code / "proj"), Source.T3TRAY, at, at))
    cursor = Cursor("ses_1", str(world.code / "proj"))
    eyes.store.journal.append(Entry("released", Event.CONFIRMED, Actor.USER, "made", at, "ses_1", cursor=cursor))
    eyes.store.journal.append(Entry("released", Event.RELEASED, Actor.USER, "let go of", at, "ses_1"))
    eyes.store.journal.append(Entry("never", Event.INTENDED, Actor.USER, "made", at, intent="i1"))
    eyes.store.journal.append(Entry("never", Event.ABANDONED, Actor.RECOVERY, "never made", at, intent="i1"))
    reasons = {found.thread.id: found.verdict for found in eyes.look().assessments}
    assert (reasons["never"].reason, reasons["released"].reason) == (Reason.NEW, Reason.UNBOUND)
    assert "The session is there" not in sentence(reasons["never"])
