"""Operations that the user cancels half-way: afterwards everything is as before, or done, and the same process continues."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from t3tray.domain.journal import abandoned, last_remedy
from t3tray.domain.remedy import Choice, Remedy
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord
from tests.faults.test_remedy_faults import REMEDIES, Place
from tests.support.fake_server import KillSwitch


@dataclass
class StopSwitch(KillSwitch):
    """Cancels the task at the chosen step; the process continues."""

    def step(self) -> None:
        if self.left == 0:
            self.left = None
            raise asyncio.CancelledError
        if self.left is not None:
            self.left -= 1


def stoppable(root: Path, remedy: Remedy) -> Place:
    place = Place(root, remedy)
    place.life.store.close()
    return made_stoppable(place)


def made_stoppable(place: Place) -> Place:
    place.switch = place.server.switch = StopSwitch()
    place.life = place.live()
    return place


@pytest.mark.parametrize("undoes", [False, True])
@pytest.mark.parametrize("remedy", REMEDIES)
def test_stopped_at_any_step_it_is_as_before_or_done(tmp_path: Path, remedy: Remedy, undoes: bool) -> None:
    does = Remedy.UNDO if undoes else remedy

    def is_done(place: Place) -> bool:
        return place.done() is not undoes

    steps = _every_step(Place(tmp_path, remedy, undoes), does, is_done)
    assert steps > 1


def _every_step(prepared: Place, remedy: Remedy, is_done: Callable[[Place], bool]) -> int:
    prepared.close()
    for step in itertools.count():
        place = prepared.again(prepared.root / str(step))
        place.close()
        made_stoppable(place)
        before = place.state()
        place.switch.left = step
        try:
            asyncio.run(place.apply(remedy))
        except asyncio.CancelledError:
            asyncio.run(place.life.settle(place.server))
            assert place.life.store.journal.pending() == ()
            if not is_done(place):
                assert place.state() == before, f"stopped at step {step}"
        else:
            assert is_done(place)
            return step
        finally:
            place.life.store.close()
    raise AssertionError


class Slow:
    """Lets a test stop in the middle of a request that the server carries out nevertheless."""

    def __init__(self, place: Place) -> None:
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()
        self._create = place.server.create_session
        place.server.create_session = self.create  # type: ignore[method-assign]

    async def create(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        self.asked.set()
        await self.goes_on.wait()
        return await self._create(directory, title, marker)


async def stop_in_the_middle(slow: Slow, work: asyncio.Task[object]) -> None:
    await slow.asked.wait()
    work.cancel()
    await asyncio.sleep(0)
    assert not work.done(), "nobody would know whether the session was made"
    slow.goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await work


def test_a_session_that_is_made_while_it_is_stopped_is_found_and_left(tmp_path: Path) -> None:
    place = stoppable(tmp_path, Remedy.START_AFRESH)
    before = place.state()

    async def act() -> None:
        details = place.life.details(place.thread, place.server, ())
        work = asyncio.ensure_future(place.life.remedies.apply(details, Choice(Remedy.START_AFRESH)))
        await stop_in_the_middle(Slow(place), work)
        await place.life.settle(place.server)

    asyncio.run(act())
    entries = place.life.store.journal.entries(place.thread)
    assert place.state() == before and not last_remedy(entries)
    assert len(abandoned(entries)) == 1 and abandoned(entries) <= place.server.sessions_held.keys()
    assert place.life.store.journal.pending() == ()
    place.life.store.close()


def test_a_new_thread_that_is_stopped_is_settled_before_the_server_is_used_next(tmp_path: Path) -> None:
    place = stoppable(tmp_path, Remedy.BIND)

    async def act() -> None:
        work = asyncio.ensure_future(place.life.threads.create(str(place.folder), "stopped", place.server))
        await stop_in_the_middle(Slow(place), work)
        assert place.life.author.left_open
        await place.life.settle(place.server)

    asyncio.run(act())
    assert place.life.store.journal.pending() == () and not place.life.author.left_open
    (stopped,) = (thread for thread in place.life.store.threads.all() if thread.title == "stopped")
    cursor = place.life.store.journal.binding(stopped.id).cursor
    assert cursor and cursor.session_id in place.server.sessions_held
    place.life.store.close()
