"""What is news to the user: in which threads something happened, and is over, since they last looked.

A thread that is met for the first time counts as looked at. A thread's times are only compared with each other, so that a clock
that is set makes nothing new. It lives in the asyncio thread, and only the tray app has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import chain

from t3tray.store.visits import Visits
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.snapshot import Snapshot, T3Thread, ThreadRow

# Of threads that no source shows any more: a source may be away for a while.
KEPT_OF_GONE = 1000


class Unread:
    """One for the app's life. Every method raises StoreError; what could not be written is tried again with the next."""

    def __init__(self, visits: Visits, run_sql: SqlThread) -> None:
        self._visits = visits
        self._run_sql = run_sql
        self._seen: dict[str, datetime] | None = None
        self._unkept: dict[str, datetime] = {}
        self._gone: set[str] = set()

    async def told(self, overview: Snapshot) -> Snapshot:
        """This overview of everything with its news. `keep` after it."""
        seen = await self._known()
        lines: Iterable[ThreadRow | T3Thread] = chain(overview.rows, overview.foreign)
        news = []
        for line in lines:
            thread = line.thread if isinstance(line, ThreadRow) else line
            at, before = thread.last_activity_at, seen.get(thread.id)
            if before is None or (at < before and line.is_working):
                # What works now counts by the clock as it is now, be it one that was set back.
                self._note(seen, thread.id, at)
            elif at > before and not line.is_working:
                news.append(thread.id)
        if len(seen) > len(overview.rows) + len(overview.foreign) + KEPT_OF_GONE:
            self._forget(seen, overview)
        return replace(overview, news=frozenset(news))

    async def visit(self, thread_id: str, activity_at: datetime) -> None:
        """The user has looked at this thread, whose last activity was then."""
        seen = await self._known()
        before = seen.get(thread_id)
        if before is None or activity_at > before:
            self._note(seen, thread_id, activity_at)
            await self.keep()

    async def keep(self) -> None:
        """Write down what is not yet."""
        kept, gone = dict(self._unkept), frozenset(self._gone)
        if kept or gone:
            await self._run_sql(self._visits.keep, kept, gone)
            self._unkept = {name: at for name, at in self._unkept.items() if kept.get(name) != at}
            self._gone -= gone

    async def _known(self) -> dict[str, datetime]:
        if self._seen is None:
            read = await self._run_sql(self._visits.all)
            # Another call may have read it meanwhile, and gone on from there.
            self._seen = read if self._seen is None else self._seen
        return self._seen

    def _note(self, seen: dict[str, datetime], thread_id: str, at: datetime) -> None:
        seen[thread_id] = self._unkept[thread_id] = at
        self._gone.discard(thread_id)

    def _forget(self, seen: dict[str, datetime], overview: Snapshot) -> None:
        """All but the newest of those that are shown no more."""
        shown = {row.thread.id for row in overview.rows}.union(thread.id for thread in overview.foreign)
        for name in sorted(seen.keys() - shown, key=seen.__getitem__, reverse=True)[KEPT_OF_GONE:]:
            del seen[name]
            self._unkept.pop(name, None)
            self._gone.add(name)
