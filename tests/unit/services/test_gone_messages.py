"""Recorded messages that are deleted while the last of them stays: found by the server's path and by the database's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from t3tray.core.domain.carries import Carries, CarriesKind
from t3tray.core.domain.cursor import Cursor
from t3tray.core.domain.evidence import Failure
from t3tray.core.domain.thread import Source, Thread
from t3tray.core.domain.verdict import decide
from t3tray.core.opencode.database import OpenCodeDatabase, Trust
from t3tray.core.opencode.wire import Marker
from t3tray.core.services.evidence import Recorded, Surroundings, cursor_now, from_server
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.t3_world import NOON, add_message, empty_world, writing
from tests.unit.services.test_survey import Eyes
from tests.unit.services.test_t3_sides import Watch, session, thread

WHOLE, PART = CarriesKind.WHOLE, CarriesKind.PART


class Talk:
    """A session of three turns in a server that runs in this process, and its cursor."""

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

    def count(self, session_id: str, message_id: str) -> int | None:
        """As a file tells it that is trusted."""
        names = [record.facts.id for record in self.server.messages_held[session_id]]
        return names.index(message_id) + 1 if message_id in names else None

    async def carries(self, cursor: Cursor, is_counted: bool = True) -> Carries:
        recorded = Recorded(Thread("t", "a talk", self.folder, Source.T3TRAY, NOON, NOON), cursor, has_turns=True)
        around = Surroundings(lambda: NOON, lambda: False)
        if is_counted:
            around = Surroundings(lambda: NOON, lambda: False, count_until=self.count)
        return decide(cursor, await from_server(self.server, recorded, cursor, around)).carries


async def test_the_server_path_tells_what_is_gone_and_goes_on_telling_it(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    assert await talk.carries(known) == Carries(WHOLE, None, 6, 0)
    assert await talk.carries(known, is_counted=False) == Carries(WHOLE, None, None, 0), "nobody counted: no number"
    await talk.delete(2, 3)
    assert await talk.carries(known) == Carries(PART, None, 4, 0)
    assert await talk.carries(replace(known, context=None)) == Carries(PART, None, 4, 0)
    await talk.server.prompt(talk.id, "four", talk.folder)
    later = await talk.now(known)
    assert later.message_count == (await talk.now(replace(known, context=None))).message_count == 8
    assert await talk.carries(known) == await talk.carries(later) == Carries(PART, None, 6, 0)


async def test_a_warm_look_asks_the_server_no_more_than_before(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    known = await talk.begin()
    took = []
    for is_counted in (False, True):
        talk.server.switch.left = 1_000
        await talk.carries(known, is_counted)
        took.append(1_000 - talk.server.switch.left)
    assert took[0] == took[1]


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


def test_what_is_written_after_the_look_is_not_counted_with_it(watch: Watch) -> None:
    thread(watch, "ses_a")
    session(watch, "ses_a", messages=4)
    picture = watch.look()
    with writing(watch.world.opencode) as connection:
        add_message(connection, "ses_a", 4, NOON.replace(hour=NOON.hour + 1))
    watch.keeper.keep(picture)
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
