"""Which threads hold a text somewhere in their conversation: what was said in OpenCode's sessions, and in T3 Code's own copy.

It reads the others' files in short slices, so that no writer waits for it, and remembers nothing.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Mapping

from t3tray.errors import ServerError
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.state import T3Reader
from t3tray.threads.snapshot import ThreadRow

# In rows of OpenCode's table of message parts: some 50 ms each.
_SLICE = 20_000
# In seconds: what was found by then is told.
LIMIT = 5.0


class TextSearch:
    """Lives on the event loop, reads in a worker thread. Only the newest search goes on."""

    def __init__(self, database: OpenCodeDatabase, readers: Iterable[T3Reader]) -> None:
        self._database = database
        self.readers = tuple(readers)
        self._newest = threading.Event()

    async def find(self, text: str, sessions: Mapping[str, str]) -> frozenset[str]:
        """The ids of the threads whose conversation holds `text`, whatever the case of its Latin letters.

        `sessions` are the threads' ids by session. What cannot be read holds nothing. A search that a newer one ends, or that
        takes too long, tells what it found so far: the newest messages come first.
        """
        self._newest.set()
        stop = self._newest = threading.Event()
        try:
            return await asyncio.to_thread(self._find, text, sessions, stop)
        finally:
            stop.set()

    def _find(self, text: str, sessions: Mapping[str, str], stop: threading.Event) -> frozenset[str]:
        deadline = time.monotonic() + LIMIT
        found = {thread for reader in self.readers if not stop.is_set() for thread in reader.threads_saying(text)}
        below: int | None = None
        try:
            while not stop.is_set() and time.monotonic() < deadline:
                with self._database.reading() as database:
                    said_in, below = database.roots_saying(text, below, _SLICE)
                found |= {sessions[session] for session in said_in if session in sessions}
                if below is None:
                    break
        except ServerError:
            pass  # no OpenCode, or a form of it that is not known
        return frozenset(found)


def threads_by_session(rows: Iterable[ThreadRow]) -> dict[str, str]:
    """The threads' ids by the sessions that serve them or served them."""
    return {session_id: row.thread.id for row in rows for session_id in sessions_of(row)}


def sessions_of(row: ThreadRow) -> set[str]:
    """Every session that serves a thread or served it."""
    return {served.session_id for served in row.served} | ({row.session_id} if row.session_id else set())
