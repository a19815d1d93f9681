"""What is published when reading fails: the last snapshot that could be read, with the reason; and failures beside a good one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from t3tray.domain.server import ServerStatus
from t3tray.errors import T3TrayError
from t3tray.messages.bugs import cause_of
from t3tray.messages.trouble import failed, list_unread, list_unread_by_bug, shown_as_before
from t3tray.threads.snapshot import Snapshot

T = TypeVar("T")
_log = logging.getLogger(__name__)


class LastSnapshot:
    """One for the app's life. `has_failed`: the last reading did. `trouble` are sentences on what failed beside the reading, and
    has not worked since; `others` returns those on background tasks."""

    def __init__(self, now: Callable[[], datetime], banner: str, others: Callable[[], tuple[str, ...]]) -> None:
        self._now = now
        self._banner = banner
        self._others = others
        self.has_failed = False
        self._last: tuple[Snapshot, datetime] | None = None
        self._beside: dict[str, str] = {}

    @property
    def last(self) -> Snapshot | None:
        """The last snapshot that could be read."""
        return self._last[0] if self._last else None

    @property
    def trouble(self) -> tuple[str, ...]:
        return (*self._beside.values(), *self._others())

    def succeeded(self, snapshot: Snapshot) -> None:
        """Take a snapshot that could be read."""
        self._last = snapshot, self._now()
        self.has_failed = False

    def failed(self, server: ServerStatus, error: Exception, with_rows: bool = True) -> Snapshot:
        """Return what to show after a reading that failed: the last good rows, and why they are not newer.

        `with_rows`: False if the rows are what cannot be shown.
        """
        self.has_failed = True
        if isinstance(error, T3TrayError):
            _log.warning("The threads could not be read: %s", error.message)
            said = list_unread(error.message)
        else:
            _log.error("The threads could not be read: a bug in t3tray.", exc_info=error)
            said = list_unread_by_bug(cause_of(error))
        if self._last is None:
            return Snapshot(server, warnings=(said, *self.trouble), banner=self._banner)
        last, at = self._last
        if not with_rows:
            return replace(last, server=server, warnings=(said, *self.trouble), rows=(), foreign=())
        said = shown_as_before(said, f"{at.astimezone():%H:%M}")
        return replace(last, server=server, warnings=(said, *self.trouble), stale_since=at)

    async def beside(self, what: str, work: Awaitable[T], otherwise: T) -> T:
        """Return the result of work beside the reading; `otherwise` if it fails, and `what` becomes part of `trouble`."""
        try:
            done = await work
        except Exception as error:
            self._note(what, error)
            return otherwise
        self._beside.pop(what, None)
        return done

    def attempt(self, what: str, work: Callable[[], T], otherwise: T) -> T:
        """The same for work that is no coroutine, in any thread."""
        try:
            done = work()
        except Exception as error:
            self._note(what, error)
            return otherwise
        self._beside.pop(what, None)
        return done

    def _note(self, what: str, error: Exception) -> None:
        sentence = failed(what, cause_of(error))
        if self._beside.get(what) != sentence:
            _log.error("%s", sentence, exc_info=None if isinstance(error, T3TrayError) else error)
        self._beside[what] = sentence
