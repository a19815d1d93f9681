"""Threads are made with one session of their own, or for one that is there: nothing twice, and nothing for what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Claim
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused, ServerDown, SessionMissing, T3TrayError, TimedOut, UsageError
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord
from t3tray.threads.evidence import ThreadRecord
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life
from tests.support.t3_world import NOON


@dataclass
class Server(FakeServer):
    """A server whose answer to a new session can be lost, and that may hold messages of OpenCode 2."""

    loses_answer: bool = False
    opencode2: dict[str, frozenset[str]] = field(default_factory=dict)

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        record = await super().create_session(directory, title, marker)
        if self.loses_answer:
            raise TimedOut("No answer in time.")
        return record

    async def opencode2_messages(self, session_id: str) -> frozenset[str]:
        return self.opencode2.get(session_id, frozenset())


class Place:
    """No thread yet, and a folder to work in."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "work"
        self.folder.mkdir()
        self.server = Server(KillSwitch())
        self.life = Life(root / "data", self.server, KillSwitch(), 1, lambda: NOON)
        self.threads, self.store = self.life.threads, self.life.store

    async def create(self, title: str = "a thread") -> Thread:
        return await self.threads.create(str(self.folder), title, self.server)

    def theirs(self, **facts: object) -> str:
        """A session of another program, with one turn."""
        name = self.server.add_foreign_session(str(self.folder))
        record = self.server.sessions_held[name]
        self.server.sessions_held[name] = replace(record, facts=structs.replace(record.facts, **facts))
        return name

    def entries(self, thread_id: str) -> list[tuple[Event, Actor, str | None]]:
        return [(entry.event, entry.actor, entry.session_id) for entry in self.store.journal.entries(thread_id)]

    def bound(self, thread_id: str) -> str | None:
        cursor = self.store.journal.binding(thread_id).cursor
        return cursor.session_id if cursor else None

    async def lost(self, error: type[T3TrayError]) -> Thread:
        """Create a thread whose creation fails so; its intent is open then."""
        with pytest.raises(error):
            await self.create()
        (thread,) = self.store.threads.all()
        assert self.life.author.left_open and len(self.store.journal.pending()) == 1
        return thread

    async def settle(self) -> None:
        for intent in self.store.journal.pending():
            await self.threads.settle(intent, self.server)
        assert self.store.journal.pending() == ()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.store.close()


async def test_a_new_thread_has_a_session_of_its_own_that_is_marked_as_ours(place: Place) -> None:
    thread = await place.create("")
    assert (thread.title, thread.directory, thread.source) == ("New thread", str(place.folder), Source.T3TRAY)
    (record,) = place.server.sessions_held.values()
    session = record.facts.id
    assert record.facts.directory == thread.directory and record.marker and record.marker.thread == thread.id
    assert record.marker.store == place.store.id
    assert place.entries(thread.id) == [(Event.INTENDED, Actor.USER, None), (Event.CONFIRMED, Actor.USER, session)]
    assert place.store.journal.pending() == ()


@pytest.mark.parametrize(("there", "words"), [(False, "There is no folder"), (None, "cannot be looked at now")])
async def test_nothing_is_made_in_a_folder_that_is_not_known_to_be_there(
    place: Place, monkeypatch: pytest.MonkeyPatch, there: bool | None, words: str
) -> None:
    monkeypatch.setattr("t3tray.threads.creation.directory_exists", lambda _: there)
    with pytest.raises(UsageError, match=words):
        await place.create()
    assert place.server.made == 0 and place.store.threads.all() == ()


async def test_a_thread_that_got_no_session_is_put_away_once_the_server_says_so(place: Place) -> None:
    place.server.up = False
    thread = await place.lost(ServerDown)
    with pytest.raises(ServerDown):
        await place.settle()
    assert len(place.store.journal.pending()) == 1, "a server that is down says nothing of what it has"
    place.server.up = True
    await place.settle()
    assert place.entries(thread.id)[-1] == (Event.ABANDONED, Actor.RECOVERY, None)
    assert place.store.threads.find(thread.id).archived_at == NOON
    assert place.server.made == 0


async def test_a_session_whose_creation_was_not_answered_is_found_again_and_no_second_one_is_made(place: Place) -> None:
    place.server.loses_answer = True
    thread = await place.lost(TimedOut)
    (made,) = place.server.sessions_held
    await place.server.fork_session(made, str(place.folder))
    await place.settle()
    assert place.entries(thread.id)[-1] == (Event.CONFIRMED, Actor.RECOVERY, made), "not its fork, which has its mark too"
    assert place.store.threads.find(thread.id).archived_at is None


async def test_a_session_that_is_found_late_does_not_replace_the_threads_own(place: Place) -> None:
    place.server.loses_answer = True
    thread = await place.lost(TimedOut)
    (made,) = place.server.sessions_held
    chosen = Cursor(place.theirs(), str(place.folder))
    entry = Entry(thread.id, Event.CONFIRMED, Actor.USER, "chosen", NOON, chosen.session_id, cursor=chosen)
    place.store.journal.append(entry)
    await place.settle()
    assert place.entries(thread.id)[-1] == (Event.ABANDONED, Actor.RECOVERY, made)
    assert place.bound(thread.id) == chosen.session_id


async def test_a_thread_that_was_used_before_is_not_put_away_with_an_intent(place: Place) -> None:
    thread = await place.create()
    place.store.journal.append(Entry(thread.id, Event.INTENDED, Actor.USER, "again", NOON, intent="i@2:0.0"))
    await place.settle()
    assert place.store.threads.find(thread.id).archived_at is None
    assert place.bound(thread.id) == next(iter(place.server.sessions_held))


async def test_creation_goes_on_to_its_end_when_nobody_waits_for_it_any_more(place: Place) -> None:
    """Otherwise the server would have a session of which the journal knows nothing yet, and recovery would find none."""
    making = asyncio.create_task(place.create())
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    create = place.server.create_session

    async def slow(directory: str, title: str, marker: Marker) -> SessionRecord:
        begun.set()
        await may_go_on.wait()
        return await create(directory, title, marker)

    place.server.create_session = slow  # type: ignore[method-assign]
    await begun.wait()
    making.cancel()
    asyncio.get_running_loop().call_soon(may_go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await making
    assert place.server.made == 1
    (thread,) = place.store.threads.all()
    await place.settle()
    assert place.bound(thread.id) == next(iter(place.server.sessions_held))


async def test_a_session_of_another_program_becomes_a_thread_with_its_end_recorded(place: Place) -> None:
    name = place.theirs(title="", updated_ms=1_000)
    thread = await place.threads.adopt(name, place.server)
    cursor = place.store.journal.binding(thread.id).cursor
    assert cursor and (cursor.session_id, cursor.message_count) == (name, 2)
    assert cursor.last_message_id == place.server.messages_held[name][-1].facts.id
    assert (thread.title, thread.last_activity_at.timestamp()) == ("Adopted session", 1)


async def test_a_session_has_one_thread_at_most(place: Place) -> None:
    name = place.theirs()
    owner = await place.threads.adopt(name, place.server)
    with pytest.raises(Refused, match=f"already bound to thread {owner.id}"):
        await place.threads.adopt(name, place.server)
    assert place.store.threads.all() == (owner,)


async def test_what_cannot_be_a_threads_own_session_is_not_adopted(place: Place) -> None:
    child = place.theirs(parent_id="ses_parent")
    with pytest.raises(Refused, match="sub-agent's session of ses_parent"):
        await place.threads.adopt(child, place.server)
    with pytest.raises(SessionMissing):
        await place.threads.adopt("ses_gone", place.server)
    place.server.up = False
    with pytest.raises(ServerDown):
        await place.threads.adopt(place.theirs(), place.server)
    assert place.store.threads.all() == ()


@pytest.mark.parametrize(("held", "words"), [(1, r"\(1 message\)"), (3, r"\(3 messages\)")])
async def test_an_empty_session_whose_conversation_opencode_2_holds_is_not_begun_anew(
    place: Place, held: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = place.theirs()
    place.server.messages_held[name].clear()
    place.server.opencode2[name] = frozenset(map(str, range(held)))
    with pytest.raises(Refused, match=words):
        await place.threads.adopt(name, place.server)
    assert place.store.threads.all() == ()
    # A server that is older than OpenCode 2 has no such route, and cannot have such messages.
    monkeypatch.setattr(Server, "version", "1.16.2")
    assert (await place.threads.adopt(name, place.server)).id


async def test_an_empty_session_is_adopted_where_opencode_2_holds_nothing_of_it(place: Place) -> None:
    name = place.theirs()
    place.server.messages_held[name].clear()
    thread = await place.threads.adopt(name, place.server)
    assert place.bound(thread.id) == name


def of_t3code(place: Place, session: str | None) -> ThreadRecord:
    thread = Thread("t1", "Theirs", str(place.folder), Source.T3CODE, NOON, NOON)
    return ThreadRecord(thread, Cursor(session, thread.directory) if session else None, has_turns=True)


async def test_only_our_own_threads_are_renamed_and_archived_here(place: Place) -> None:
    thread = await place.create()
    await place.threads.rename(thread, "  a better\n title ")
    assert place.store.threads.find(thread.id).title == "a better title"
    with pytest.raises(UsageError, match="needs a title"):
        await place.threads.rename(thread, " \n")
    await place.threads.archive(thread, True)
    assert place.store.threads.find(thread.id).archived_at == NOON and place.bound(thread.id)
    await place.threads.archive(thread, False)
    assert place.store.threads.find(thread.id).archived_at is None
    theirs = of_t3code(place, None).thread
    with pytest.raises(Refused, match="“Theirs” is shown by T3 Code, so it is renamed there"):
        await place.threads.rename(theirs, "Ours")
    with pytest.raises(Refused, match="archived there"):
        await place.threads.archive(theirs, True)


async def test_a_thread_of_t3_code_is_stored_with_the_session_that_it_names_once(place: Place) -> None:
    recorded = of_t3code(place, "ses_1")
    for _ in range(2):
        await place.threads.import_t3_thread(recorded)
    assert place.entries("t1") == [(Event.CONFIRMED, Actor.IMPORT, "ses_1")]
    await place.threads.import_t3_thread(of_t3code(place, "ses_2"))
    assert place.bound("t1") == "ses_1", "a switch in T3 Code is no reason to bind another session"


async def test_an_import_takes_no_session_that_is_disputed_or_another_threads(place: Place) -> None:
    owner = await place.create()
    taken = place.bound(owner.id)
    await place.threads.import_t3_thread(of_t3code(place, taken))
    assert place.entries("t1") == [] and place.bound(owner.id) == taken
    two = (Claim("ses_1", "its cursor"), Claim("ses_2", "its log"))
    await place.threads.import_t3_thread(structs.replace(of_t3code(place, "ses_1"), conflict=two))
    await place.threads.import_t3_thread(of_t3code(place, None))
    assert place.entries("t1") == [] and place.store.threads.find("t1").title == "Theirs"


async def test_a_thread_of_ours_is_not_imported(place: Place) -> None:
    thread = await place.create()
    renamed = structs.replace(thread, title="as it was")
    await place.threads.import_t3_thread(ThreadRecord(renamed, Cursor("ses_other", ""), has_turns=True))
    assert place.store.threads.find(thread.id) == thread and place.bound(thread.id) != "ses_other"
