"""Unread threads: those with activity that is over and newer than the user's last visit.

A thread that is seen for the first time counts as visited. Only the times of one thread are compared, so setting the clock makes
nothing unread. Used by the tray app only. Runs in the SQL thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from t3tray.domain.t3code_thread import T3Thread
from t3tray.store.visits import Visits
from t3tray.threads.snapshot import ThreadRow, changed_names
from t3tray.threads.snapshot_rows import SnapshotRows

# How many threads that no source shows any more keep their visit: a source may be away for a while.
KEPT_OF_GONE = 1000


class Unread:
    """Keeps the visits and derives the unread threads. One for the app's life. Every method raises StoreError; what could not
    be written is written with the next call of `save`."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._seen: dict[str, datetime] | None = None
        self._unsaved: dict[str, datetime] = {}
        self._gone: set[str] = set()
        self._lines: Mapping[str, ThreadRow | T3Thread] = {}
        self._visited: set[str] = set()
        self._unread: frozenset[str] = frozenset()

    def update(self, rows: SnapshotRows) -> frozenset[str]:
        """Return the ids of the unread threads among all rows. Call `save` afterwards.

        Only rows that are other objects than at the last call, and threads visited since, are compared.
        """
        seen = self._known()
        lines = rows.lines
        changed = changed_names(self._lines, lines) | self._visited
        news = {name for name in changed if name in lines and self._is_news(seen, lines[name])}
        if len(seen) > len(lines) + KEPT_OF_GONE:
            self._forget(seen, lines)
        self._lines, self._visited, self._unread = lines, set(), self._unread - changed | news
        return self._unread

    def _is_news(self, seen: dict[str, datetime], line: ThreadRow | T3Thread) -> bool:
        thread = line.thread if isinstance(line, ThreadRow) else line
        at, before = thread.last_activity_at, seen.get(thread.id)
        if before is None or (at < before and line.is_working):
            # Activity at work is recorded by the clock as it is now, even if that was set back.
            self._note(seen, thread.id, at)
            return False
        return at > before and not line.is_working

    def visit(self, thread_id: str, activity_at: datetime) -> None:
        """Record that the user has seen this thread, up to this time of its last activity."""
        seen = self._known()
        before = seen.get(thread_id)
        if before is None or activity_at > before:
            self._note(seen, thread_id, activity_at)
            self._visited.add(thread_id)
            self.save()

    @property
    def has_unsaved(self) -> bool:
        """Whether there are changes that `save` would write."""
        return bool(self._unsaved or self._gone)

    def save(self) -> None:
        """Write what has changed since the last call."""
        if self.has_unsaved:
            self._visits.save(self._unsaved, self._gone)
            self._unsaved, self._gone = {}, set()

    def _known(self) -> dict[str, datetime]:
        if self._seen is None:
            self._seen = self._visits.all()
        return self._seen

    def _note(self, seen: dict[str, datetime], thread_id: str, at: datetime) -> None:
        seen[thread_id] = self._unsaved[thread_id] = at
        self._gone.discard(thread_id)

    def _forget(self, seen: dict[str, datetime], lines: Mapping[str, object]) -> None:
        """Forget all but the newest `KEPT_OF_GONE` visits of threads that are no longer shown."""
        for name in sorted(seen.keys() - lines.keys(), key=seen.__getitem__, reverse=True)[KEPT_OF_GONE:]:
            del seen[name]
            self._unsaved.pop(name, None)
            self._gone.add(name)
