"""The switch detector: each way in which a thread loses its session raises one alarm, with its cause and the loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.demo.t3_database import stamp
from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy, RemedyRecord, Repair
from t3tray.messages.alarms import alarm_notice, alarm_sentence
from t3tray.t3code.guard_sides import GuardSides
from t3tray.threads.t3code_sides import T3Sides
from tests.support.scan_cases import Eyes
from tests.support.stores import writing_in
from tests.support.t3_world import NOON, World, add_message, add_session, add_thread, empty_world, writing


class Post(Eyes):
    """A switch detector in a world where one thread is bound to `ses_old` with 41 messages."""

    def __init__(self, world: World, scratch: Path) -> None:
        super().__init__(world, scratch)
        self.minutes = 0
        self.sides = T3Sides()
        with writing(world.state) as connection:
            add_thread(connection, "t1", "ses_old")
        with writing(world.opencode) as connection:
            add_session(connection, "ses_old", world.code / "proj", messages=40, tokens=152_991, at=NOON - timedelta(hours=1))
        self.relieve()
        assert self.watch() == ()

    def relieve(self) -> None:
        """Start t3tray anew."""
        self.sentinel = SwitchDetector(self.store, self.database, lambda: datetime.now(UTC))

    def watch(self) -> tuple[Alarm, ...]:
        picture = self.look()
        raised = self.sentinel.detect(picture, self.sides.of(picture, NOON))
        self.keeper.record(picture)
        return raised

    def t3_says(self, session: str | None) -> None:
        self.minutes += 1
        cursor = None if session is None else json.dumps({"schemaVersion": 1, "sessionId": session})
        with writing(self.world.state) as connection:
            at = stamp(NOON + timedelta(minutes=self.minutes))
            connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = ?, last_seen_at = ?", (cursor, at))

    def opencode_has(self, session: str, **options: Any) -> None:
        with writing(self.world.opencode) as connection:
            add_session(connection, session, options.pop("directory", self.world.code / "proj"), **options)

    def delete(self, session: str) -> None:
        with writing(self.world.opencode) as connection:
            connection.execute("DELETE FROM session WHERE id = ?", (session,))
            connection.execute("DELETE FROM message WHERE session_id = ?", (session,))


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(empty_world(tmp_path), tmp_path)
    yield made
    made.store.close()


def test_a_deleted_session_that_was_replaced(post: Post) -> None:
    post.delete("ses_old")
    (gone,) = post.watch()
    assert (gone.kind, gone.cause) == (AlarmKind.LOST, Cause.SESSION_DELETED)
    assert (gone.before, gone.now.session_id) == (SessionContents("ses_old", 40), None), "before anything was typed"
    assert post.watch() == ()
    post.relieve()
    assert post.watch() == (), "told once, also by another start"
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    (alarm,) = post.watch()
    assert (alarm.kind, alarm.cause) == (AlarmKind.SWITCHED, Cause.SESSION_DELETED)
    assert (alarm.before.session_id, alarm.before.messages) == ("ses_old", 40), "what our own cursor remembered of it"
    assert (alarm.now.session_id, alarm.now.messages) == ("ses_new", 2)
    assert alarm.at == NOON + timedelta(minutes=1)


def test_a_cursor_that_was_lost_and_then_another_session(post: Post) -> None:
    post.t3_says(None)
    (lost,) = post.watch()
    assert (lost.kind, lost.cause, lost.before.messages) == (AlarmKind.LOST, Cause.CURSOR_WAS_NULL, 40)
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    (switched,) = post.watch()
    assert (switched.kind, switched.cause, switched.before.session_id) == (AlarmKind.SWITCHED, Cause.CURSOR_WAS_NULL, "ses_old")
    assert switched.before.input_tokens == 152_991


def test_a_fork_for_another_folder(post: Post) -> None:
    post.opencode_has("ses_fork", title="A (fork #1)", messages=42, first_at=NOON - timedelta(hours=1))
    post.t3_says("ses_fork")
    assert post.watch()[0].cause is Cause.MOVED_DIRECTORY


def test_a_session_that_works_elsewhere(post: Post) -> None:
    post.opencode_has("ses_new", directory=post.world.code / "other")
    post.t3_says("ses_new")
    assert post.watch()[0].cause is Cause.MOVED_DIRECTORY


def test_a_switch_that_nothing_explains(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    assert post.watch()[0].cause is Cause.UNKNOWN


def test_no_event_is_told_twice_even_after_a_restart(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    assert len(post.watch()) == 1
    assert post.watch() == ()
    post.relieve()
    assert post.watch() == ()
    assert len(post.store.alarms.all(unseen=True)) == 1


def test_what_happened_while_t3tray_was_away_is_told_at_its_return(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    post.relieve()
    assert len(post.watch()) == 1


def test_a_change_that_the_user_made_here_is_no_alarm(post: Post) -> None:
    post.opencode_has("ses_new")
    now = Cursor("ses_new", str(post.world.code / "proj"))
    post.store.journal.append(
        Entry("t1", Event.SUPERSEDED, Actor.USER, "the user chose", NOON, "ses_old"),
        Entry("t1", Event.CONFIRMED, Actor.USER, "bound by the user", NOON, "ses_new", cursor=now),
    )
    post.t3_says("ses_new")
    assert post.watch() == ()


def test_the_first_session_of_a_new_thread_is_no_alarm(post: Post) -> None:
    with writing(post.world.state) as connection:
        add_thread(connection, "t2", None, has_turns=False)
    post.opencode_has("ses_first")
    assert post.watch() == ()
    with writing(post.world.state) as connection:
        connection.execute("DELETE FROM projection_threads WHERE thread_id = 't2'")
        connection.execute("DELETE FROM projection_thread_sessions WHERE thread_id = 't2'")
        add_thread(connection, "t2", "ses_first", at=NOON + timedelta(minutes=5))
    assert post.watch() == ()


def turn(post: Post, number: int, tokens: int) -> None:
    at = NOON + timedelta(minutes=number)
    with writing(post.world.opencode) as connection:
        add_message(connection, "ses_old", number, at, tokens)
        connection.execute("UPDATE session SET time_updated = ? WHERE id = 'ses_old'", (round(at.timestamp() * 1000),))


def test_a_turn_that_was_sent_far_less_than_the_one_before(post: Post) -> None:
    turn(post, 41, 50_000)
    assert post.watch() == ()
    turn(post, 43, 60_000)
    assert post.watch() == ()
    turn(post, 45, 9_000)
    (alarm,) = post.watch()
    assert (alarm.kind, alarm.before.input_tokens, alarm.now.input_tokens) == (AlarmKind.CLIFF, 60_000, 9_000)
    assert post.watch() == ()


def test_after_a_compaction_less_is_sent_and_that_is_fine(post: Post) -> None:
    turn(post, 41, 60_000)
    post.watch()
    turn(post, 43, 9_000)
    with writing(post.world.opencode) as connection:
        connection.execute("UPDATE message SET data = json_set(data, '$.summary', json('true')) WHERE id = 'msg_old_00043'")
    assert post.watch() == ()


def test_an_alarm_is_seen_when_the_user_looked_at_its_thread(post: Post) -> None:
    post.t3_says(None)
    post.watch()
    post.store.alarms.mark_seen("t1", NOON)
    assert post.store.alarms.all(unseen=True) == ()
    assert post.store.alarms.all("t1")[0].seen_at == NOON


def test_every_alarm_is_a_sentence(post: Post) -> None:
    post.t3_says(None)
    (lost,) = post.watch()
    assert alarm_sentence(lost) == (
        "T3 Code lost this thread's session (40 messages, 152,991 tokens): T3 Code had lost track of the old session."
    )
    assert alarm_notice(lost) == "T3 Code no longer knows its session (40 messages)."
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    (switched,) = post.watch()
    assert alarm_sentence(switched) == (
        "T3 Code switched this thread from a session with 40 messages, 152,991 tokens to one with 2 messages, 100 tokens: "
        "T3 Code had lost track of the old session."
    )
    assert alarm_notice(switched) == "T3 Code goes on in another session: 40 messages before, 2 messages now."


def test_with_the_guard_a_cursor_that_was_lost_costs_nothing(post: Post) -> None:
    post.sides.guard = GuardSides(answered=frozenset({post.world.home}))
    post.t3_says(None)
    assert post.watch() == ()


def test_a_thread_that_was_set_to_another_provider_is_told_once_and_put_away_when_it_is_set_back(post: Post) -> None:
    def set_to(instance: str, minutes: int) -> None:
        with writing(post.world.state) as connection:
            connection.execute(
                "UPDATE projection_threads SET model_selection_json = ?, updated_at = ?",
                (json.dumps({"instanceId": instance}), stamp(NOON + timedelta(minutes=minutes))),
            )

    set_to("codex", 1)
    (alarm,) = post.watch()
    assert (alarm.kind, alarm.cause, alarm.before.messages) == (AlarmKind.LOST, Cause.INSTANCE_CHANGED, 40)
    set_to("codex", 2)
    assert post.watch() == ()
    set_to("opencode", 3)
    assert post.watch() == () and post.store.alarms.all(unseen=True) == ()


def test_what_was_taken_over_from_t3_code_is_no_choice_of_the_users(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    old = post.store.journal.binding("t1").cursor
    assert old
    new = Cursor("ses_new", old.directory)
    lines = ((Event.RELEASED, old), (Event.CONFIRMED, new))
    post.store.journal.append(
        *(Entry("t1", event, Actor.IMPORT, "seen", NOON, each.session_id, cursor=each) for event, each in lines)
    )
    (alarm,) = post.watch()
    assert (alarm.kind, alarm.before.session_id, alarm.now.session_id) == (AlarmKind.SWITCHED, "ses_old", "ses_new")


def test_a_project_that_is_reached_by_a_link_has_not_moved(post: Post, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(post.world.code / "proj")
    with writing(post.world.state) as connection:
        connection.execute("UPDATE projection_projects SET workspace_root = ?", (str(tmp_path / "link"),))
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    (alarm,) = post.watch()
    assert alarm.cause is Cause.UNKNOWN


def test_a_cache_that_ran_out_and_a_turn_that_was_broken_off_are_no_cliff(post: Post) -> None:
    def answers(number: int, **tokens: object) -> None:
        at = NOON + timedelta(minutes=number)
        with writing(post.world.opencode) as connection:
            name = add_message(connection, "ses_old", number, at)
            told = json.dumps({"role": "assistant", "time": {"created": 1, "completed": 2}, "finish": "stop"} | tokens)
            connection.execute("UPDATE message SET data = ? WHERE id = ?", (told, name))
            connection.execute("UPDATE session SET time_updated = time_updated + 100000")

    answers(41, tokens={"input": 10, "cache": {"read": 100_000, "write": 500}})
    assert post.watch() == ()
    answers(43, tokens={"input": 10, "cache": {"read": 0, "write": 100_800}})
    assert post.watch() == (), "the same words, in another column"
    answers(45, tokens={"input": 0, "cache": {"read": 0, "write": 0}}, error={"name": "MessageAbortedError", "data": {}})
    assert post.watch() == ()
    answers(47, tokens={"input": 10, "cache": {"read": 0, "write": 20_000}})
    (alarm,) = post.watch()
    assert (alarm.kind, alarm.before.input_tokens, alarm.now.input_tokens) == (AlarmKind.CLIFF, 100_810, 20_010)


def repaired(post: Post, before: str | None, after: str | None, remedy: Remedy = Remedy.REPAIR) -> None:
    """The user accepts T3 Code's other session, or reverts that: by an entry of the journal and T3 Code's own row."""

    def cursor(session: str | None) -> str | None:
        return None if session is None else json.dumps({"schemaVersion": 1, "sessionId": session})

    deed = RemedyRecord(remedy, after or "", repair=Repair("/t3", "t1", cursor(before), cursor(after)))
    post.store.journal.append(
        Entry("t1", Event.DONE, Actor.USER, "written", datetime.now(UTC), after, intent=str(post.minutes), deed=deed)
    )
    post.t3_says(after)


def test_a_repair_that_is_taken_back_is_our_own_deed(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    assert len(post.watch()) == 1
    repaired(post, "ses_new", "ses_old")
    assert post.watch() == (), "back to a binding that was taken over from T3 Code"
    assert post.store.alarms.all(unseen=True) == (), "it is mended, and nothing is left to tell"
    repaired(post, "ses_old", "ses_new", Remedy.UNDO)
    assert post.watch() == ()


def test_a_repair_of_an_empty_cursor_that_is_taken_back_is_our_own_deed(post: Post) -> None:
    post.t3_says(None)
    assert [alarm.kind for alarm in post.watch()] == [AlarmKind.LOST]
    repaired(post, None, "ses_old")
    assert post.watch() == ()
    repaired(post, "ses_old", None, Remedy.UNDO)
    assert post.watch() == ()


def test_a_fork_that_the_guard_moved_is_our_own_deed(post: Post) -> None:
    post.opencode_has("ses_fork", title="A (fork #1)", messages=42, first_at=NOON - timedelta(hours=1))
    moved = Cursor("ses_fork", str(post.world.code / "proj"))
    post.store.journal.append(
        Entry("t1", Event.INTENDED, Actor.IMPORT, "T3 Code moved this thread", NOON, intent="i1"),
        Entry("t1", Event.SUPERSEDED, Actor.IMPORT, "T3 Code moved this thread", NOON, "ses_old"),
        Entry("t1", Event.CONFIRMED, Actor.IMPORT, "T3 Code moved this thread", NOON, "ses_fork", "i1", moved),
    )
    post.t3_says("ses_fork")
    assert post.watch() == ()


def test_a_loss_is_one_alarm_however_often_t3_code_stops_and_starts(post: Post) -> None:
    post.delete("ses_old")
    (gone,) = post.watch()
    assert datetime.now(UTC) - gone.at < timedelta(minutes=5), "the time of the deletion, as far as it is known"
    for _ in range(3):
        post.t3_says("ses_old")
        post.relieve()
        assert post.watch() == ()
    assert len(post.store.alarms.all()) == 1


def test_an_alarm_that_an_older_t3tray_kept_is_not_told_again(post: Post) -> None:
    post.delete("ses_old")
    post.watch()
    with writing_in(post.store) as connection:
        connection.execute(text("UPDATE alarms SET event = event || ' 2026-11-29T22:43:19.444000+00:00'"))
    post.relieve()
    assert post.watch() == () and len(post.store.alarms.all()) == 1


def test_a_loss_that_was_mended_and_comes_again_is_told_again(post: Post) -> None:
    post.t3_says(None)
    assert len(post.watch()) == 1
    post.t3_says("ses_old")
    assert post.watch() == () and post.store.alarms.all(unseen=True) == ()
    post.relieve()
    post.t3_says(None)
    (again,) = post.watch()
    assert again.kind is AlarmKind.LOST and len(post.store.alarms.all()) == 2


def test_a_loss_that_led_to_a_switch_is_told_with_the_switch(post: Post) -> None:
    post.t3_says(None)
    post.watch()
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    post.watch()
    assert [alarm.kind for alarm in post.store.alarms.all(unseen=True)] == [AlarmKind.SWITCHED]


def test_a_switch_is_over_only_when_both_sides_go_on_in_one_session_by_the_users_choice(post: Post) -> None:
    post.opencode_has("ses_new")
    post.t3_says("ses_new")
    post.watch()
    folder = str(post.world.code / "proj")
    deed, now = RemedyRecord(Remedy.BIND, "ses_old"), datetime.now(UTC)
    old = Cursor("ses_old", folder, chosen_over="ses_new")
    post.store.journal.append(
        Entry("t1", Event.SUPERSEDED, Actor.USER, "chosen", now, "ses_old", "i1", deed=deed),
        Entry("t1", Event.CONFIRMED, Actor.USER, "chosen", now, "ses_old", "i1", old, deed),
    )
    post.watch()
    assert len(post.store.alarms.all(unseen=True)) == 1, "here it is well, and T3 Code still talks to the other"
    kept, deed = Cursor("ses_new", folder), RemedyRecord(Remedy.BIND, "ses_new")
    post.store.journal.append(
        Entry("t1", Event.SUPERSEDED, Actor.USER, "chosen", now, "ses_old", "i2", deed=deed),
        Entry("t1", Event.CONFIRMED, Actor.USER, "chosen", now, "ses_new", "i2", kept, deed),
    )
    with writing(post.world.state) as connection:
        connection.execute("UPDATE projection_threads SET updated_at = ?", (stamp(NOON + timedelta(hours=1)),))
    post.watch()
    assert post.store.alarms.all(unseen=True) == ()
