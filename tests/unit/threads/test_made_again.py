"""A thread that our data has lost is made again from its session's mark: not over what is there, nor for what is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import SessionFacts
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.opencode.marked_sessions import MarkedSession
from t3tray.opencode.markers import Marker
from t3tray.opencode.message_ids import mark_of
from t3tray.threads.evidence import ThreadRecord
from tests.support.t3_world import NOON, add_session, milliseconds, writing
from tests.unit.threads.test_lost_bindings import MINUTE, NEW, OLD, Life, life

__all__ = ["life"]
LOST = "ses_lost"


def lost_session(life: Life, title: str = "Refactor", messages: int = 2) -> MarkedSession:
    """A session that the mark gives to a thread of which nothing is recorded."""
    with writing(life.world.opencode) as connection:
        add_session(connection, LOST, life.world.code / "proj", messages=messages, title=title)
        mark = f'{{"t3tray": {{"thread": "t9", "intent": "lost", "store": "{life.store.id}"}}}}'
        connection.execute("UPDATE session SET metadata = ? WHERE id = ?", (mark, LOST))
    life.lost.read()
    (found,) = life.lost.unbound
    return found


def bound(life: Life, thread_id: str = "t9") -> Cursor | None:
    return life.store.journal.binding(thread_id).cursor


@pytest.mark.parametrize(("title", "source"), [("Refactor", Source.T3TRAY), ("T3 Code t9", Source.T3CODE), ("", Source.T3TRAY)])
def test_a_thread_of_which_only_the_session_is_left_is_made_from_it(life: Life, title: str, source: Source) -> None:
    assert life.lost.make_again(lost_session(life, title), None, None)
    thread, cursor = life.store.threads.find("t9"), bound(life)
    assert (thread.title, thread.source, thread.directory) == (title or "Thread", source, str(life.world.code / "proj"))
    assert cursor and (cursor.session_id, cursor.message_count, cursor.last_finished_id) == (LOST, 2, "msg_lost_00001")
    (entry,) = life.store.journal.entries("t9")
    assert (entry.event, entry.actor, entry.intent) == (Event.CONFIRMED, Actor.RECOVERY, "lost")
    life.lost.read()
    assert life.lost.unbound == (), "it is found once"


def test_a_thread_that_t3_code_shows_is_stored_as_it_shows_it(life: Life) -> None:
    shown = Thread("t9", "As T3 Code shows it", "/their/folder", Source.T3CODE, NOON, NOON)
    assert life.lost.make_again(lost_session(life), None, shown)
    assert life.store.threads.find("t9") == shown


def test_a_session_that_is_gone_meanwhile_is_bound_to_nothing(life: Life) -> None:
    found = lost_session(life)
    with writing(life.world.opencode) as connection:
        connection.execute("DELETE FROM session WHERE id = ?", (LOST,))
    assert not life.lost.make_again(found, None, None)
    assert bound(life) is None and [thread.id for thread in life.store.threads.all()] == ["t1"]


def test_a_session_that_another_thread_has_by_now_is_left_to_it(life: Life) -> None:
    found = lost_session(life)
    entry = Entry("t2", Event.CONFIRMED, Actor.USER, "", NOON, LOST, cursor=Cursor(LOST, "/w"))
    life.store.add_thread(Thread("t2", "Another", "/w", Source.T3TRAY, NOON, NOON), entry)
    assert not life.lost.make_again(found, None, None)
    assert bound(life) is None and bound(life, "t2") == Cursor(LOST, "/w")


def test_a_thread_that_is_bound_meanwhile_keeps_its_session(life: Life) -> None:
    found = replace(lost_session(life), marker=Marker("t1", "lost", life.store.id))
    assert not life.lost.make_again(found, None, None)
    cursor = bound(life, "t1")
    assert cursor and cursor.session_id == NEW


def test_what_a_server_with_another_database_tells_counts_as_what_the_file_does(life: Life) -> None:
    facts = SessionFacts("ses_far", "/w", "Far", milliseconds(NOON), milliseconds(NOON))
    far = MarkedSession(facts, Marker("t9", "lost", life.store.id))
    ours = f"msg_{(milliseconds(NOON + 2 * MINUTE) * 0x1000) % (1 << 48):012x}{mark_of(life.store.id)}000001"
    life.lost.told_by_server((far,), [(OLD, ours), (OLD, "msg_of_another_program")])
    life.lost.read()
    assert life.lost.unbound == (far,) and life.lost.sessions_of("t1") == (OLD,)
    life.lost.told_by_server((far,), [(OLD, "msg_of_another_program")])
    life.lost.read()
    assert life.lost.sessions_of("t1") == ()


def test_a_record_says_what_speaks_against_its_binding_and_other_records_say_nothing(life: Life) -> None:
    def record(name: str, session: str) -> ThreadRecord:
        thread = Thread(name, "A thread", "/w", Source.T3TRAY, NOON, NOON)
        return ThreadRecord(thread, Cursor(session, "/w"), has_turns=True)

    ours, others = record("t1", NEW), record("t2", "ses_2")
    life.lost.read()
    assert life.lost.with_doubts(ours) == ours
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    life.lost.read()
    split = life.lost.with_doubts(ours).split
    assert [claim.session_id for claim in split] == [NEW, OLD] and life.lost.claimed() == ("t1",)
    life.lost.note_gap()
    life.lost.read()
    told = life.lost.with_doubts(ours)
    assert life.lost.in_doubt == {"t1"} and told.in_doubt and told.split == split
    assert life.lost.with_doubts(others) == others
    assert life.lost.with_doubts(structs.replace(ours, cursor=None)).split == (), "nothing is bound that could lack something"


def test_the_server_is_asked_where_the_file_cannot_be_read_or_our_data_was_put_back(life: Life, tmp_path: Path) -> None:
    assert not life.lost.needs_server
    life.store.restores.note_gap(NOON, "was put back")
    assert life.lost.needs_server
    life.store.restores.settle(NOON)
    assert not life.lost.needs_server
    life.world.opencode.rename(tmp_path / "away.db")
    assert life.lost.needs_server and "There is no OpenCode database" in life.lost.trouble
