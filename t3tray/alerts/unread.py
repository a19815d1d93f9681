"""What is news to the user: in which threads something happened, and is over, since they last looked.

A thread that is met for the first time counts as looked at. A thread's times are only compared with each other, so that a clock
that is set makes nothing new. Only the tray app has it. It lives in the thread that runs the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from t3tray.domain.t3code_thread import T3Thread
from t3tray.store.visits import Visits
from t3tray.threads.snapshot import ThreadRow, changed_names
from t3tray.threads.snapshot_rows import SnapshotRows

# Of threads that no source shows any more: a source may be away for a while.
KEPT_OF_GONE = 1000


class Unread:
    """One for the app's life. Every method raises StoreError; what could not be written is tried again with the next."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._seen: dict[str, datetime] | None = None
        self._unkept: dict[str, datetime] = {}
        self._gone: set[str] = set()
        self._lines: Mapping[str, ThreadRow | T3Thread] = {}
        self._visited: set[str] = set()
        self._told: frozenset[str] = frozenset()

    def update(self, rows: SnapshotRows) -> frozenset[str]:
        """The ids of those of all threads that have news. `keep` after it. Only what is another row than the last time, or was
        looked at since, is compared."""
        seen = self._known()
        lines = rows.lines
        changed = changed_names(self._lines, lines) | self._visited
        news = {name for name in changed if name in lines and self._is_news(seen, lines[name])}
        if len(seen) > len(lines) + KEPT_OF_GONE:
            self._forget(seen, lines)
        self._lines, self._visited, self._told = lines, set(), self._told - changed | news
        return self._told

    def _is_news(self, seen: dict[str, datetime], line: ThreadRow | T3Thread) -> bool:
        thread = line.thread if isinstance(line, ThreadRow) else line
        at, before = thread.last_activity_at, seen.get(thread.id)
        if before is None or (at < before and line.is_working):
            # What works now counts by the clock as it is now, be it one that was set back.
            self._note(seen, thread.id, at)
            return False
        return at > before and not line.is_working

    def visit(self, thread_id: str, activity_at: datetime) -> None:
        """The user has looked at this thread, whose last activity was then."""
        seen = self._known()
        before = seen.get(thread_id)
        if before is None or activity_at > before:
            self._note(seen, thread_id, activity_at)
            self._visited.add(thread_id)
            self.save()

    @property
    def has_unsaved(self) -> bool:
        """Whether there is something to write down."""
        return bool(self._unkept or self._gone)

    def save(self) -> None:
        """Write down what is not yet."""
        if self.has_unsaved:
            self._visits.keep(self._unkept, self._gone)
            self._unkept, self._gone = {}, set()

    def _known(self) -> dict[str, datetime]:
        if self._seen is None:
            self._seen = self._visits.all()
        return self._seen

    def _note(self, seen: dict[str, datetime], thread_id: str, at: datetime) -> None:
        seen[thread_id] = self._unkept[thread_id] = at
        self._gone.discard(thread_id)

    def _forget(self, seen: dict[str, datetime], lines: Mapping[str, object]) -> None:
        """All but the newest of those that are shown no more."""
        for name in sorted(seen.keys() - lines.keys(), key=seen.__getitem__, reverse=True)[KEPT_OF_GONE:]:
            del seen[name]
            self._unkept.pop(name, None)
            self._gone.add(name)
