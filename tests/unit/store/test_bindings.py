"""Bindings, threads, lease and settings in the store: the constraints of the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event, fold, last_change
from t3tray.domain.remedy import Remedy, RemedyRecord, Repair
from t3tray.domain.server import Wanted
from t3tray.domain.thread import Source, Thread
from t3tray.errors import OurBug, Refused, ThreadNotFound, UsageError
from t3tray.settings.definitions import Settings
from t3tray.settings.stored import read_settings, write_settings
from t3tray.store.server_lease import Lease, LeaseHolder
from t3tray.store.store import Store
from tests.support.rounds import rounds
from tests.support.stores import open_store, writing_in

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CURSOR = Cursor("ses_1", "/work", "Parser", 1, "msg_1", "msg_2", "msg_2", 2, "1.18.33")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data", lambda: NOON)
    opened.threads.add(thread("a1"))
    opened.threads.add(thread("a2"))
    yield opened
    opened.close()


def thread(name: str) -> Thread:
    return Thread(name, f"Thread {name}", "/work", Source.T3TRAY, NOON, NOON)


def entry(event: Event, name: str = "a1", session: str | None = "ses_1", intent: str | None = None) -> Entry:
    cursor = Cursor(session, "/work") if session and event in (Event.CONFIRMED, Event.PROVEN) else None
    return Entry(name, event, Actor.USER, "because", NOON, session, intent, cursor)


def test_a_binding_is_found_by_its_thread_and_by_its_session(store: Store) -> None:
    store.journal.append(entry(Event.INTENDED, session=None, intent="i1"))
    assert [pending.intent for pending in store.journal.pending()] == ["i1"]
    store.journal.append(entry(Event.CONFIRMED, intent="i1"))
    assert store.journal.pending() == ()
    cursor = store.journal.binding("a1").cursor
    assert cursor and cursor.session_id == "ses_1"
    assert (store.journal.owner_of("ses_1"), store.journal.owner_of("ses_2")) == ("a1", None)
    assert store.journal.with_history() == {"a1"}


def test_a_thread_has_one_live_binding_and_a_session_one_thread(store: Store) -> None:
    store.journal.append(entry(Event.CONFIRMED))
    with pytest.raises(Refused, match="already bound to ses_1"):
        store.journal.append(entry(Event.CONFIRMED, session="ses_2"))
    with pytest.raises(Refused, match="already bound to thread a1"):
        store.journal.append(entry(Event.CONFIRMED, name="a2"))
    assert len(store.journal.entries()) == 1


def test_the_database_itself_refuses_a_second_binding(store: Store) -> None:
    store.journal.append(entry(Event.CONFIRMED))
    for values in ("('a1', 'ses_9', '{}')", "('a2', 'ses_1', '{}')"):
        with pytest.raises((DBAPIError, OurBug)), writing_in(store) as connection:
            connection.exec_driver_sql(f"INSERT INTO cursors (thread_id, session_id, cursor) VALUES {values}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET why = 'other'",
        "DELETE FROM journal",
        "REPLACE INTO journal (seq, thread_id, event, actor, why, at) SELECT seq, thread_id, event, actor, '?', at FROM journal",
    ],
)
def test_the_journal_can_only_grow(store: Store, statement: str) -> None:
    store.journal.append(entry(Event.CONFIRMED))
    with pytest.raises((DBAPIError, OurBug)), writing_in(store) as connection:
        connection.exec_driver_sql(statement)
    assert [line.why for line in store.journal.entries()] == ["because"]


def test_several_lines_are_recorded_together_or_not_at_all(store: Store) -> None:
    store.journal.append(entry(Event.CONFIRMED))
    with pytest.raises(Refused):
        store.journal.append(entry(Event.SUPERSEDED), entry(Event.CONFIRMED, name="a2", session="ses_2"), entry(Event.PROVEN))
    assert store.journal.binding("a1").cursor is not None and store.journal.binding("a2").cursor is None


def test_a_proof_is_renewed_only_for_the_session_that_is_bound_and_only_when_it_is_news(store: Store) -> None:
    store.journal.append(Entry("a1", Event.CONFIRMED, Actor.USER, "made", NOON, "ses_1", cursor=CURSOR))
    assert not store.journal.prove(Entry("a1", Event.PROVEN, Actor.TURN, "same", NOON, "ses_1", cursor=CURSOR))
    assert not store.journal.prove(entry(Event.PROVEN, session="ses_2"))
    assert store.journal.prove(entry(Event.PROVEN))
    assert store.journal.entries()[-1].event is Event.PROVEN


def test_a_thread_and_its_first_line_are_one(store: Store) -> None:
    store.journal.append(entry(Event.CONFIRMED))
    with pytest.raises(Refused):
        store.add_thread(thread("a3"), entry(Event.CONFIRMED, name="a3"))
    with pytest.raises(ThreadNotFound):
        store.threads.find("a3")


events = st.lists(st.tuples(st.sampled_from(list(Event)), st.sampled_from(["ses_1", "ses_2"])), max_size=12)


@settings(max_examples=rounds(50))
@given(events)
def test_whatever_is_recorded_the_live_cursor_is_what_the_journal_folds_to(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Event, str]]
) -> None:
    store = open_store(tmp_path_factory.mktemp("fold") / "data", lambda: NOON)
    try:
        store.threads.add(thread("a1"))
        for number, (event, session) in enumerate(history):
            try:
                store.journal.append(entry(event, session=session, intent=f"i{number}"))
            except Refused:
                continue
        assert fold(store.journal.entries("a1")).cursor == store.journal.cursors().get("a1")
    finally:
        store.close()


def test_a_thread_is_found_by_any_beginning_that_fits_no_other(store: Store) -> None:
    store.threads.add(thread("b1"))
    assert store.threads.find("b").id == "b1"
    assert store.threads.find("a1").id == "a1"
    with pytest.raises(UsageError, match="beginning of 2 threads"):
        store.threads.find("a")
    with pytest.raises(ThreadNotFound):
        store.threads.find("%")


def test_a_refused_message_is_added_to_the_draft_once(store: Store) -> None:
    store.threads.set_draft("a1", "half a thought")
    for _ in range(2):
        store.threads.save_draft("a1", "send this")
    assert store.threads.find("a1").draft == "half a thought\n\nsend this"


def test_activity_never_goes_back(store: Store) -> None:
    store.threads.touch("a1", NOON + timedelta(hours=1))
    store.threads.touch("a1", NOON)
    assert store.threads.find("a1").last_activity_at == NOON + timedelta(hours=1)


def test_settings_of_a_newer_version_are_kept(store: Store) -> None:
    with writing_in(store) as connection:
        connection.exec_driver_sql("INSERT INTO settings (key, value) VALUES ('from_the_future', '[1]')")
    write_settings(store.settings, Settings(terminal="kitty"), "terminal")
    assert read_settings(store.settings).terminal == "kitty"
    with writing_in(store) as connection:
        assert connection.exec_driver_sql("SELECT value FROM settings WHERE key = 'from_the_future'").scalar() == "[1]"


def test_a_lease_is_held_by_many_and_ends_with_the_last(store: Store) -> None:
    lease, one, other = Lease("token", 4096, "file", NOON, False), LeaseHolder(1, 1.0, "tray"), LeaseHolder(2, 2.0, "command")
    assert store.lease.claim(lease, one) is None
    assert store.lease.claim(Lease("another", 1, "file", NOON, False), other) == lease
    store.lease.record_process("token", 99, 9.0, "boot:9")
    assert store.lease.join("token", other) and not store.lease.join("gone", other)
    assert set(store.lease.holders("token")) == {one, other}
    assert not store.lease.leave("token", one)
    assert store.lease.leave("token", other)
    store.lease.set_detached("token", True)
    store.lease.join("token", one)
    assert not store.lease.leave("token", one), "it was to stay"
    store.lease.drop("token")
    assert store.lease.read() is None


def test_what_the_user_wants_of_the_server_is_remembered(store: Store) -> None:
    assert store.lease.wanted() is Wanted.RUNNING
    store.lease.set_wanted(Wanted.STOPPED)
    assert store.lease.wanted() is Wanted.STOPPED


def test_a_change_is_made_only_to_what_the_plan_saw(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "data", lambda: NOON)
    try:
        seen = last_change(store.journal.entries("a1"))
        other.journal.append(entry(Event.CONFIRMED, session="ses_2"), since=seen)
        with pytest.raises(Refused, match="changed since it was shown"):
            store.journal.append(entry(Event.INTENDED, session=None, intent="i1"), since=seen)
        assert store.journal.pending() == ()
        seen = last_change(store.journal.entries("a1"))
        store.journal.append(entry(Event.PROVEN, session="ses_2"))
        store.journal.append(entry(Event.INTENDED, session=None, intent="i1"), since=seen)
    finally:
        other.close()


def test_one_change_of_a_thread_is_under_way_at_a_time(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "data", lambda: NOON)
    try:
        store.journal.append(entry(Event.INTENDED, session=None, intent="i1"), since=0)
        for event in (Event.INTENDED, Event.CONFIRMED):
            with pytest.raises(Refused, match="not finished"):
                other.journal.append(entry(event, intent="i2"), since=0)
        other.journal.append(entry(Event.CONFIRMED, "a2", intent="i3"), since=0)
        store.journal.append(entry(Event.CONFIRMED, session="ses_2", intent="i1"), since=0)
    finally:
        other.close()


def test_a_repair_that_stands_open_holds_up_no_other_change(store: Store) -> None:
    deed = RemedyRecord(Remedy.REPAIR, repair=Repair("/gone", "a1", None, None))
    store.journal.append(replace(entry(Event.INTENDED, intent="i1"), deed=deed), since=0)
    store.journal.append(entry(Event.CONFIRMED, intent="i2"), since=0)


def test_what_was_given_up_meanwhile_is_not_finished(store: Store) -> None:
    """Recovery took a running process for dead: its intent must not be settled twice."""
    store.journal.append(entry(Event.INTENDED, session=None, intent="i1"), since=0)
    store.journal.append(entry(Event.ABANDONED, session=None, intent="i1"))
    for event in (Event.CONFIRMED, Event.ABANDONED, Event.DONE):
        with pytest.raises(Refused, match="settled by another"):
            store.journal.append(entry(event, intent="i1"))
    assert store.journal.binding("a1").cursor is None
