"""The guard's bindings in our own journal: which count as proved and as chosen, and which thread a session belongs to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import Connection

from t3tray.domain.guard import CreateRequest, GuardAction, GuardAnswer, GuardDecision, T3ThreadState
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy, RemedyRecord
from t3tray.domain.verdict import Reason
from t3tray.store.database import Database
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.evidence import cursor_now
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.guard_life import GuardLife, Lives, make

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def switch() -> KillSwitch:
    return KillSwitch()


@pytest.fixture
def server(switch: KillSwitch) -> FakeServer:
    return FakeServer(switch)


@pytest.fixture
def begin(tmp_path: Path, server: FakeServer, switch: KillSwitch) -> Iterator[Callable[[], GuardLife]]:
    """Starts a new run on the same data at each call."""
    lives = Lives(tmp_path / "data", server, switch)
    yield lives.begin
    lives.end()


@pytest.fixture
def thread(tmp_path: Path) -> T3ThreadState:
    (tmp_path / "work").mkdir()
    return T3ThreadState("t1", "Report", str(tmp_path / "work"), starting=True, pending=True)


async def test_a_new_threads_session_is_known_by_its_marker_before_it_holds_a_word(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    assert await life.facts.bound(thread) is None
    made = await make(life, server, thread)
    bound = await life.facts.bound(thread)
    assert bound and (bound.session_id, bound.verdict.reason) == (made, Reason.NEW)
    assert bound.marked and bound.is_proved and not bound.chosen and not bound.has_messages
    assert bound.directory == thread.directory


async def test_a_session_that_replaces_another_supersedes_it(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    first, second = await make(life, server, thread), await make(life, server, thread)
    assert life.events("t1")[-2:] == [(Event.SUPERSEDED, first), (Event.CONFIRMED, second)]
    bound = await life.facts.bound(thread)
    assert bound and bound.session_id == second and bound.put_away == frozenset(), "the user left none"


async def test_the_users_choice_is_told_from_ours(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    first, chosen = await make(life, server, thread), server.add_foreign_session(thread.directory)
    await life.choose("t1", chosen, server)
    bound = await life.facts.bound(thread)
    assert bound and (bound.session_id, bound.chosen, bound.put_away) == (chosen, True, frozenset({first}))
    assert bound.messages == 2 and bound.verdict.reason is Reason.PROVED
    assert await life.facts.has_left("t1", first) and not await life.facts.has_left("t1", chosen)
    await life.choose("t1", first, server)
    again = await life.facts.bound(thread)
    assert again and again.put_away == frozenset({chosen}), "what the user came back to is not left any more"


async def test_what_the_server_cannot_tell_is_unknown_and_a_deleted_session_is_missing(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    made = await make(life, server, thread)
    server.up = False
    bound = await life.facts.bound(thread)
    assert bound and (bound.verdict.reason, bound.directory, bound.is_proved) == (Reason.SERVER_DOWN, "", False)
    server.up = True
    server.delete(made)
    bound = await life.facts.bound(thread)
    assert bound and (bound.verdict.reason, bound.is_proved) == (Reason.MISSING, False)


async def test_what_is_seen_renews_the_proof_and_is_never_taken_for_another_history(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    made = await make(life, server, thread)
    await server.prompt(made, "hello", "/work")
    await life.facts.seen(made, None)
    tail = life.store.journal.binding("t1").cursor
    assert tail and tail.message_count == 2 and tail.last_message_id == server.messages_held[made][-1].facts.id
    touched = life.store.threads.find("t1").last_activity_at
    server.messages_held[made].clear()
    await server.prompt(made, "another conversation", "/work")
    await life.facts.seen(made, None)
    assert life.store.journal.binding("t1").cursor == tail, "what was recorded is not there: it stays recorded"
    assert life.store.threads.find("t1").last_activity_at > touched


async def test_a_turn_through_the_guard_is_recorded_once_at_its_end(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    made = await make(life, server, thread)

    def proofs() -> int:
        return [event for event, _ in life.events("t1")].count(Event.PROVEN)

    await server.prompt(made, "hello", "/work")
    for _ in range(2):
        await life.facts.seen(made, thread)
    assert proofs() == 1, "the first turn"
    held = server.messages_held[made]
    await server.prompt(made, "go on", "/work")
    answer = held.pop()
    for _ in range(2):
        await life.facts.seen(made, None)
    assert proofs() == 1, "the model has not answered yet"
    held.append(answer)
    for _ in range(2):
        await life.facts.seen(made, thread)
    bound = life.store.journal.binding("t1").cursor
    assert proofs() == 2 and bound and bound.last_message_id == bound.last_finished_id == answer.facts.id
    life.write("t1", Event.PROVEN, structs.replace(bound, server_version="0.0.0"))
    await life.facts.seen(made, thread)
    assert proofs() == 3, "another version alone, as the database tells it, is no news"


async def test_a_thread_that_has_no_binding_yet_is_taken_in_unless_the_user_let_go(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    session = server.add_foreign_session(thread.directory)
    await life.facts.seen(session, None)
    assert life.store.journal.cursors() == {}, "nobody said whose it is"
    await life.facts.seen(session, thread)
    assert life.store.journal.cursors()["t1"].session_id == session
    (entry,) = life.store.journal.entries("t1")
    assert (entry.event, entry.actor) == (Event.CONFIRMED, Actor.IMPORT)
    life.let_go("t1")
    await life.facts.seen(session, thread)
    assert life.store.journal.cursors() == {}


async def test_a_session_of_another_thread_is_not_taken_in(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    made = await make(life, server, thread)
    other = T3ThreadState("t2", "Other", thread.directory)
    await life.facts.seen(made, other)
    assert life.store.journal.owner_of(made) == "t1"


async def test_an_id_that_opencode_cannot_have_made_asks_nobody(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    made = await make(life, server, thread)
    cursor = life.store.journal.binding("t1").cursor
    assert cursor
    now = datetime(2026, 11, 25, tzinfo=UTC)
    life.store.journal.append(Entry("t1", Event.RELEASED, Actor.USER, "", now, made, cursor=cursor))
    bad = type(cursor)("nonsense", thread.directory)
    life.store.journal.append(Entry("t1", Event.CONFIRMED, Actor.IMPORT, "", now, "nonsense", cursor=bad))
    bound = await life.facts.bound(thread)
    assert bound and bound.verdict.reason is Reason.BAD_CURSOR and not bound.is_proved


async def test_an_answer_is_heard_and_kept(begin: Callable[[], GuardLife]) -> None:
    life = begin()
    told = GuardAnswer(
        datetime(2026, 11, 24, tzinfo=UTC),
        CreateRequest("Report", "/w"),
        GuardDecision(GuardAction.PASS, ()),
        evidence=("nobody waits",),
    )
    await life.facts.record_answer(told)
    assert life.heard == [told]
    assert [replace(kept, id=None) for kept in begin().store.guard_answers.all()] == [told]


async def test_a_choice_in_the_middle_of_a_reading_is_read_whole_or_not_at_all(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = begin()
    first, chosen = await make(life, server, thread), server.add_foreign_session(thread.directory)
    cursor, read = await cursor_now(server, (await server.session(chosen)).facts, None), Database.read

    @contextmanager
    def followed_by_a_choice(database: Database) -> Iterator[Connection]:
        with read(database) as connection:
            yield connection
        monkeypatch.undo()
        life.let_go("t1", Event.SUPERSEDED)
        life.write("t1", Event.CONFIRMED, cursor)

    monkeypatch.setattr(Database, "read", followed_by_a_choice)
    assert not await life.facts.has_left("t1", first), "it was bound to it when that was read"
    assert await life.facts.has_left("t1", first)


async def test_an_undone_choice_leaves_the_session_that_was_chosen_and_no_other(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    first, chosen = await make(life, server, thread), server.add_foreign_session(thread.directory)
    cursors = {name: await cursor_now(server, (await server.session(name)).facts, None) for name in (first, chosen)}

    def rebind(old: str, new: str, deed: RemedyRecord, intent: str, actor: Actor = Actor.USER) -> None:
        for event, name in ((Event.SUPERSEDED, old), (Event.CONFIRMED, new)):
            life.store.journal.append(Entry("t1", event, actor, "", NOW, name, intent, cursors[name], deed))

    rebind(first, chosen, RemedyRecord(Remedy.BIND, chosen), "i1", Actor.RECOVERY)
    bound = await life.facts.bound(thread)
    assert bound and bound.chosen and bound.put_away == {first}, "a remedy that a crash cut off was the user's choice"
    rebind(chosen, first, RemedyRecord(Remedy.UNDO, undoes="i1"), "i2")
    bound = await life.facts.bound(thread)
    assert bound and (bound.session_id, bound.chosen, bound.put_away) == (first, True, frozenset({chosen}))


async def test_the_session_that_another_one_was_chosen_over_is_left(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()
    chosen = server.add_foreign_session(thread.directory)
    cursor = structs.replace(await cursor_now(server, (await server.session(chosen)).facts, None), chosen_over="ses_of_t3code")
    async with life.facts.intend(thread, "", 0) as _:
        pass
    life.write("t1", Event.CONFIRMED, cursor)
    assert await life.facts.has_left("t1", "ses_of_t3code") and not await life.facts.has_left("t1", "ses_another")


async def test_that_nobody_can_be_told_changes_no_answer(
    begin: Callable[[], GuardLife], server: FakeServer, thread: T3ThreadState
) -> None:
    life = begin()

    def closed(told: GuardAnswer) -> None:
        raise BrokenPipeError

    told = GuardAnswer(
        datetime(2026, 11, 24, tzinfo=UTC), CreateRequest("Report", "/w"), GuardDecision(GuardAction.PASS, ()), "ses_1"
    )
    await life.facts_with(heard=closed).record_answer(told)
    assert [kept.session_id for kept in life.store.guard_answers.all()] == ["ses_1"]


async def test_a_store_that_another_process_writes_in_for_long_holds_no_answer_back(
    begin: Callable[[], GuardLife], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.facts.TELL_LIMIT", 0.05)
    life, own, free = begin(), SqlThread("test"), threading.Event()
    occupied = asyncio.ensure_future(own(free.wait, 90))
    told = GuardAnswer(
        datetime(2026, 11, 24, tzinfo=UTC), CreateRequest("Report", "/w"), GuardDecision(GuardAction.PASS, ()), "ses_1"
    )
    await life.facts_with(write=own).record_answer(told)
    assert life.heard == [told] and not occupied.done()
    free.set()
    assert len(await own(life.store.guard_answers.all)) == 1, "it is kept as soon as it can be"
    own.close()
