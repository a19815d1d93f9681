"""Bindings that a crash or a lost line left open are settled by OpenCode's data: a session that t3tray sent into was bound."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.journal import Actor, Entry, Event, put_away
from t3tray.domain.remedy import Remedy, RemedyRecord
from t3tray.opencode.markers import Marker
from t3tray.opencode.message_ids import MessageIds
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
INTENT = "an intent@4194304:0.00"


class Place:
    """A thread with a session, and a remedy that is not settled."""

    def __init__(self, root: Path) -> None:
        (root / "work").mkdir()
        self.server = FakeServer(KillSwitch())
        self.life = Life(root / "home", self.server, KillSwitch(), 1, lambda: NOON)
        self.thread = asyncio.run(self.life.threads.create(str(root / "work"), "A thread", self.server)).id
        self.bound = self.session()
        self.made = ""

    def session(self) -> str:
        cursor = self.life.store.journal.binding(self.thread).cursor
        return cursor.session_id if cursor else ""

    def begin(self, deed: RemedyRecord, intent: str = INTENT, session: str | None = None) -> None:
        entry = Entry(self.thread, Event.INTENDED, Actor.USER, "", NOON, session, intent=intent, deed=deed)
        self.life.store.journal.append(entry)

    def make(self, sent: bool) -> str:
        """Create the session of that intent, and a message in it that t3tray sent, or another program."""
        marker = Marker(self.thread, INTENT, self.life.store.id)
        self.made = asyncio.run(self.server.create_session(str(self.bound), "made", marker)).facts.id
        self.write(self.made, sent)
        return self.made

    def write(self, session: str, sent: bool, after: timedelta = timedelta(seconds=3)) -> None:
        self.server.answer(session, "words")
        if sent:
            at = int((NOON + after).timestamp() * 1000)
            held = self.server.messages_held[session]
            name = MessageIds(random.Random(1), self.life.store.id).next(at)
            held[-2] = replace(held[-2], facts=structs.replace(held[-2].facts, id=name))

    def settle(self) -> tuple[Entry, ...]:
        asyncio.run(self.life.settle(self.server))
        assert self.life.store.journal.pending() == ()
        return self.life.store.journal.entries(self.thread)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.life.store.close()


@pytest.mark.parametrize("remedy", [Remedy.START_AFRESH, Remedy.CARRY, Remedy.FORK])
@pytest.mark.parametrize("sent", [True, False])
def test_what_t3tray_sent_into_is_not_put_away(place: Place, remedy: Remedy, sent: bool) -> None:
    place.begin(RemedyRecord(remedy))
    made = place.make(sent)
    entries = place.settle()
    assert (made in put_away(entries)) is not sent and place.session() == place.bound
    (told,) = (entry.why for entry in entries if entry.event is Event.ABANDONED)
    assert made in told and ("for the user to choose" in told) is sent


@pytest.mark.parametrize("remedy", [Remedy.HEAL, Remedy.JOIN])
@pytest.mark.parametrize(("sent", "after", "stays"), [(True, 3, True), (True, -3, False), (False, 3, False)])
def test_what_was_told_to_a_session_that_went_on_stays_in_it(
    place: Place, remedy: Remedy, sent: bool, after: int, stays: bool
) -> None:
    session = place.server.add_foreign_session(str(place.bound))
    place.begin(RemedyRecord(remedy, session), session=session)
    asyncio.run(place.server.add_message(session, "what was lost", INTENT, ""))
    place.write(session, sent, timedelta(seconds=after))
    let_go = [entry for entry in place.settle() if entry.session_id == session and entry.event is Event.ABANDONED]
    assert any(record.mark for record in place.server.messages_held[session]) is stays
    # The journal's last line about it stays older than the messages: so it claims the thread.
    assert bool(let_go) is not stays


def test_an_undo_of_what_the_journal_lacks_lets_go_of_nothing(place: Place) -> None:
    place.begin(RemedyRecord(Remedy.UNDO, place.bound, undoes="a lost intent"), session=place.bound)
    assert place.settle()[-1].event is Event.ABANDONED
    assert place.session() == place.bound
