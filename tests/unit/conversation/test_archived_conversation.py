"""A thread whose session has no messages: the page shows the copy that a remedy would carry, until that is repaired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.conversation.feed import PAGE
from t3tray.demo.t3_database import add_message
from t3tray.domain.archived import TranscriptOwner
from t3tray.domain.conversation import Conversation
from t3tray.domain.evidence import Role
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.transcript import Message, Origin
from t3tray.domain.verdict import Reason
from t3tray.store.archive_file import FILE_NAME
from tests.support.archives import archive_in
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, milliseconds, writing

THREAD, SESSION = "thread-1", "ses_1"
LIMIT = 90.0


class Life:
    """A backend in a world in which a thread of T3 Code is bound to a session of four messages."""

    def __init__(self, world: World, backend: Backend) -> None:
        self.world = world
        self.backend = backend
        self.kept = archive_in(backend.data_directory)

    async def look(self) -> Reason:
        picture = await self.backend.scanning.scan()
        while await self.backend.upkeep.record(picture):
            picture = await self.backend.scanning.scan()
        (found,) = picture.assessments
        return found.verdict.reason

    def keep(self, count: int) -> None:
        """Archive messages that are earlier than the session's and not in it."""
        told = [
            Message(f"msg_{number:06}", Role.USER, milliseconds(NOON) - count + number, f"kept {number}")
            for number in range(count)
        ]
        self.kept.add(TranscriptOwner(THREAD, SESSION, "A thread", ""), told, "2026-11-24T12:30:00.000+00:00", 1, count)

    def copy_in_t3(self, *texts: str) -> None:
        with writing(self.world.state) as connection:
            for number, text in enumerate(texts):
                add_message(connection, THREAD, "user", text, NOON + timedelta(seconds=number), f"t3-{number}")

    def in_opencode(self, *statements: str) -> None:
        with writing(self.world.opencode) as connection:
            for statement in statements:
                connection.execute(statement)

    def in_t3(self, statement: str) -> None:
        with writing(self.world.state) as connection:
            connection.execute(statement)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[Followed]:
        followed = Followed(self)
        running = asyncio.create_task(self.backend.conversations.follow(THREAD, followed.told.put_nowait))
        try:
            yield followed
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def shown(self) -> Conversation:
        """Return the first state for a page that is opened now."""
        async with self.followed() as followed:
            return await followed.next()


class Followed:
    """The published states of the thread's conversation."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.told = asyncio.Queue[Conversation]()

    async def next(self) -> Conversation:
        async with asyncio.timeout(LIMIT):
            return await self.told.get()

    async def compare(self) -> None:
        """Compare with a scan, as the monitor does after each."""
        self._life.backend.conversations.compare(await self._life.backend.scanning.scan())


@pytest_asyncio.fixture
async def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Life]:
    world = empty_world(tmp_path)
    with writing(world.opencode) as connection:
        add_session(connection, SESSION, world.code / "proj", messages=4)
    with writing(world.state) as connection:
        add_thread(connection, THREAD, SESSION)
    monkeypatch.setenv("OPENCODE_DB", str(world.opencode))
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    backend = await Backend.open(None, "tray")
    made = Life(world, backend)
    await made.look()
    assert await made.look() is Reason.PROVED
    yield made
    await backend.close()


def texts(shown: Conversation) -> list[str]:
    return [message.text for message in shown.messages]


_DELETED = tuple(
    f"DELETE FROM {table} WHERE {column} = '{SESSION}'"
    for table, column in (("message", "session_id"), ("part", "session_id"), ("session", "id"))
)
_EMPTIED = _DELETED[:1]
_OTHERS_WORDS = (f"UPDATE message SET id = 'msg_x' || id WHERE session_id = '{SESSION}'",)


async def test_while_the_thread_can_go_on_its_session_is_told_whatever_is_kept(life: Life) -> None:
    life.keep(2)
    life.copy_in_t3("theirs")
    shown = await life.shown()
    assert (shown.kept, len(shown.messages)) == (None, 4)


@pytest.mark.process
@pytest.mark.parametrize(
    ("statements", "reason"), [(_DELETED, Reason.MISSING), (_EMPTIED, Reason.EMPTY), (_OTHERS_WORDS, Reason.HISTORY_LOST)]
)
async def test_the_vault_tells_it_where_the_session_does_not(life: Life, statements: tuple[str, ...], reason: Reason) -> None:
    life.keep(2)
    life.copy_in_t3("theirs")
    life.in_opencode(*statements)
    assert await life.look() is reason
    shown = await life.shown()
    assert shown.kept is not None and shown.kept.origin is Origin.VAULT
    assert shown.kept.at == datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    assert texts(shown)[:2] == ["kept 0", "kept 1"] and shown.kept.messages == len(shown.messages)


async def test_t3_codes_own_copy_is_told_where_the_vault_has_none(life: Life) -> None:
    life.copy_in_t3("theirs", "and more")
    life.backend.store.journal.append(Entry(THREAD, Event.RELEASED, Actor.USER, "released", NOON, SESSION))
    life.in_t3("UPDATE provider_session_runtime SET resume_cursor_json = NULL")
    assert await life.look() is Reason.UNBOUND
    shown = await life.shown()
    assert shown.kept is not None and (shown.kept.origin, shown.kept.at) == (Origin.T3CODE, None)
    assert (texts(shown), shown.session_id) == (["theirs", "and more"], None)
    assert "Tool calls" in shown.kept.missing[0]


@pytest.mark.parametrize("session", ["conversation-7", "ses_a/b"])
async def test_a_cursor_that_names_no_session_hinders_nothing(life: Life, session: str) -> None:
    life.copy_in_t3("theirs")
    life.backend.store.journal.append(Entry(THREAD, Event.RELEASED, Actor.USER, "released", NOON, SESSION))
    life.in_t3(
        f"UPDATE provider_session_runtime SET resume_cursor_json = json_set(resume_cursor_json, '$.sessionId', '{session}')"
    )
    assert texts(await life.shown()) == ["theirs"]


@pytest.mark.process
async def test_without_opencodes_database_the_vault_tells_it(life: Life) -> None:
    life.keep(2)
    for path in life.world.opencode.parent.iterdir():
        path.unlink()
    assert await life.look() is Reason.SERVER_DOWN
    shown = await life.shown()
    assert shown.kept is not None and texts(shown)[:2] == ["kept 0", "kept 1"] and not shown.notice


async def test_where_nobody_kept_anything_nothing_is_told(life: Life) -> None:
    life.in_opencode(*_DELETED)
    life.kept.let_go(SESSION)
    assert await life.shown() == Conversation(THREAD, SESSION)


async def test_a_copy_that_cannot_be_read_is_said(life: Life) -> None:
    life.in_opencode(*_DELETED)
    file = life.backend.data_directory / FILE_NAME
    for path in file.parent.glob(f"{FILE_NAME}*"):
        path.unlink()
    file.mkdir()
    shown = await life.shown()
    assert shown.kept is None and shown.messages == () and str(file) in shown.notice


@pytest.mark.process
async def test_it_comes_when_the_session_goes_and_goes_when_that_is_there_again(life: Life) -> None:
    async with life.followed() as followed:
        assert len((await followed.next()).messages) == 4
        life.in_opencode(*_DELETED)
        await followed.compare()
        shown = await followed.next()
        assert shown.kept is not None and len(shown.messages) == 4, "the vault has kept them at the first look"
        with writing(life.world.opencode) as connection:
            add_session(connection, SESSION, life.world.code / "proj", messages=4)
        await followed.compare()
        assert (await followed.next()).kept is None


async def test_a_long_copy_is_told_in_pages(life: Life) -> None:
    life.keep(10_000)
    life.in_opencode(*_DELETED)
    async with life.followed() as followed:
        shown = await followed.next()
        assert shown.kept is not None and shown.kept.messages > 9_999
        assert (len(shown.messages), shown.has_older) == (PAGE, True)
        await life.backend.conversations.show_older()
        assert len((await followed.next()).messages) == 2 * PAGE
