"""Full-text search: which threads contain a text, in OpenCode's sessions or in T3 Code's own copy.

Reads the other programs' files in short slices, so that no writer waits for it. Keeps no index.
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

# In rows of OpenCode's table of message parts; each slice takes some 50 ms.
SLICE = 20_000
# In seconds: the search ends then with what it has found.
LIMIT = 5.0


class TextSearch:
    """Runs on the event loop and reads in a worker thread. A new search ends the one before."""

    def __init__(self, database: OpenCodeDatabase, readers: Iterable[T3Reader]) -> None:
        self._database = database
        self.readers = tuple(readers)
        self._newest = threading.Event()

    async def find(self, text: str, sessions: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the threads whose conversation contains `text`, ignoring the case of Latin letters.

        `sessions` maps session ids to thread ids. What cannot be read counts as not matching. A search that is ended by a newer
        one or by the time limit returns what it has found so far, newest messages first.
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
                    holding, below = database.roots_saying(text, below, SLICE)
                found |= {sessions[session] for session in holding if session in sessions}
                if below is None:
                    break
        except ServerError:
            pass  # no OpenCode, or an unknown schema
        return frozenset(found)


def threads_by_session(rows: Iterable[ThreadRow]) -> dict[str, str]:
    """Return the threads' ids by the sessions that serve or served them."""
    return {session_id: row.thread.id for row in rows for session_id in sessions_of(row)}


def sessions_of(row: ThreadRow) -> set[str]:
    """Return every session that serves or served a thread."""
    return {served.session_id for served in row.served} | ({row.session_id} if row.session_id else set())
