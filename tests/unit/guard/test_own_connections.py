"""The guard reads the facts of a decision by connections of its own: to our data, and to the server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.guard import BoundSession, T3ThreadState
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.verdict import Reason
from t3tray.errors import ServerDown, SessionMissing, StoreError, TimedOut
from t3tray.guard.facts import GuardFacts
from t3tray.guard.own_stores import OwnStores
from t3tray.guard.upstream import Upstream
from t3tray.guard.upstream_client import UpstreamClient, UpstreamTransport
from t3tray.opencode.client import OpenCodeClient
from t3tray.server.manager import Endpoint
from t3tray.store.database import Database
from t3tray.store.open import open_database
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.evidence import Surroundings
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.guard_life import Lives, make
from tests.support.raw_http import SERVER_PASSWORD, Arrived, basic, upstream, upstream_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(KillSwitch())


@pytest.fixture
def thread(tmp_path: Path) -> T3ThreadState:
    (tmp_path / "work").mkdir()
    return T3ThreadState("t1", "Report", str(tmp_path / "work"), starting=True, pending=True)


class Recovered:
    """Facts read by their own connections, and the threads whose recovery was awaited."""

    def __init__(self, stores: OwnStores, server: FakeServer) -> None:
        self.waited_for: list[str] = []
        self.facts = GuardFacts(
            stores,
            lambda: NOW,
            IntentIds(2_000_000, 0.0),
            Surroundings(lambda: NOW, lambda: False),
            self._connect,
            lambda told: None,
            self._recover,
        )
        self._server = server

    async def _connect(self) -> FakeServer:
        return self._server

    async def _recover(self, thread_id: str) -> None:
        self.waited_for.append(thread_id)


@pytest.fixture
async def database(tmp_path: Path, server: FakeServer, thread: T3ThreadState) -> Database:
    """The file of a store in which the thread is bound."""
    lives = Lives(tmp_path / "data", server, KillSwitch())
    await make(lives.begin(), server, thread)
    lives.end()
    return open_database(tmp_path / "data", NOW)[0]


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    made = Store(database, ())
    yield made
    made.close()


async def test_a_decision_waits_for_no_scan_no_write_and_no_lock_of_the_store(
    database: Database, store: Store, server: FakeServer, thread: T3ThreadState
) -> None:
    stores, scanning, free = await OwnStores.open(store), SqlThread("scan"), threading.Event()
    recovered = Recovered(stores, server)

    def scan() -> None:
        with database.read():
            free.wait()

    held = [asyncio.ensure_future(scanning(scan)), asyncio.ensure_future(stores.write(free.wait))]
    try:
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM receipts")
            async with asyncio.timeout(90):
                bound = await recovered.facts.bound(thread)
                assert isinstance(bound, BoundSession) and bound.verdict.reason is Reason.NEW and bound.is_proved
                assert await recovered.facts.bound_session("t1") == bound.session_id
                assert not await recovered.facts.has_left("t1", bound.session_id)
                assert await recovered.facts.last_change("t1") > 0
            assert other.in_transaction and not any(each.done() for each in held)
    finally:
        free.set()
        await asyncio.gather(*held)
        await stores.close(store)
        scanning.close()
    assert recovered.waited_for == [], "nothing was left open in it"


async def test_recovery_is_waited_for_where_something_is_open(store: Store, server: FakeServer) -> None:
    stores = await OwnStores.open(store)
    recovered = Recovered(stores, server)
    store.journal.append(Entry("t1", Event.INTENDED, Actor.IMPORT, "begun", NOW, intent="i1"))
    assert await recovered.facts.last_change("t1") > 0 and recovered.waited_for == ["t1"]
    await stores.close(store)


async def test_the_reader_sees_what_was_written_and_writes_nothing(store: Store) -> None:
    stores = await OwnStores.open(store)
    with pytest.raises(StoreError):
        await stores.read(stores.reader.visits.save, {"t1": NOW})
    await stores.write(stores.writer.journal.append, Entry("t1", Event.INTENDED, Actor.IMPORT, "begun", NOW, intent="i1"))
    assert (await stores.read(stores.reader.journal.binding, "t1")).pending == ("i1",)
    await stores.close(store)
    assert store.journal.binding("t1").pending == ("i1",), "the store beside which they were opened stays open"


class Opened:
    """A store of which connections are opened beside it, as many as may be; what became of them."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Store] = []
        self.closed: list[Store] = []
        self.begun, self.may_open, self.hindered = threading.Event(), threading.Event(), 0
        beside, close = Store.beside, Store.close
        self.may_open.set()

        def open_one(near: Store, read_only: bool = False) -> Store:
            self.begun.set()
            assert self.may_open.wait(90)
            if len(self.opened) == self.hindered:
                raise StoreError("There is no place for another one.")
            self.opened.append(beside(near, read_only))
            return self.opened[-1]

        def close_one(given: Store) -> None:
            close(given)
            if given is not store:
                self.closed.append(given)

        monkeypatch.setattr(Store, "beside", open_one)
        monkeypatch.setattr(Store, "close", close_one)


async def test_a_reader_without_a_writer_is_closed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Opened(store, monkeypatch)
    connections.hindered = 1
    with pytest.raises(StoreError, match="no place"):
        await OwnStores.open(store)
    assert len(connections.opened) == 1 and connections.closed == connections.opened


async def test_an_opening_that_is_broken_off_closes_what_it_opens_and_holds_nothing_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = Opened(store, monkeypatch)
    connections.hindered = 2
    connections.may_open.clear()
    opening = asyncio.ensure_future(OwnStores.open(store))
    assert await asyncio.to_thread(connections.begun.wait, 90)
    opening.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    # The event loop goes on, which is who lets it open now.
    connections.may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert len(connections.opened) == 1 and connections.closed == connections.opened


async def test_a_reader_that_cannot_be_closed_leaves_no_writer_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = await OwnStores.open(store)
    close, closed = Store.close, list[Store]()

    def close_one(given: Store) -> None:
        if given is stores.reader and given not in closed:
            closed.append(given)
            raise StoreError("The disk is gone.")
        close(given)
        closed.append(given)

    monkeypatch.setattr(Store, "close", close_one)
    with pytest.raises(StoreError, match="disk is gone"):
        await stores.close(store)
    assert len(closed) == 2 and set(closed) == {stores.reader, stores.writer}
    for run in (stores.read, stores.write):
        with pytest.raises(RuntimeError, match="after shutdown"):
            await run(lambda: None)
    stores.reader.close()


@pytest.mark.parametrize("name", ["read", "write"])
async def test_closing_waits_for_no_call_that_hangs_once_its_time_is_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    connections = Opened(store, monkeypatch)
    connections.hindered = 3
    stores, free, begun = await OwnStores.open(store), threading.Event(), threading.Event()

    def hang() -> bool:
        begun.set()
        return free.wait(90)

    hanging = asyncio.ensure_future((stores.read if name == "read" else stores.write)(hang))
    assert await asyncio.to_thread(begun.wait, 90)
    ending = asyncio.ensure_future(stores.close(store))
    await asyncio.sleep(0.05)
    ending.cancel()
    try:
        await asyncio.wait([ending], timeout=20)
        assert ending.cancelled() and not hanging.done()
    finally:
        free.set()
        await hanging
    async with asyncio.timeout(90):
        while len(connections.closed) < 2:
            await asyncio.sleep(0.01)
    assert set(connections.closed) == {stores.reader, stores.writer}


SESSION = {"id": "ses_1", "directory": "/w", "title": "Report", "time": {"created": 1, "updated": 2}}


async def answer(arrived: Arrived, status: str, body: object) -> None:
    await arrived.read_body()
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    await arrived.send(head.encode() + content)


async def prepared() -> bool:
    return True


async def test_its_questions_go_by_the_connection_that_it_forwards_by() -> None:
    async def handler(arrived: Arrived) -> None:
        await answer(arrived, "200 OK", SESSION)

    async with upstream(handler) as behind:
        way = upstream_of(behind.url + "/behind")
        client = await UpstreamClient(way, prepared).connect()
        assert client.version == "1.18.33"
        assert (await client.session("ses_1")).facts.title == "Report"
        await way.fetch("GET", b"/session/ses_1", ())
        assert (await client.session("ses_1")).facts.directory == "/w"
        await way.aclose()
    assert [each.line for each in behind.arrived] == [b"GET /behind/session/ses_1 HTTP/1.1"] * 3
    assert all((b"Authorization", basic(SERVER_PASSWORD)) in each.headers for each in behind.arrived)
    assert len({each.writer for each in behind.arrived}) == 1, "one connection"


async def test_what_the_server_says_and_does_not_say_are_the_errors_of_every_client(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    create_connection, made = loop.create_connection, list[asyncio.BaseTransport]()

    async def recorded(*arguments: Any, **options: Any) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        transport, protocol = await create_connection(*arguments, **options)
        made.append(transport)
        return transport, protocol

    monkeypatch.setattr(loop, "create_connection", recorded)

    async def handler(arrived: Arrived) -> None:
        match arrived.line.split()[1]:
            case b"/session/ses_gone":
                await answer(arrived, "404 Not Found", {"name": "NotFoundError", "data": {"message": "Session not found"}})
            case b"/session/ses_cut":
                await arrived.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
                arrived.writer.close()
            case b"/session/ses_slow":
                await arrived.reader.read(1)
            case b"/session/ses_dripping":
                await arrived.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
                await arrived.reader.read(1)

    async with upstream(handler) as behind:
        way = upstream_of(behind.url)
        client = OpenCodeClient(behind.url, None, 0.2, UpstreamTransport(way))
        with pytest.raises(SessionMissing):
            await client.session("ses_gone")
        with pytest.raises(ServerDown):
            await client.session("ses_cut")
        for name in ("ses_slow", "ses_dripping"):
            with pytest.raises(TimedOut):
                await client.session(name)
        assert made and all(transport.is_closing() for transport in made), "what was broken off is closed"
        await way.aclose()


async def test_a_server_is_prepared_once_and_again_until_that_succeeds() -> None:
    endpoint = Endpoint("http://127.0.0.1:1", SERVER_PASSWORD, "1.18.33")
    outcomes = [False, True, True]
    done: list[bool] = []

    async def ready() -> Endpoint:
        return endpoint

    async def prepare() -> bool:
        done.append(outcomes[len(done)])
        return done[-1]

    client = UpstreamClient(Upstream(ready), prepare)
    first = await client.connect()
    assert [await client.connect() for _ in range(3)] == [first] * 3 and done == [False, True]
    endpoint = Endpoint("http://127.0.0.1:2", SERVER_PASSWORD, "1.17.11")
    second = await client.connect()
    assert second is not first and second.version == "1.17.11" and done == [False, True, True]
