"""What the guard needs of the process that it runs in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from t3tray.core.domain.guard import Told
from t3tray.core.opencode.managed import ManagedServer
from t3tray.core.services.resting import Resting
from t3tray.core.services.t3_sides import T3Sides
from t3tray.core.store.store import Store
from t3tray.core.system.serial import SerialExecutor
from t3tray.core.t3code.home import T3Home
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.facts import GuardFacts
from t3tray.guard.letting_go import LettingGo


class GuardHost(Protocol):
    """`resting` is the idle shutdown, and `users` counts the external users that prevent it."""

    data_directory: Path
    store: Store
    server: ManagedServer
    resting: Resting
    t3_sides: T3Sides
    guard_credentials: CredentialStore
    letting_go: LettingGo
    users: Callable[[], int]

    @property
    def t3_homes(self) -> tuple[T3Home, ...]:
        """Where T3 Code's data may be."""
        ...

    def guard_facts(self, heard: Callable[[Told], None], store: Store, run_sql: SerialExecutor) -> GuardFacts:
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
