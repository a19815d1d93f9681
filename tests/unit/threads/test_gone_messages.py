"""Recorded messages that are deleted while the last one stays: detected by the server's path and by the database's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace as copy
from pathlib import Path

import pytest
from msgspec.structs import replace

from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Failure
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Verdict, decide
from t3tray.errors import TimedOut
from t3tray.opencode import session_rows
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import Trust
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import Page
from t3tray.threads.evidence import Surroundings, ThreadRecord, cursor_now, evidence_from_server
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.scan_cases import Eyes
from tests.support.t3_world import NOON, add_message, empty_world, writing
from tests.unit.threads.test_t3code_sides import Watch, session, thread

WHOLE, PART = CarriesKind.WHOLE, CarriesKind.PART


class Talk:
    """A session of three turns in a server in this process, and its cursor."""

    def __init__(self, folder: Path) -> None:
        self.server, self.folder = FakeServer(KillSwitch()), str(folder)

    async def begin(self) -> Cursor:
        self.id = (await self.server.create_session(self.folder, "a talk", Marker("t", "i"))).facts.id
        for text in ("one", "two", "three"):
            await self.server.prompt(self.id, text, self.folder)
        return await self.now(None)

    async def now(self, before: Cursor | None) -> Cursor:
        return await cursor_now(self.server, (await self.server.session(self.id)).facts, before)

    async def delete(self, *places: int) -> None:
        for name in [self.server.messages_held[self.id][place].facts.id for place in places]:
            await self.server.delete_message(self.id, name)

    def empty(self, *places: int) -> None:
        """Delete all parts of these messages."""
        held = self.server.messages_held[self.id]
        for place in places:
            held[place] = copy(held[place], facts=replace(held[place].facts, is_emptied=True), text="")

    def count(self, session_id: str, message_id: str) -> int | None:
        """Return the count according to a trusted file."""
        held = [record.facts for record in self.server.messages_held[session_id]]
        until = next((place for place, facts in enumerate(held) if facts.id == message_id), None)
        return None if until is None else sum(not facts.is_emptied for facts in held[: until + 1])

    async def carries(self, cursor: Cursor, is_counted: bool = True) -> Carries:
        return (await self.verdict(cursor, is_counted)).carries

    async def detail(self, cursor: Cursor) -> str:
        return (await self.verdict(cursor)).detail

    async def verdict(self, cursor: Cursor, is_counted: bool = True) -> Verdict:
        recorded = ThreadRecord(Thread("t", "a talk", self.folder, Source.T3TRAY, NOON, NOON), cursor, has_turns=True)
        around = Surroundings(lambda: NOON, lambda: False)
        if is_counted:
            around = Surroundings(lambda: NOON, lambda: False, count_until=self.count)
        return decide(cursor, await evidence_from_server(self.server, recorded, cursor, around))


async def test_the_server_path_tells_what_is_gone_and_goes_on_telling_it(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    assert await talk.carries(known) == Carries(WHOLE, None, 6, 0)
    await talk.delete(2, 3)
    assert await talk.carries(known) == Carries(PART, None, 4, 0)
    assert await talk.carries(replace(known, context=None)) == Carries(PART, None, 4, 0)
    await talk.server.prompt(talk.id, "four", talk.folder)
    later = await talk.now(known)
    assert later.message_count == (await talk.now(replace(known, context=None))).message_count == 8
    assert await talk.carries(known) == await talk.carries(later) == Carries(PART, None, 6, 0)


EMPTIED = "{} empty, because what was said there was deleted"


@pytest.mark.parametrize(
    ("places", "told"), [((5,), "1 message of it is"), ((2, 3), "2 messages of it are"), ((0,), "1 message of it is")]
)
@pytest.mark.parametrize("is_counted", [True, False])
async def test_a_message_of_which_all_parts_were_deleted_is_not_carried(
    tmp_path: Path, places: tuple[int, ...], told: str, is_counted: bool
) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    talk.empty(*places)
    carries = Carries(PART, None, 6 - len(places), 0)
    assert await talk.carries(known, is_counted) == carries
    assert await talk.carries(replace(known, context=None), is_counted) == carries
    assert await talk.detail(known) == EMPTIED.format(told)
    seen = await talk.now(replace(known, context=None))
    assert (seen.message_count, seen.context and seen.context.emptied) == (6, len(places))
    assert await talk.carries(seen, is_counted) == carries
    await talk.server.prompt(talk.id, "four", talk.folder)
    for before in (known, seen):
        later = await talk.now(before)
        assert await talk.carries(later, is_counted) == Carries(PART, None, 8 - len(places), 0)
        assert await talk.detail(later) == EMPTIED.format(told)


async def test_what_is_gone_and_what_was_emptied_are_told_apart(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    await talk.delete(1, 2)
    talk.empty(0)
    assert await talk.carries(known) == Carries(PART, None, 3, 0)
    gone = "2 recorded messages are gone from the session"
    assert await talk.detail(known) == f"{EMPTIED.format('1 message of it is')}; {gone}"


async def test_where_no_file_counts_the_server_is_asked_for_every_message(tmp_path: Path) -> None:
    """An attached server whose database cannot be read: a message that is deleted in the middle of a long session is noticed."""
    talk = Talk(tmp_path)
    known = await talk.begin()
    for number in range(150):
        await talk.server.prompt(talk.id, f"more {number}", talk.folder)
    known = await talk.now(known)
    assert await talk.carries(known, is_counted=False) == Carries(WHOLE, None, 306, 0)
    await talk.delete(2, 3)
    assert await talk.carries(known, is_counted=False) == await talk.carries(known) == Carries(PART, None, 304, 0)
    await talk.server.prompt(talk.id, "one more", talk.folder)
    assert await talk.carries(known, is_counted=False) == await talk.carries(known) == Carries(PART, None, 306, 0)


async def test_what_cannot_be_read_to_its_beginning_is_not_said_to_be_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    messages = talk.server.messages

    async def only_the_newest(session_id: str, limit: int, before: str | None = None) -> Page:
        if limit > 1:
            raise TimedOut("It takes too long.")
        return await messages(session_id, limit, before)

    monkeypatch.setattr(talk.server, "messages", only_the_newest)
    assert await talk.carries(known, is_counted=False) == Carries(CarriesKind.UNKNOWN)
    assert await talk.carries(known) == Carries(WHOLE, None, 6, 0)


async def test_a_warm_look_asks_the_server_for_no_more_than_the_newest_message(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    talk.server.switch.left = 1_000
    await talk.carries(known)
    assert (1_000 - talk.server.switch.left) / 2 == 4, "the session, its newest message, what goes on, and OpenCode 2's"


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(empty_world(tmp_path), tmp_path)
    yield made
    made.store.close()


def found(eyes: Eyes) -> tuple[Carries, str]:
    verdict = eyes.one().verdict
    return verdict.carries, verdict.detail


def test_the_list_tells_what_is_gone_and_goes_on_telling_it(watch: Watch) -> None:
    thread(watch, "ses_a")
    session(watch, "ses_a", messages=6)
    watch.keep()
    assert found(watch) == (Carries(WHOLE, None, 6, 0), "")
    with writing(watch.world.opencode) as connection:
        connection.execute("DELETE FROM message WHERE id IN ('msg_a_00002', 'msg_a_00003')")
        connection.execute("UPDATE session SET time_updated = time_updated + 1000")
    told = "2 recorded messages are gone from the session"
    assert found(watch) == (Carries(PART, None, 4, 0), told)
    with writing(watch.world.opencode) as connection:
        for number in (6, 7):
            add_message(connection, "ses_a", number, NOON.replace(hour=NOON.hour + 1, second=number))
        connection.execute("UPDATE session SET time_updated = time_updated + 1000")
    assert found(watch) == (Carries(PART, None, 6, 0), told)
    watch.keep()
    cursor = watch.one().cursor
    assert cursor and (cursor.last_message_id, cursor.message_count) == ("msg_a_00007", 8)
    assert found(watch) == (Carries(PART, None, 6, 0), told)


@pytest.mark.parametrize("number", [0, 3, 5])
def test_the_list_tells_of_a_message_of_which_all_parts_were_deleted(watch: Watch, number: int) -> None:
    thread(watch, "ses_a")
    session(watch, "ses_a", messages=6)
    watch.keep()
    with writing(watch.world.opencode) as connection:
        connection.execute("DELETE FROM part WHERE message_id = ?", (f"msg_a_{number:05}",))
        connection.execute("UPDATE session SET time_updated = time_updated + 1000")
    told = (Carries(PART, None, 5, 0), EMPTIED.format("1 message of it is"))
    assert found(watch) == told
    watch.keep()
    assert found(watch) == told
    with closing(OpenCodeDatabase(watch.world.opencode).reader()) as reader:
        (context,) = session_rows.ends(reader, ["ses_a"], True)[1].values()
        assert context == reader.context("ses_a")


def test_an_answer_that_failed_or_was_broken_off_says_nothing_by_itself(watch: Watch) -> None:
    thread(watch, "ses_a")
    session(watch, "ses_a", messages=6)
    ends: tuple[dict[str, object], ...] = ({"error": {"name": "APIError", "data": {"message": "no"}}}, {"time": {"created": 1}})
    with writing(watch.world.opencode) as connection:
        for number, end in zip((1, 3), ends, strict=True):
            name = f"msg_a_{number:05}"
            connection.execute("DELETE FROM part WHERE message_id = ?", (name,))
            body = json.dumps({"role": "assistant", "time": {"created": 1, "completed": 2}, **end})
            connection.execute("UPDATE message SET data = ? WHERE id = ?", (body, name))
    watch.keep()
    assert found(watch) == (Carries(WHOLE, None, 6, 0), "")


def test_what_is_written_after_the_look_is_not_counted_with_it(watch: Watch) -> None:
    thread(watch, "ses_a")
    session(watch, "ses_a", messages=4)
    picture = watch.look()
    with writing(watch.world.opencode) as connection:
        add_message(connection, "ses_a", 4, NOON.replace(hour=NOON.hour + 1))
    watch.keeper.record(picture)
    cursor = watch.one().cursor
    assert cursor and (cursor.last_message_id, cursor.message_count) == ("msg_a_00003", 4)


def test_a_file_that_is_known_to_be_another_one_counts_nothing(watch: Watch) -> None:
    session(watch, "ses_a", messages=4)
    database = OpenCodeDatabase(watch.world.opencode)
    assert database.count_until("ses_a", "msg_a_00002") == 3
    assert database.count_until("ses_a", "msg_b_00000") is database.count_until("ses_b", "msg_a_00002") is None
    database.trust = Trust(absence_counts=False)
    assert database.count_until("ses_a", "msg_a_00002") == 3, "it has the message, and a command has not asked whose file it is"
    for failure in (Failure.SERVER_DOWN, Failure.OTHER_DATABASE):
        database.trust = Trust(failure, False)
        assert database.count_until("ses_a", "msg_a_00002") is None
    with closing(database.reader()) as reader:
        assert reader.count_until("ses_a", "msg_a_00002") == 3
