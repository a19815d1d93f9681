"""What the guard needs of the process that it runs in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from t3tray.domain.guard import GuardAnswer
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.facts import GuardFacts
from t3tray.guard.letting_go import LettingGo
from t3tray.server.manager import ManagedServer
from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import T3Home
from t3tray.threads.idle_shutdown import IdleShutdown
from t3tray.threads.t3code_sides import T3Sides


class GuardHost(Protocol):
    """`idle_status` is the idle shutdown, and `users` counts the external users that prevent it."""

    data_directory: Path
    store: Store
    server: ManagedServer
    idle_shutdown: IdleShutdown
    t3_sides: T3Sides
    guard_credentials: CredentialStore
    letting_go: LettingGo
    users: Callable[[], int]

    @property
    def t3_homes(self) -> tuple[T3Home, ...]:
        """Where T3 Code's data may be."""
        ...

    def guard_facts(self, heard: Callable[[GuardAnswer], None], store: Store, run_sql: SqlThread) -> GuardFacts:
        """Return the guard's facts, read and recorded by `store` in the thread of `run_sql`."""
        ...

    async def wants_guard(self) -> bool:
        """Return whether the tray app is to run the guard. Raises StoreError."""
        ...

    async def want_guard(self, on: bool) -> None:
        """Have the tray app run the guard from now on, or no longer. Raises StoreError."""
        ...

    async def bound_threads(self) -> frozenset[str]:
        """Return the ids of the threads that are bound to a session. Raises StoreError."""
        ...
