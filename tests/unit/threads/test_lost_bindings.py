"""A journal that is older than messages that t3tray itself sent: recognised by the messages' ids, in a built database."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy, RemedyRecord
from t3tray.domain.thread import Source, Thread
from t3tray.errors import StoreError
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.message_ids import MessageIds, is_later
from t3tray.store.store import Store
from t3tray.threads.lost_bindings import LostBindings
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_message, add_session, empty_world, milliseconds, writing

OLD, NEW = "ses_old", "ses_new"
MINUTE = timedelta(minutes=1)


class Life:
    """At noon the thread had the old session; a minute later it was bound to the new one, and had left the old."""

    def __init__(self, world: World, store: Store) -> None:
        self.world, self.store = world, store
        thread = Thread("t1", "A thread", str(world.code), Source.T3TRAY, NOON, NOON)
        store.add_thread(thread, self.line(Event.CONFIRMED, OLD, NOON))
        self.bind(NEW, OLD, NOON + MINUTE)
        with writing(world.opencode) as connection:
            for name in (OLD, NEW):
                add_session(connection, name, world.code / "proj", messages=0)
        self.lost = LostBindings(store, OpenCodeDatabase(world.opencode), lambda: NOON)

    def line(self, event: Event, session: str, at: datetime) -> Entry:
        cursor = Cursor(session, str(self.world.code)) if event is Event.CONFIRMED else None
        return Entry("t1", event, Actor.USER, "", at, session, cursor=cursor)

    def bind(self, session: str, former: str, at: datetime) -> None:
        self.store.journal.append(self.line(Event.SUPERSEDED, former, at), self.line(Event.CONFIRMED, session, at))

    def write(self, session: str, at: datetime, store_id: str | None, came: datetime | None = None) -> None:
        """Write a user's message, sent by this store; None: by OpenCode itself."""
        with writing(self.world.opencode) as connection:
            number = connection.execute("SELECT count(*) FROM message").fetchone()[0] * 2
            made = add_message(connection, session, number, came or at)
            if store_id is not None:
                name = MessageIds(random.Random(number), store_id).next(milliseconds(at))
                connection.execute("UPDATE message SET id = ? WHERE id = ?", (name, made))

    def claims(self) -> tuple[str, ...]:
        self.lost.read()
        assert not self.lost.trouble
        return self.lost.sessions_of("t1")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    store = open_store(tmp_path / "data", lambda: NOON)
    yield Life(empty_world(tmp_path), store)
    store.close()


def test_a_message_of_ours_in_a_session_that_was_let_go_of_before_is_a_split(life: Life) -> None:
    assert life.claims() == ()
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    assert life.claims() == (OLD,)
    split = life.lost.claims_of("t1", NEW)
    assert [claim.session_id for claim in split] == [NEW, OLD]
    life.lost.note_gap()
    assert life.store.restores.unsettled() is not None


def test_what_another_reader_found_is_still_told_to_the_one_who_judges(life: Life) -> None:
    life.lost.read()
    life.lost.take_changed()
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    # Who compares with a server reads as well, and is not the one who judges the threads again.
    life.lost.read()
    life.lost.read()
    assert life.lost.take_changed() == {"t1"}
    assert life.lost.take_changed() == set()


def test_what_was_found_before_the_reading_failed_is_told(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.lost.read()
    life.lost.take_changed()
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    with monkeypatch.context() as broken, pytest.raises(StoreError):
        broken.setattr(life.store.restores, "unsettled", unreadable)
        life.lost.read()
    life.lost.read()
    assert life.lost.take_changed() == {"t1"}


def unreadable() -> None:
    raise StoreError("The disk does not answer.")


def test_what_was_let_go_of_is_the_same_followed_line_by_line_and_read_at_once(life: Life) -> None:
    chance = random.Random(7)
    life.store.threads.add(Thread("t2", "Another", str(life.world.code), Source.T3TRAY, NOON, NOON))
    held: dict[str, str | None] = {"t1": NEW, "t2": None}
    for number in range(120):
        at, name = NOON + number * MINUTE, chance.choice(("t1", "t2"))
        session, free = held[name], sorted({OLD, NEW, "ses_3"} - set(held.values()))
        chosen = None if session else chance.choice(free)
        event = Event.CONFIRMED if chosen else chance.choice((Event.PROVEN, Event.SUPERSEDED, Event.RELEASED))
        cursor = Cursor(chosen or session or "", "", title=str(number)) if event in (Event.CONFIRMED, Event.PROVEN) else None
        life.store.journal.append(Entry(name, event, Actor.USER, "", at, chosen or session, cursor=cursor))
        if event is not Event.PROVEN:
            held[name] = chosen
        if chance.random() < 0.5:
            fresh = LostBindings(life.store, OpenCodeDatabase(life.world.opencode), lambda: NOON)
            assert life.lost.let_go() == fresh.let_go(), f"after line {number}"
            assert life.lost.let_go().keys().isdisjoint(held.values())


@pytest.mark.parametrize("chosen", [OLD, NEW])
def test_choosing_either_settles_it(life: Life, chosen: str) -> None:
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    life.write(NEW, NOON + 2 * MINUTE, life.store.id)
    assert life.claims() == (OLD,)
    if chosen == OLD:
        life.bind(OLD, NEW, NOON + 3 * MINUTE)
    else:
        life.store.journal.append(life.line(Event.PUT_AWAY, OLD, NOON + 3 * MINUTE))
    assert life.claims() == ()


def test_what_opencode_or_another_store_wrote_there_is_no_sign(life: Life) -> None:
    life.write(OLD, NOON + 2 * MINUTE, None)
    life.write(OLD, NOON + 3 * MINUTE, "f" * 32)
    assert life.claims() == ()


def test_what_was_sent_before_it_was_let_go_of_is_no_sign_even_if_it_came_after(life: Life) -> None:
    life.write(OLD, NOON, life.store.id)
    life.write(OLD, NOON + MINUTE / 2, life.store.id, came=NOON + 2 * MINUTE)
    assert life.claims() == ()


def test_a_session_that_another_thread_is_bound_to_is_that_one_s(life: Life) -> None:
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    entry = Entry("t2", Event.CONFIRMED, Actor.USER, "", NOON + MINUTE, OLD, cursor=Cursor(OLD, str(life.world.code)))
    life.store.add_thread(Thread("t2", "Another", str(life.world.code), Source.T3TRAY, NOON, NOON), entry)
    assert life.claims() == () and life.lost.claimed() == ()


def test_a_message_that_is_gone_again_claims_nothing(life: Life) -> None:
    life.write(OLD, NOON + 2 * MINUTE, life.store.id)
    assert life.claims() == (OLD,)
    with writing(life.world.opencode) as connection:
        connection.execute("DELETE FROM message")
    assert life.claims() == ()


INTENT = "an intent"
MADE = "ses_made"


def began(life: Life, *lines: Entry) -> None:
    """Create a session for the thread by a remedy of which the journal has the beginning, and these entries."""
    intended = Entry("t1", Event.INTENDED, Actor.USER, "", NOON + MINUTE, intent=INTENT, deed=RemedyRecord(Remedy.START_AFRESH))
    life.store.journal.append(intended, *lines)
    mark = {"t3tray": {"thread": "t1", "intent": INTENT, "store": life.store.id}}
    with writing(life.world.opencode) as connection:
        add_session(connection, MADE, life.world.code / "proj", messages=0)
        connection.execute("UPDATE session SET metadata = ? WHERE id = ?", (json.dumps(mark), MADE))


def gave_up(session: str | None = None) -> tuple[Entry, ...]:
    events = [Event.ABANDONED, *([Event.PUT_AWAY] if session else ())]
    return tuple(Entry("t1", event, Actor.RECOVERY, "", NOON + 3 * MINUTE, session, intent=INTENT) for event in events)


@pytest.mark.parametrize("lines", [(), gave_up(), gave_up(MADE)])
def test_what_was_sent_into_a_session_that_the_journal_never_bound_is_a_split(life: Life, lines: tuple[Entry, ...]) -> None:
    began(life, *lines)
    assert life.claims() == ()
    life.write(MADE, NOON + 2 * MINUTE, None)
    life.write(MADE, NOON + 2 * MINUTE, "f" * 32)
    assert life.claims() == (), "written by others"
    life.write(MADE, NOON + 2 * MINUTE, life.store.id)
    assert life.claims() == (MADE,)
    life.lost.note_gap()
    assert life.store.restores.unsettled() is not None
    life.store.journal.append(life.line(Event.PUT_AWAY, MADE, NOON + 4 * MINUTE))
    assert life.claims() == ()


def test_a_session_that_the_journal_bound_is_told_by_the_journal(life: Life) -> None:
    began(life)
    life.bind(MADE, NEW, NOON + 2 * MINUTE)
    life.write(MADE, NOON + 3 * MINUTE, life.store.id)
    life.bind(NEW, MADE, NOON + 4 * MINUTE)
    assert life.claims() == ()


@pytest.mark.parametrize("lines", [(), gave_up(), gave_up(MADE)])
def test_a_thread_without_a_session_gets_the_one_that_was_sent_into_again(life: Life, lines: tuple[Entry, ...]) -> None:
    began(life, *lines)
    life.store.journal.append(life.line(Event.RELEASED, NEW, NOON + 2 * MINUTE))
    assert life.claims() == () and not life.lost.unbound
    life.write(MADE, NOON + 2 * MINUTE, life.store.id)
    assert life.claims() == ()
    (found,) = life.lost.unbound
    assert life.lost.make_again(found, None, None)
    bound = life.store.journal.binding("t1")
    assert bound.cursor and bound.cursor.session_id == MADE and not bound.pending


@pytest.mark.parametrize(("by", "later"), [(-1, False), (0, False), (1, True)])
@pytest.mark.parametrize("now", [1_795_995_845_188, (1 << 36) * 26])
def test_an_id_tells_when_it_was_made_also_where_its_digits_wrap(now: int, by: int, later: bool) -> None:
    made = MessageIds(random.Random(1), "abcdef").next(now + by)
    assert is_later(made, now) is later
    assert not is_later("msg_nonsense", now)
