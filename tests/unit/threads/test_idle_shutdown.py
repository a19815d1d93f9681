"""Our own reaper stops the server only if nothing is open in it, as far as it is known, and says what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Evidence, Failure
from t3tray.domain.reaper import Blocker, IdleState
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import ServerError, StoreError, TimedOut
from t3tray.opencode.connection import Connection
from t3tray.threads.idle_shutdown import IdleShutdown
from t3tray.threads.scan import Scan
from t3tray.threads.verify import Assessment
from tests.support.t3_world import NOON, milliseconds

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class Server:
    """The managed server and the connection to it. `touched`: when each folder's session was written to last."""

    busy: frozenset[str] = frozenset()
    permits: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    touched: dict[str, datetime] = field(default_factory=lambda: {"/work": NOON})
    is_shared: bool = False
    obeys: bool = True
    fails_to_dispose: ServerError | None = None
    on_question: Callable[[], None] = lambda: None
    started_at: datetime | None = NOON - MINUTE
    disposed: list[str] = field(default_factory=list)
    retired: int = 0

    async def sessions(self) -> list[SimpleNamespace]:
        facts = (SimpleNamespace(directory=name, updated_ms=milliseconds(at)) for name, at in self.touched.items())
        return [SimpleNamespace(facts=each) for each in facts]

    async def busy_sessions(self, directories: frozenset[str]) -> frozenset[str]:
        self.on_question()
        return self.busy

    async def permissions(self, directory: str) -> tuple[str, ...]:
        return self.permits if directory == "/work" else ()

    async def questions(self, directory: str) -> tuple[str, ...]:
        return self.asks if directory == "/work" else ()

    async def outlives_us(self) -> bool:
        return self.is_shared

    async def dispose(self, directory: str) -> None:
        if self.fails_to_dispose:
            raise self.fails_to_dispose
        self.disposed.append(directory)

    async def retire(self) -> bool:
        self.retired += 1
        return self.obeys


class Reaper:
    """The reaper of a server that nothing has used for an hour, and its clock."""

    def __init__(self, server: Server, idle_after: timedelta = HOUR) -> None:
        self.server = server
        self.steady = 0.0
        self.shutdown = IdleShutdown(server, idle_after, lambda: NOON, lambda: self.steady)
        self.steady = HOUR.total_seconds()

    async def check(self, *found: Assessment) -> IdleState:
        scan = cast(Scan, SimpleNamespace(assessments=found))
        return await self.shutdown.check(cast(Connection, self.server), scan)


def thread_in(directory: str, reason: Reason) -> Assessment:
    thread = Thread("t", "A thread", directory, Source.T3TRAY, NOON, NOON)
    return Assessment(thread, Cursor("ses_1", directory), Evidence(NOON, Failure.TIMEOUT, Failure.TIMEOUT), Verdict(reason))


async def test_a_server_in_which_nothing_is_open_lets_go_of_every_folder_and_is_stopped() -> None:
    server = Server(touched={"/work": NOON, "/before": NOON - HOUR})
    reaper = Reaper(server)
    reaper.shutdown.note("/heard/of")
    reaper.steady += HOUR.total_seconds()
    state = await reaper.check(thread_in("/work", Reason.PROVED))
    assert state.ended and state.at == NOON
    assert sorted(server.disposed) == ["/heard/of", "/work"], "not the folder that was used before the server's start"
    assert server.retired == 1


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Server(busy=frozenset({"ses_1"})), Blocker.TURN),
        (Server(permits=("per_1",)), Blocker.PERMISSION),
        (Server(asks=("que_1",)), Blocker.QUESTION),
        (Server(is_shared=True), Blocker.SHARED),
        (Server(fails_to_dispose=TimedOut("It hangs.")), Blocker.UNTOLD),
    ],
)
async def test_what_is_open_or_not_known_leaves_the_server_running(server: Server, why: Blocker) -> None:
    state = await Reaper(server).check()
    assert state.why is why and not state.ended and server.retired == 0 and server.disposed == []


@pytest.mark.parametrize(("directory", "is_kept"), [("/work", True), ("/elsewhere", False)])
async def test_a_thread_of_its_folders_that_could_not_be_resumed_keeps_it(directory: str, is_kept: bool) -> None:
    server = Server()
    state = await Reaper(server).check(thread_in(directory, Reason.MISSING))
    assert (state.why is Blocker.NOT_RESUMABLE, server.retired == 0) == (is_kept, is_kept)


async def test_a_use_while_it_is_asked_keeps_it() -> None:
    server = Server()
    reaper = Reaper(server)
    server.on_question = reaper.shutdown.note
    assert (await reaper.check()).why is Blocker.RECENT
    assert server.retired == 0 and server.disposed == []


async def test_a_server_that_does_not_end_is_not_called_stopped() -> None:
    state = await Reaper(Server(obeys=False)).check()
    assert not state.ended and state.why is Blocker.SHARED


async def test_where_its_start_is_unknown_every_folder_is_asked_about() -> None:
    server = Server(touched={"/work": NOON - 1000 * HOUR}, started_at=None, permits=("per_1",))
    assert (await Reaper(server).check()).why is Blocker.PERMISSION


async def test_a_reaper_that_is_off_stops_nothing_and_names_no_time() -> None:
    server = Server()
    reaper = Reaper(server, timedelta(0))
    assert (await reaper.check()).why is Blocker.OFF and reaper.shutdown.reap_at is None
    assert reaper.shutdown.sentence(None, True) == "t3tray never stops its server for being idle."


def test_what_is_said_of_it_is_its_own_result_or_else_the_owners() -> None:
    shutdown, ours = Reaper(Server()).shutdown, IdleState(NOON, Blocker.TURN)
    ready, stopped = ServerStatus(ServerState.READY), ServerStatus(ServerState.STOPPED)

    def unreadable() -> IdleState | None:
        raise StoreError("The disk is broken.")

    assert shutdown.standing(ours, ServerStatus(ServerState.EXTERNAL), unreadable) == "", "it is never stopped by us"
    assert str(Blocker.TURN) in shutdown.standing(ours, ready, unreadable)
    said = shutdown.standing(None, stopped, lambda: IdleState(NOON, None))
    assert said.startswith("t3tray stopped its server at ")
    with pytest.raises(StoreError):
        shutdown.standing(None, stopped, unreadable)
