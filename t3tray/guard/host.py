"""What the guard uses of the process that it runs in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from t3tray.domain.evidence import Claim
from t3tray.domain.guard import GuardAnswer
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.facts import GuardFacts
from t3tray.guard.letting_go import LettingGo
from t3tray.guard.own_stores import OwnStores
from t3tray.server.connecting import ServerConnection
from t3tray.settings.preferences import Preferences
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import T3Home
from t3tray.threads.evidence import Surroundings
from t3tray.threads.idle_shutdown import IdleShutdown
from t3tray.threads.session_server import SessionServer
from t3tray.threads.t3code_sides import T3Sides


@dataclass
class GuardHost:
    """One for each process. `t3_homes`: where T3 Code's data may be, by the settings when it was made.

    `recover` waits until what a crash left open in a thread is settled. `prepare` starts the server if necessary, begins settling
    on it, and returns whether our data was compared with it. `claims` takes a thread and the session that it is bound to, and
    returns that session and the others whose mark names the thread; empty if there are no others.
    """

    data_directory: Path
    t3_homes: tuple[T3Home, ...]
    store: Store
    run_sql: SqlThread
    servers: ServerConnection
    preferences: Preferences
    guard_credentials: CredentialStore
    idle_shutdown: IdleShutdown
    t3_sides: T3Sides
    letting_go: LettingGo
    surroundings: Surroundings
    author: IntentIds
    now: Callable[[], datetime]
    recover: Callable[[str], Awaitable[None]]
    prepare: Callable[[], Awaitable[bool]]
    claims: Callable[[str, str], tuple[Claim, ...]]

    def facts(
        self, on_answer: Callable[[GuardAnswer], None], stores: OwnStores, connect: Callable[[], Awaitable[SessionServer]]
    ) -> GuardFacts:
        """Return the guard's facts, read and recorded by `stores`, and proved at the server of `connect`. `on_answer` gets each
        answer."""
        return GuardFacts(stores, self.now, self.author, self.surroundings, connect, on_answer, self.recover, self.claims)

    async def wants_guard(self) -> bool:
        """Return whether the tray app is to run the guard, as stored by any process. Raises StoreError."""
        return (await self.preferences.read()).guard

    async def want_guard(self, on: bool) -> None:
        """Set whether the tray app runs the guard. Raises StoreError."""
        await self.preferences.record("guard", on)

    async def bound_threads(self) -> frozenset[str]:
        """Return the ids of the threads that are bound to a session in our journal. Raises StoreError."""
        return await self.run_sql(self.store.journal.bound)
