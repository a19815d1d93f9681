"""Successive runs of t3tray with a guard on the same data, for tests of its bindings and their crash tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from t3tray.domain.cursor import Cursor
from t3tray.domain.guard import GuardAnswer, T3ThreadState
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.guard.facts import GuardFacts
from t3tray.guard.own_stores import OwnStores
from t3tray.remedies.recovery import Recovery, Settlers
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.creation import Threads
from t3tray.threads.evidence import Surroundings, cursor_now
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Steps
from tests.support.stores import open_store


class GuardLife:
    """One run of t3tray with a guard."""

    def __init__(self, home: Path, server: FakeServer, switch: KillSwitch, pid: int, now: Callable[[], datetime]) -> None:
        self.store = open_store(home, now)
        self.heard: list[GuardAnswer] = []
        run: Any = Steps(switch)
        author = IntentIds(pid, 0.0)

        async def connect() -> FakeServer:
            return server

        async def recover(_thread: str) -> None:
            """Settle open intents."""

        self.threads = Threads(self.store, run, now, author)
        self.recovery = Recovery(self.store.journal, run, author, Settlers(self.threads.settle, self.threads.settle))
        surroundings = Surroundings(now, lambda: False)

        def facts(heard: Callable[[GuardAnswer], None], write: SqlThread) -> GuardFacts:
            stores = OwnStores(self.store, run, self.store, write)
            return GuardFacts(stores, now, author, surroundings, connect, heard, recover)

        self._facts, self._run = facts, run
        self.facts = self.facts_with()

    def facts_with(self, heard: Callable[[GuardAnswer], None] | None = None, write: SqlThread | None = None) -> GuardFacts:
        """Return its facts, with another listener to the answers, or another thread that writes."""
        return self._facts(heard or self.heard.append, write or self._run)

    async def choose(self, thread_id: str, session_id: str, server: FakeServer) -> None:
        """Bind a thread as the user does with a remedy."""
        cursor = await cursor_now(server, (await server.session(session_id)).facts, None)
        self.let_go(thread_id, Event.SUPERSEDED)
        self.write(thread_id, Event.CONFIRMED, cursor)

    def let_go(self, thread_id: str, event: Event = Event.RELEASED) -> None:
        bound = self.store.journal.binding(thread_id).cursor
        assert bound
        self.write(thread_id, event, bound)

    def write(self, thread_id: str, event: Event, cursor: Cursor) -> None:
        at = datetime(2026, 11, 24, tzinfo=UTC)
        self.store.journal.append(Entry(thread_id, event, Actor.USER, "chosen", at, cursor.session_id, cursor=cursor))

    def events(self, thread_id: str) -> list[tuple[Event, str | None]]:
        return [(entry.event, entry.session_id) for entry in self.store.journal.entries(thread_id)]


class Lives:
    """`begin` starts another run after ending the previous one; `end` ends the last."""

    def __init__(self, data: Path, server: FakeServer, switch: KillSwitch) -> None:
        self._data, self._server, self._switch = data, server, switch
        self._lives: list[GuardLife] = []
        self._moment = datetime(2026, 11, 24, tzinfo=UTC)

    def begin(self) -> GuardLife:
        self.end()
        self._lives.append(GuardLife(self._data, self._server, self._switch, 2_000_000 + len(self._lives), self._now))
        return self._lives[-1]

    def end(self) -> None:
        if self._lives:
            self._lives[-1].store.close()

    def _now(self) -> datetime:
        self._moment += timedelta(seconds=1)
        return self._moment


async def make(life: GuardLife, server: FakeServer, thread: T3ThreadState) -> str:
    """Create a session as the guard does for a new thread."""
    since = await life.facts.last_change(thread.id)
    async with life.facts.intend(thread, "T3 Code began it", since) as intent:
        record = await server.create_session(thread.directory, thread.title, intent.marker)
        await intent.confirm(record)
    return record.facts.id
