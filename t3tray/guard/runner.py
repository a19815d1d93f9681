"""Runs the guard in the tray app: starts and stops it as wanted, restarts it after a failure, and reports why it cannot run.

It is wanted after the user switched it on, here or on the command line, and as long as any T3 Code's settings name it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from t3tray.domain.guard_state import NO_GUARD, GuardPhase, GuardState
from t3tray.errors import T3TrayError
from t3tray.guard.host import GuardHost
from t3tray.guard.service import GuardService
from t3tray.guard.status import GuardStatus, guard_sides, guard_state
from t3tray.messages.bugs import cause_of
from t3tray.messages.trouble import guard_check_failed
from t3tray.t3code.guard_sides import GuardSides
from t3tray.threads.scan import Scan

# In seconds: the tray app's whole shutdown has 5.
_STOP_LIMIT = 3.0
# In seconds: interval of checks for changes without an event: a port that becomes free, a last request that ends.
RETRY = 2.0
_log = logging.getLogger(__name__)


class GuardRunner:
    """One for the tray app's life, in the host's event loop; `close` it before the host. `changed` is called when its status
    changes. What it does not decide itself is asked of its `service`."""

    service: GuardService

    def __init__(self, host: GuardHost, service: GuardService, changed: Callable[[], None]) -> None:
        self._host = host
        self.service = service
        self._changed = changed
        self._alone = asyncio.Lock()
        self._due = asyncio.Event()
        self._trouble = ""
        self._is_leaving = False
        self._status: GuardStatus | None = None

    @property
    def sides(self) -> GuardSides:
        """Which T3 Code goes through the guard, as of the last check."""
        return guard_sides(self._status) if self._status else GuardSides()

    async def run(self) -> None:
        """Keep the guard running or stopped as wanted, until cancelled."""
        while True:
            self._due.clear()
            try:
                if await self.check():
                    self._changed()
            except Exception as bug:
                _log.exception("Unexpected exception while checking the guard: a bug in t3tray.")
                self._trouble = guard_check_failed(cause_of(bug))
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._trouble or self._is_leaving else None):
                    await self._due.wait()

    def request_check(self) -> None:
        """Check again: something changed that the guard may depend on."""
        self._due.set()

    async def check(self) -> bool:
        """Start or stop the guard as wanted; return whether its status changed."""
        async with self._alone:
            before = self._status
            try:
                self._status = await self._check()
            except T3TrayError as error:
                self._log(error.message)
                if before is not None:
                    self._status = replace(before, answers=self.service.listens, trouble=self._trouble)
            return self._status != before

    async def seen(self, scan: Scan) -> tuple[GuardState, frozenset[str]]:
        """Return the guard's state as of the last check, and the threads of this scan that T3 Code cannot silently switch.

        Raises StoreError.
        """
        status = self._status
        if status is None:
            return GuardState(GuardPhase.ALONE, self._trouble) if self._trouble else NO_GUARD, frozenset()
        homes = self.sides.answered
        theirs = {
            thread.id for state in scan.states if state.home.base in homes for thread in state.threads if thread.is_opencode
        }
        return guard_state(status), await self._host.bound_threads() & theirs if theirs else frozenset()

    async def status(self) -> GuardStatus:
        """Return the status after a check."""
        await self.check()
        return self._status or await self.service.status()

    async def protect(self, on: bool, interrupt: bool) -> GuardStatus:
        """Point T3 Code at the guard, or restore its settings. `interrupt`: even while a turn is running there.

        Raises Refused, StoreError with nothing changed.
        """
        if on:
            async with self._alone:
                if not (await self.service.status()).answers:
                    await self.service.start()
                await self.service.protect(interrupt)
        else:
            await self.service.unprotect(interrupt)
            self.request_check()
        status = await self.status()
        self._changed()
        return status

    async def close(self) -> None:
        """Stop the guard. Unfinished changes are written ahead; if time runs out, the next start settles them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_LIMIT):
                await self.service.stop()

    async def _check(self) -> GuardStatus:
        wanted = await self._host.wants_guard()
        status = await self.service.status(with_others=False)
        is_needed = wanted or status.is_pointed_at
        if is_needed and not self.service.serves(status.url):
            await self._begin()
            status = await self.service.status()
        else:
            self._trouble = ""
            if not is_needed and self.service.listens and not self.service.under_way:
                # Not earlier: T3 Code still ends its sessions through the guard.
                await self.service.stop()
                status = await self.service.status(with_others=False)
        if status.is_pointed_at:
            await self.service.make_private()
        self._is_leaving = not is_needed and self.service.listens
        return replace(status, trouble=self._trouble)

    async def _begin(self) -> None:
        try:
            await self.service.start()
            self._trouble = ""
        except T3TrayError as error:
            self._log(error.message)

    def _log(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.warning("The guard is not running here: %s", trouble)
        self._trouble = trouble
