"""Backend and guard as in `t3tray guard run`, on an event loop of their own thread, for tests that imitate T3 Code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from t3tray.backend.backend import Backend
from t3tray.domain.guard import GuardAnswer, GuardDecision
from t3tray.guard.service import GuardService

T = TypeVar("T")
_LIMIT = 90.0


class Guarded:
    """A context manager; the environment names all folders."""

    def __init__(self, data: str) -> None:
        self.answers: list[GuardAnswer] = []
        self._data = data
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="guard", daemon=True)

    def __enter__(self) -> Guarded:
        self._thread.start()
        self.backend = self.call(Backend.open(self._data, "command"))
        self.service = self._make_service()
        self.url = self.call(self.service.start())
        self.password = self.call(self.backend.guard_credentials.get()).password
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call(self.service.stop())
            self.call(self.backend.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_LIMIT)
            self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the guard's event loop, and wait for its result."""
        return self.begin(work).result(_LIMIT)

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the guard's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def restart_service(self) -> None:
        """Restart the guard on the same port; the backend and its server stay."""
        self.call(self.service.stop())
        self.service = self._make_service()
        self.call(self.service.start())

    @property
    def decisions(self) -> list[GuardDecision]:
        return [told.decision for told in self.answers]

    @property
    def last(self) -> GuardAnswer:
        return self.answers[-1]

    def _make_service(self) -> GuardService:
        return GuardService(self.backend.guard_host, self.answers.append)
