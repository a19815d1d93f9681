"""Recovery runs beside everything: an intent's failure is reported once, and stops neither another intent nor a connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused
from t3tray.remedies.recovery import Recovery, Settlers
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.session_server import SessionServer
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Steps
from tests.support.stores import open_store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SERVER = FakeServer(KillSwitch())
NOBODY = "@4194304:0.00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data", lambda: NOON)
    for name in ("a1", "a2", "a3"):
        opened.threads.add(Thread(name, name, "/work", Source.T3TRAY, NOON, NOON))
        opened.journal.append(Entry(name, Event.INTENDED, Actor.USER, "new thread", NOON, intent=f"{name}{NOBODY}"))
    yield opened
    opened.close()


class Settler:
    """Settles what is not stuck; hanging calls wait for `goes_on`."""

    def __init__(self, store: Store, stuck: dict[str, Exception], hangs: str = "") -> None:
        self.goes_on = asyncio.Event()
        self.stuck = stuck
        self._store = store
        self._hangs = hangs

    async def __call__(self, intent: Entry, _server: SessionServer) -> None:
        if intent.thread_id == self._hangs:
            await self.goes_on.wait()
        if error := self.stuck.get(intent.thread_id):
            raise error
        self._store.journal.append(Entry(intent.thread_id, Event.ABANDONED, Actor.RECOVERY, "", NOON, intent=intent.intent))


def recovery(store: Store, settler: Settler, author: IntentIds | None = None) -> Recovery:
    run: Any = Steps(KillSwitch())
    return Recovery(store.journal, run, author or IntentIds(1, 0.0), Settlers(settler, settler))


@pytest.mark.parametrize("error", [Refused("T3 Code's home is gone.", "Bring it back."), ValueError("a bug")])
async def test_the_trouble_of_one_stops_no_other_and_is_told_once(
    store: Store, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    settler = Settler(store, {"a1": error})
    settling = recovery(store, settler)
    with caplog.at_level(logging.WARNING):
        await settling.settle_all(SERVER)
        await settling.settle_all(SERVER)
    assert [entry.thread_id for entry in store.journal.pending()] == ["a1"]
    (told,) = settling.troubles
    assert "a1" in told and str(error) in told
    assert len([record for record in caplog.records if record.getMessage() == told]) == 1
    settler.stuck.clear()
    await settling.settle_all(SERVER)
    assert settling.troubles == () and store.journal.pending() == ()


async def test_what_another_machine_began_is_left_to_it_until_it_is_said_to_be_gone(store: Store) -> None:
    theirs = f"i{NOBODY}/0123456789abcdef"
    store.journal.append(Entry("a1", Event.INTENDED, Actor.USER, "forked from it", NOON, intent=theirs))
    settling = recovery(store, Settler(store, {}))
    await settling.settle_all(SERVER)
    (left,) = store.journal.pending()
    assert left.intent == theirs
    (told,) = settling.troubles
    assert told.startswith("Another machine (or container) with this data folder began a change of thread a1 at 2026-11-24 12:00")

    async def connect() -> None:
        settling.begin(SERVER, fresh=True)

    assert await settling.forget_elsewhere(connect) and not await settling.forget_elsewhere(connect)
    assert settling.troubles == () and store.journal.pending() == ()


async def test_one_that_hangs_holds_up_only_who_waits_for_that_thread(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    settler = Settler(store, {}, hangs="a1")
    settling = recovery(store, settler)
    settling.begin(SERVER)
    await settling.settled("a2")
    assert [entry.thread_id for entry in store.journal.pending() if entry.thread_id == "a2"] == []
    assert "is not settled after" not in caplog.text
    await settling.settled("a1", limit=0.01)
    assert "a1" in [entry.thread_id for entry in store.journal.pending()]
    waiting = asyncio.create_task(settling.settled("a1"))
    settler.goes_on.set()
    await waiting
    assert store.journal.pending() == ()
    await settling.close()


async def test_what_is_left_open_while_a_round_runs_is_looked_for_before_it_ends(store: Store) -> None:
    settler, author = Settler(store, {}, hangs="a1"), IntentIds(1, 0.0)
    settling = recovery(store, settler, author)
    settling.begin(SERVER)
    await settling.settled("a2")
    store.journal.append(Entry("a2", Event.INTENDED, Actor.USER, "fork", NOON, intent=f"later{NOBODY}"))
    author.left_open = True
    settling.begin(SERVER)
    settler.goes_on.set()
    await settling.settled("a2")
    assert store.journal.pending() == ()


async def test_an_intent_that_a_round_has_still_to_list_is_waited_for(store: Store) -> None:
    settler, author, listings, goes_on = Settler(store, {}), IntentIds(1, 0.0), 0, asyncio.Event()

    async def run(function: Any, *arguments: Any) -> Any:
        nonlocal listings
        if function == store.journal.pending:
            listings += 1
            if listings == 1:
                author.left_open = True  # while the first list is read
            else:
                store.journal.append(Entry("a2", Event.INTENDED, Actor.USER, "fork", NOON, intent=f"later{NOBODY}"))
                listing.set()
                await goes_on.wait()
        return function(*arguments)

    listing, runner = asyncio.Event(), cast("SqlThread", run)
    settling = Recovery(store.journal, runner, author, Settlers(settler, settler))
    settling.begin(SERVER)
    await listing.wait()
    waiting = asyncio.create_task(settling.settled("a2"))
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    goes_on.set()
    await waiting
    assert store.journal.pending() == ()


@pytest.mark.parametrize("is_left_open", [True, False])
async def test_who_waits_is_not_cancelled_with_a_round_that_another_connection_replaces(store: Store, is_left_open: bool) -> None:
    settler, author = Settler(store, {}, hangs="a1"), IntentIds(1, 0.0)
    settling = recovery(store, settler, author)
    settling.begin(SERVER)
    await settling.settled("a2")
    author.left_open = is_left_open
    waiting = asyncio.create_task(settling.settled("a1"))
    await asyncio.sleep(0)
    settling.begin(SERVER, fresh=True)
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    settler.goes_on.set()
    await waiting
    assert store.journal.pending() == ()


async def test_a_closed_recovery_is_broken_off_and_begun_anew_by_the_next_process(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.remedies.recovery.CLOSE_LIMIT", 0.01)
    settling = recovery(store, Settler(store, {}, hangs="a1"))
    settling.begin(SERVER)
    await settling.close()
    assert [entry.thread_id for entry in store.journal.pending()] == ["a1"]
    await recovery(store, Settler(store, {})).settle_all(SERVER)
    assert store.journal.pending() == ()
