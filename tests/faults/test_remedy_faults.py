"""Every remedy killed at every step: afterwards it is as before, or done; and run again it is done, once."""

from __future__ import annotations

import asyncio
import copy
import itertools
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.journal import abandoned, last_remedy
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import Refused
from tests.support.fake_server import FakeServer, Killed, KillSwitch
from tests.support.life import Life

OLD = "the old words"
REMEDIES = (
    *(Remedy.BIND, Remedy.HEAL, Remedy.JOIN, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.RELEASE),
    *(Remedy.MOVE_SESSION, Remedy.RELOCATE),
)
PID = 2**22


class Place:
    """A thread that is bound, a second session of its own, and one without a thread."""

    def __init__(self, root: Path, for_remedy: Remedy, undoes: bool = False) -> None:
        self.root = root
        self.folder = root / "work"
        self.folder.mkdir(parents=True)
        self.elsewhere = root / "elsewhere"
        self.elsewhere.mkdir()
        self.switch = KillSwitch()
        self.server = FakeServer(self.switch)
        self.lives = itertools.count(1)
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self.life = self.live()
        self.foreign = self.server.add_foreign_session(str(self.folder))
        self.rival = self.server.add_foreign_session(str(self.folder))
        self.thread = asyncio.run(self.prepare())
        if for_remedy is Remedy.MOVE_SESSION:
            session = self.life.store.journal.binding(self.thread).cursor
            assert session
            asyncio.run(self.server.move_session(session.session_id, str(self.elsewhere)))
        if undoes:
            asyncio.run(self.apply(for_remedy))

    def again(self, root: Path) -> Place:
        """Return a copy at another place, while this one's store is closed: data and server are copied, folders shared."""
        other = copy.copy(self)
        shutil.copytree(self.root / "data", root / "data")
        other.root, other.switch, other.lives = root, KillSwitch(), copy.copy(self.lives)
        other.server = self.server.copied(other.switch)
        other.life = other.live()
        return other

    async def prepare(self) -> str:
        thread = await self.life.threads.create(str(self.folder), "a thread", self.server)
        await self.life.sending.send(thread.id, OLD, self.server)
        return thread.id

    def live(self) -> Life:
        return Life(self.root / "data", self.server, self.switch, PID + next(self.lives), self.tick)

    def close(self) -> None:
        self.life.store.close()

    def tick(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    async def apply(self, remedy: Remedy) -> None:
        details = self.life.details(self.thread, self.server, (self.rival,), self.rival if remedy is Remedy.HEAL else "")
        if remedy in (Remedy.BIND, Remedy.JOIN):
            choice = Choice(remedy, self.foreign if remedy is Remedy.BIND else details.row.session_id or "")
        elif remedy is Remedy.RELOCATE:
            choice = Choice(remedy, directory=str(self.elsewhere), confirmed=True)
        else:
            choice = Choice(remedy)
        await self.life.remedies.apply(details, choice)

    def killed(self, remedy: Remedy, step: int) -> bool:
        """Return whether the process was killed at this step, counted from 0; it is started again then."""
        self.switch.left = step
        try:
            asyncio.run(self.apply(remedy))
        except Killed:
            self.switch.left = None
            self.close()
            self.life = self.live()
            return True
        finally:
            self.switch.left = None
        return False

    def state(self) -> tuple[object, ...]:
        """Return the binding, and everything that OpenCode has, without what the journal names as left of a remedy."""
        left = abandoned(self.life.store.journal.entries(self.thread))
        sessions = {name: record for name, record in self.server.sessions_held.items() if name not in left}
        messages = {
            name: [record.text for record in found] for name, found in self.server.messages_held.items() if name not in left
        }
        directory = self.life.store.threads.find(self.thread).directory
        return self.life.store.journal.binding(self.thread).cursor, directory, sessions, messages

    def done(self) -> bool:
        return bool(last_remedy(self.life.store.journal.entries(self.thread)))


@pytest.mark.parametrize("remedy", REMEDIES)
def test_killed_at_any_step_it_is_as_before_or_done(tmp_path: Path, remedy: Remedy) -> None:
    steps = _every_step(Place(tmp_path, remedy), remedy, lambda place: place.done())
    assert steps > 1


@pytest.mark.parametrize("remedy", REMEDIES)
def test_an_undo_killed_at_any_step_is_as_before_or_done(tmp_path: Path, remedy: Remedy) -> None:
    steps = _every_step(Place(tmp_path, remedy, undoes=True), Remedy.UNDO, lambda place: not place.done())
    assert steps > 1


@pytest.mark.parametrize("remedy", REMEDIES)
def test_an_undo_brings_back_the_binding_and_what_was_changed(tmp_path: Path, remedy: Remedy) -> None:
    with closing(Place(tmp_path, remedy)) as place:
        where = place.state()
        bound = place.life.store.journal.binding(place.thread).cursor
        held = place.server.messages_held[bound.session_id if bound else ""].copy()
        asyncio.run(place.apply(remedy))
        asyncio.run(place.apply(Remedy.UNDO))
        assert bound
        if remedy is Remedy.MOVE_SESSION:
            # What was recorded before is older than the move behind our back; the undo records where the session truly works.
            bound = structs.replace(bound, directory=str(place.elsewhere))
        assert place.life.store.journal.binding(place.thread).cursor == bound
        assert place.server.messages_held[bound.session_id] == held
        if remedy in (Remedy.MOVE_SESSION, Remedy.RELOCATE):
            assert place.state()[1:] == where[1:]
        with pytest.raises(Refused, match="no remedy"):
            asyncio.run(place.apply(Remedy.UNDO))


def test_a_thread_that_changed_meanwhile_is_not_what_was_agreed_to(tmp_path: Path) -> None:
    with closing(Place(tmp_path, Remedy.CARRY)) as place:
        details = place.life.details(place.thread, place.server, ())
        choice = Choice(Remedy.CARRY)
        seen = asyncio.run(place.life.remedies.preview(details, choice))
        before = place.state()
        asyncio.run(place.life.sending.send(place.thread, "and more, said meanwhile", place.server))
        said = place.state()
        with pytest.raises(Refused, match="has changed"):
            asyncio.run(place.life.remedies.apply(place.life.details(place.thread, place.server, ()), choice, seen))
        assert place.state() == said != before


def _every_step(prepared: Place, remedy: Remedy, is_done: Callable[[Place], bool]) -> int:
    """Kill at the first step, the second, …, until the process survives; return the number of steps."""
    prepared.close()
    for step in itertools.count():
        with closing(prepared.again(prepared.root / str(step))) as place:
            before = place.state()
            if not place.killed(remedy, step):
                assert is_done(place)
                return step
            asyncio.run(place.life.settle(place.server))
            assert place.life.store.journal.pending() == ()
            if not is_done(place):
                assert place.state() == before, f"killed at step {step}"
                asyncio.run(place.apply(remedy))
                assert is_done(place)
    raise AssertionError


def test_a_server_that_cannot_move_sessions_is_not_asked_to(tmp_path: Path) -> None:
    place = Place(tmp_path, Remedy.MOVE_SESSION)
    try:
        place.server.version = "1.15.13"
        for remedy in (Remedy.MOVE_SESSION, Remedy.RELOCATE):
            with pytest.raises(
                Refused, match=r"OpenCode 1.15.13 cannot move a session to another folder; OpenCode 1.17 or newer"
            ):
                asyncio.run(place.apply(remedy))
        assert place.life.store.journal.pending() == ()
    finally:
        place.close()
