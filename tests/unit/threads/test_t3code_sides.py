"""T3 Code's side of real threads: read from both databases, each case as T3 Code writes it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from t3tray.demo.t3_database import stamp
from t3tray.domain.carries import CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy, RemedyRecord
from t3tray.domain.t3code_side import LetGo, NextMessage, NextReason
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import sentence
from t3tray.t3code.guard_sides import GuardSides
from t3tray.threads.remedy_offers import offers
from t3tray.threads.t3code_sides import T3Sides
from t3tray.threads.verify import situation_of
from tests.support.scan_cases import Eyes
from tests.support.t3_world import NOON, World, add_log, add_session, add_thread, add_v2, empty_world, make_v2, writing

LATER = datetime.now(UTC) + timedelta(hours=2)


class Watch(Eyes):
    """A scan of one thread, `t1`, with T3 Code's side."""

    def __init__(self, world: World, scratch: Path) -> None:
        super().__init__(world, scratch)
        self.sides = T3Sides()

    def side(self) -> NextMessage:
        return self.sides.of(self.look(), LATER)["t1"]

    def bind(self, session: str, *, over: str | None = None) -> None:
        """Bind the thread to this session by the user's choice, whatever T3 Code names."""
        self.store.threads.save(self.one().thread)
        cursor = Cursor(session, str(self.world.code / "proj"), last_message_id=None, chosen_over=over)
        deed = RemedyRecord(Remedy.BIND, session)
        self.store.journal.append(Entry("t1", Event.CONFIRMED, Actor.USER, "chosen", NOON, session, "i", cursor, deed))

    def t3_runs(self, holds: bool = True) -> None:
        """Start T3 Code; where it `holds` it, it then opens the thread's session."""
        started = datetime.fromtimestamp(psutil.Process(os.getpid()).create_time(), UTC)
        known = {"version": 1, "pid": os.getpid(), "startedAt": stamp(started)}
        (self.world.home / "userdata" / "server-runtime.json").write_text(json.dumps(known))
        if holds:
            self.t3_writes("UPDATE provider_session_runtime SET last_seen_at = ?", stamp(datetime.now(UTC)))

    def t3_writes(self, statement: str, *values: object) -> None:
        with writing(self.world.state) as connection:
            connection.execute(statement, values)
            connection.execute("UPDATE projection_threads SET updated_at = ?", (stamp(datetime.now(UTC)),))


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    world = empty_world(tmp_path)
    made = Watch(world, tmp_path)
    yield made
    made.store.close()


def thread(watch: Watch, session: str | None, **options: Any) -> None:
    with writing(watch.world.state) as connection:
        add_thread(connection, "t1", session, **options)


def session(watch: Watch, name: str, folder: str = "proj", **options: Any) -> None:
    with writing(watch.world.opencode) as connection:
        add_session(connection, name, watch.world.code / folder, **options)


def keep(watch: Watch) -> None:
    """Create a thread that is bound to the session which T3 Code names."""
    thread(watch, "ses_ours")
    session(watch, "ses_ours", messages=8)
    watch.keep()
    assert watch.one().verdict.reason is Reason.PROVED


def nothing(watch: Watch) -> None:
    pass


def lost(watch: Watch) -> None:
    watch.t3_writes("UPDATE provider_session_runtime SET resume_cursor_json = NULL")


def other(watch: Watch) -> None:
    session(watch, "ses_new", messages=4)
    watch.t3_writes('UPDATE provider_session_runtime SET resume_cursor_json = \'{"schemaVersion":1,"sessionId":"ses_new"}\'')


def other_gone(watch: Watch) -> None:
    watch.t3_writes('UPDATE provider_session_runtime SET resume_cursor_json = \'{"schemaVersion":1,"sessionId":"ses_x"}\'')


def gone(watch: Watch) -> None:
    with writing(watch.world.opencode) as connection:
        connection.execute("DELETE FROM session")
        connection.execute("DELETE FROM message")


def other_provider(watch: Watch) -> None:
    watch.t3_writes('UPDATE projection_threads SET model_selection_json = \'{"instanceId":"codex","model":"gpt"}\'')


def another_opencode(watch: Watch) -> None:
    watch.t3_writes('UPDATE projection_threads SET model_selection_json = \'{"instanceId":"opencode-work","model":"m"}\'')


def moved(watch: Watch) -> None:
    (watch.world.code / "wt").mkdir()
    watch.t3_writes("UPDATE projection_threads SET worktree_path = ?", str(watch.world.code / "wt"))


@pytest.mark.parametrize(
    ("change", "kind", "reason", "here"),
    [
        (nothing, Kind.RESUMABLE, NextReason.CONTINUES, Reason.PROVED),
        (lost, Kind.BLOCKED, NextReason.STARTS_EMPTY, None),
        (other, Kind.BLOCKED, NextReason.OTHER_SESSION, Reason.CONFLICT),
        (other_gone, Kind.BLOCKED, NextReason.SESSION_GONE, Reason.CONFLICT),
        (gone, Kind.BLOCKED, NextReason.SESSION_GONE, Reason.MISSING),
        (other_provider, Kind.BLOCKED, NextReason.INSTANCE_CHANGED, Reason.PROVED),
        (another_opencode, Kind.BLOCKED, NextReason.INSTANCE_CHANGED, Reason.PROVED),
        (moved, Kind.BLOCKED, NextReason.WOULD_FORK, Reason.DIRECTORY_MISMATCH),
    ],
)
def test_each_side_is_told_by_itself(
    watch: Watch, change: Callable[[Watch], None], kind: Kind, reason: NextReason, here: Reason | None
) -> None:
    keep(watch)
    change(watch)
    told = watch.side()
    assert (told.kind, told.reason) == (kind, reason)
    assert here is None or watch.one().verdict.reason is here


def test_what_the_user_chose_here_is_not_yet_so_in_t3_code(watch: Watch) -> None:
    """A case that was shown as fine: bound to the right session here, while T3 Code uses another, a deleted one, or none."""
    thread(watch, "ses_new")
    session(watch, "ses_new", messages=2)
    session(watch, "ses_ours", messages=8)
    watch.bind("ses_ours", over="ses_new")
    assert watch.one().verdict.kind is Kind.RESUMABLE and not watch.one().verdict.detail
    assert watch.side().reason is NextReason.OTHER_SESSION and "(2 messages)" in next_sentence(watch.side())
    with writing(watch.world.opencode) as connection:
        connection.execute("DELETE FROM session WHERE id = 'ses_new'")
    assert watch.side().reason is NextReason.SESSION_GONE, "the session that T3 Code names is watched too"


def test_with_the_guard_it_goes_on_or_fails_with_a_clear_message(watch: Watch) -> None:
    thread(watch, None)
    session(watch, "ses_ours", messages=8)
    watch.bind("ses_ours", over="")
    assert watch.side().reason is NextReason.STARTS_EMPTY
    watch.sides.guard = GuardSides(answered=frozenset({watch.world.home}))
    assert (watch.side().kind, watch.side().reason) == (Kind.RESUMABLE, NextReason.GUARDED)
    watch.sides.guard = GuardSides(unanswered=frozenset({watch.world.home}))
    assert (watch.side().kind, watch.side().reason) == (Kind.BLOCKED, NextReason.FAILS)
    watch.sides.guard = GuardSides(answered=frozenset({Path("/another/home")}))
    assert watch.side().reason is NextReason.STARTS_EMPTY


def test_t3_codes_own_word_on_what_it_holds_stays_so_that_ours_counts(watch: Watch) -> None:
    keep(watch)
    other(watch)
    home = watch.world.home
    watch.sides.guard = GuardSides(answered=frozenset({home}))
    watch.t3_runs()
    assert watch.side().reason is NextReason.LIVE_ELSEWHERE and watch.sides.held("t1")
    now = datetime.now(UTC) + timedelta(seconds=1)
    watch.sides.let_go = {str(home): LetGo(now, is_sure=True)}
    assert watch.side().reason is NextReason.GUARDED and watch.sides.held("t1") is None
    watch.sides.let_go = {str(home): LetGo(now, is_sure=False)}
    assert (watch.side().kind, watch.side().reason) == (Kind.UNKNOWN, NextReason.UNKNOWN)
    watch.sides.let_go = {str(home): LetGo(now - timedelta(hours=1), is_sure=True)}
    assert watch.side().reason is NextReason.LIVE_ELSEWHERE, "it took the session up since"
    watch.sides.ends = {"ses_new": now}
    assert watch.side().reason is NextReason.UNKNOWN, "it ended what ran there, or let go of it"
    watch.sides.let_go, watch.sides.ends, watch.sides.guard = {}, {}, GuardSides()
    assert watch.side().reason is NextReason.LIVE_ELSEWHERE and watch.sides.held("t1") is None, "without the guard nobody asks"


def test_what_t3_code_holds_open_counts_only_while_it_runs(watch: Watch) -> None:
    keep(watch)
    other(watch)
    assert watch.side().reason is NextReason.OTHER_SESSION
    watch.t3_runs()
    assert watch.side().reason is NextReason.LIVE_ELSEWHERE
    watch.t3_writes("UPDATE provider_session_runtime SET status = 'stopped'")
    assert watch.side().reason is NextReason.OTHER_SESSION, "reaped: it asks for the session by its cursor again"


def test_a_session_that_is_held_open_goes_on_whatever_the_cursor_says(watch: Watch) -> None:
    thread(watch, None)
    session(watch, "ses_ours", messages=8)
    add_log(watch.world, "t1", ("ses_ours", datetime.now(UTC)))
    watch.bind("ses_ours", over="")
    watch.t3_runs()
    assert (watch.side().kind, watch.side().reason) == (Kind.RESUMABLE, NextReason.LIVE)


def test_what_an_earlier_t3_code_left_standing_is_not_held_open(watch: Watch) -> None:
    keep(watch)
    other(watch)
    watch.t3_runs(holds=False)
    assert watch.side().reason is NextReason.OTHER_SESSION


def test_a_thread_of_another_provider_that_was_set_to_opencode_gets_a_verdict(watch: Watch) -> None:
    thread(watch, None, provider="codex")
    assert not watch.look().assessments and len(watch.look().foreign) == 1
    watch.t3_writes('UPDATE projection_threads SET model_selection_json = \'{"instanceId":"opencode","model":"m"}\'')
    told = watch.side()
    assert told.reason is NextReason.INSTANCE_CHANGED and "from “codex” to “opencode”" in next_sentence(told)
    assert watch.one().verdict.reason is Reason.UNBOUND and not watch.look().foreign


def test_while_t3_code_cannot_be_read_its_side_is_unknown_and_not_well(watch: Watch) -> None:
    keep(watch)
    lost(watch)
    assert watch.side().reason is NextReason.STARTS_EMPTY
    whole = watch.world.state.read_bytes()
    watch.world.state.write_bytes(b"")
    found = watch.one()
    assert (found.verdict.reason, found.t3) == (Reason.PROVED, None), "here it is as it was"
    assert (watch.side().reason, watch.side().is_fine) == (NextReason.UNKNOWN, False)
    watch.world.state.write_bytes(whole)
    assert watch.side().reason is NextReason.STARTS_EMPTY


def test_an_instance_of_another_name_is_opencodes_where_it_was_ever_used_so(watch: Watch) -> None:
    with writing(watch.world.state) as connection:
        add_thread(connection, "t1", "ses_ours", provider="codex")
        add_thread(connection, "t2", "ses_2")
        connection.execute("UPDATE provider_session_runtime SET provider_instance_id = 'work' WHERE thread_id = 't2'")
        connection.execute('UPDATE projection_threads SET model_selection_json = \'{"instanceId":"work"}\'')
    assert watch.side().reason is NextReason.INSTANCE_CHANGED


def answers(watch: Watch, *parts: str) -> None:
    """Write the model's answers that T3 Code shows, by the parts of OpenCode's messages that they were made from."""
    with writing(watch.world.state) as connection:
        for number, part in enumerate(parts):
            at = stamp(NOON - timedelta(minutes=30 - number))
            connection.execute(
                "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at)"
                " VALUES (?, 't1', 'assistant', 'said', 0, ?, ?)",
                (f"assistant:{part}", at, at),
            )


def part(watch: Watch, name: str, of: str) -> None:
    with writing(watch.world.opencode) as connection:
        connection.execute("INSERT INTO part VALUES (?, ?, ?, 0, 0, '{}')", (name, f"msg_{of.removeprefix('ses_')}_00001", of))


def test_a_loss_from_before_our_time_is_told_by_t3_codes_own_messages(watch: Watch) -> None:
    """A fresh t3tray: T3 Code shows four answers, and the session that it uses now has the last two."""
    thread(watch, "ses_new")
    session(watch, "ses_new", messages=4)
    answers(watch, "prt_1", "prt_2", "prt_3", "prt_4")
    for name in ("prt_3", "prt_4"):
        part(watch, name, "ses_new")
    told = watch.side()
    assert told.reason is NextReason.PARTIAL and "knows 2 of the 4 answers" in next_sentence(told)
    watch.keep()
    assert watch.side().reason is NextReason.PARTIAL, "and it stays so when t3tray has kept the session"
    (found,) = watch.look().assessments
    assert found.verdict.carries.kind is not CarriesKind.WHOLE, "here neither"
    assert "T3 Code shows 4 answers, of which this session holds 2" in sentence(found.verdict)


def test_a_session_that_the_user_chose_is_known_to_hold_less(watch: Watch) -> None:
    thread(watch, "ses_new")
    session(watch, "ses_new", messages=4)
    answers(watch, "prt_1", "prt_2")
    part(watch, "prt_2", "ses_new")
    watch.bind("ses_new")
    assert watch.side().reason is NextReason.CONTINUES


def test_a_fork_of_a_session_that_is_gone_holds_it_all(watch: Watch) -> None:
    """Its parts have other names than those that T3 Code shows, and its messages are older than the fork."""
    thread(watch, "ses_fork")
    session(watch, "ses_fork", messages=4, first_at=NOON - timedelta(hours=1))
    answers(watch, "prt_1", "prt_2")
    part(watch, "prt_2", "ses_fork")
    assert watch.side().reason is NextReason.CONTINUES


@pytest.mark.parametrize(("age", "is_stuck"), [(timedelta(minutes=5), True), (timedelta(seconds=5), False)])
def test_a_reply_that_t3_code_never_took(watch: Watch, age: timedelta, is_stuck: bool) -> None:
    """Its fork bug: the answer is complete in OpenCode, and T3 Code shows the thread as running for ever."""
    at = LATER - age
    thread(watch, "ses_ours", session_status="running", active_turn="turn-t1", at=at - timedelta(minutes=1))
    session(watch, "ses_ours", messages=2, at=at - timedelta(seconds=2), first_at=at - timedelta(seconds=2))
    watch.t3_runs(holds=False)
    told = watch.side()
    assert (told.reason is NextReason.STUCK) is is_stuck
    assert not is_stuck or "start it again to free the thread" in next_sentence(told)


def test_a_reply_to_an_earlier_message_is_no_sign_of_being_stuck(watch: Watch) -> None:
    thread(watch, "ses_ours", session_status="running", active_turn="turn-t1", at=LATER - timedelta(seconds=10))
    session(watch, "ses_ours", messages=2)
    watch.t3_runs(holds=False)
    assert watch.side().reason is NextReason.CONTINUES


def test_the_second_orchestrators_hand_off_and_summary(watch: Watch) -> None:
    thread(watch, "ses_ours")
    path = make_v2(watch.world)
    add_v2(path, "t1")
    with writing(path) as connection:
        connection.execute("INSERT INTO orchestration_v2_legacy_imports VALUES ('t1', ?)", (stamp(NOON),))
        connection.execute(
            "CREATE TABLE orchestration_v2_projection_messages"
            " (message_id TEXT PRIMARY KEY, thread_id TEXT, role TEXT, run_id TEXT, payload_json TEXT)"
        )
        row = "INSERT INTO orchestration_v2_projection_messages VALUES (?, 't1', ?, NULL, ?)"
        connection.execute(row, ("m1", "user", json.dumps({"text": "x" * 30_000})))
        connection.execute(row, ("m2", "assistant", json.dumps({"text": "y" * 11_692})))
    assert "the last 32,000 of 41,692 characters" in next_sentence(watch.side())
    with writing(path) as connection:
        connection.execute("DELETE FROM orchestration_v2_projection_messages WHERE message_id = 'm1'")
        connection.execute("UPDATE orchestration_v2_projection_threads SET updated_at = ?", (stamp(LATER),))
    told = watch.side()
    assert (told.kind, told.reason) == (Kind.RESUMABLE, NextReason.HAND_OFF) and "whole conversation" in next_sentence(told)


def test_a_session_that_is_gone_means_a_summary_with_the_second_orchestrator(watch: Watch) -> None:
    path = make_v2(watch.world)
    add_v2(path, "t1", "ses_x")
    told = watch.side()
    assert told.reason is NextReason.SESSION_GONE and "only a summary" in next_sentence(told)


def test_without_opencodes_database_nothing_is_called_gone(watch: Watch) -> None:
    keep(watch)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{watch.world.opencode}{suffix}").unlink(missing_ok=True)
    assert (watch.side().kind, watch.side().reason) == (Kind.UNKNOWN, NextReason.UNKNOWN)
    other_gone(watch)
    told = watch.side()
    assert told.reason is NextReason.OTHER_SESSION and "exists" not in next_sentence(told)


def test_what_did_not_change_is_told_by_the_same_value(watch: Watch) -> None:
    keep(watch)
    picture = watch.look()
    first = watch.sides.of(picture, LATER)["t1"]
    assert watch.sides.of(replace(picture), LATER)["t1"] is first


def test_a_revert_that_is_pending_where_t3_code_goes_on_is_told_and_healing_is_not_offered(watch: Watch) -> None:
    thread(watch, "ses_other")
    session(watch, "ses_ours", messages=4)
    session(watch, "ses_other", messages=6)
    watch.bind("ses_ours")
    assert Remedy.HEAL in watch.side().remedies
    with writing(watch.world.opencode) as connection:
        revert = json.dumps({"messageID": "msg_other_00002"})
        connection.execute("UPDATE session SET revert = ?, time_updated = time_updated + 1 WHERE id = 'ses_other'", (revert,))
    told = watch.side()
    assert next_sentence(told).endswith("A revert is pending there: your next message deletes 4 messages for good.")
    assert Remedy.HEAL not in told.remedies
    around = situation_of(watch.one())
    assert around.reverting and Remedy.HEAL not in offers(watch.one().verdict, around)
