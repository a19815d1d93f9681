"""Keeping what threads said: after every finished turn of a bound thread its session's new messages go into the archive.

Driven by looks at everything, so what happened while t3tray was away is caught up with. Over its size it lets go of what is no
thread's binding any more, the oldest first, and never of the newest state of a live thread; that is kept again when there is
news, or the thread is live again. It reads OpenCode's database and asks no server. For the thread that runs the SQL.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from t3tray.domain.archived import TranscriptOwner
from t3tray.domain.evidence import Found
from t3tray.domain.thread import Thread
from t3tray.errors import ServerError, Unsupported
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.settings.definitions import Settings
from t3tray.store.archive_migration import ArchiveMigration
from t3tray.store.store import Store
from t3tray.store.transcript_archive import TranscriptArchive
from t3tray.threads.verify import RENEWS, Assessment

# Sessions of one look: the first one at thousands of threads is spread over several, so that nothing waits for it.
AT_ONCE = 20
# In ms. A message may be written to a little after its session's own time has moved (35 ms were seen).
_STILL_MOVING = 60_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArchiveRules:
    """`on`: the user wants it; `cap` in bytes."""

    on: bool
    cap: int

    @classmethod
    def of(cls, settings: Settings) -> ArchiveRules:
        return cls(settings.vault, settings.vault_megabytes * 1_000_000)


class TranscriptArchiver:
    """One for the app's life. `keep` after every look."""

    def __init__(
        self,
        archive: TranscriptArchive,
        migration: ArchiveMigration,
        store: Store,
        database: OpenCodeDatabase,
        rules: ArchiveRules,
        now: Callable[[], datetime],
    ) -> None:
        self.rules = rules
        self._archive = archive
        self._migration = migration
        self._store = store
        self._database = database
        self._now = now
        self._known: dict[str, int] | None = None
        self._replaced = 0
        self._let_go: set[str] = set()
        self._size = 0

    def forget(self) -> None:
        """Others have written into the archive: what is in it is looked at again."""
        self._known = None

    def update(self, assessments: Iterable[Assessment]) -> bool:
        """Keep what is new; True when there is more to be kept at the next look. Raises StoreError."""
        if not self.rules.on:
            return False
        if self._known is None or self._replaced != self._archive.file.replaced:
            states = self._archive.states()
            self._replaced = self._archive.file.replaced
            self._known = {state.owner.session_id: state.updated_ms for state in states}
            self._let_go = {state.owner.session_id for state in states if not state.messages}
            self._size = sum(state.size for state in states)
        due = [found for found in assessments if self._is_due(found, self._known)]
        if not due:
            return False
        try:
            with self._database.reading() as reader:
                for found in due[:AT_ONCE]:
                    self._keep_or_tell(found, reader, self._known)
        except ServerError:
            # The database cannot be read by now: the next look says so, and tries again.
            return False
        self._make_room(self._known)
        return len(due) > AT_ONCE

    def _is_due(self, found: Assessment, known: dict[str, int]) -> bool:
        match found.evidence.session, found.evidence.newest:
            case Found(session), Found(newest):
                settled = found.verdict.reason in RENEWS and found.cursor is not None and newest.finished
                return settled and (known.get(session.id, -1) < session.updated_ms or self._is_back(found.thread, session.id))
        return False

    def _keep_or_tell(self, found: Assessment, reader: DatabaseReader, known: dict[str, int]) -> None:
        """One session that cannot be read keeps no other one from being kept."""
        try:
            self._keep(found, reader, known)
        except Unsupported as error:
            assert isinstance(found.evidence.session, Found)
            facts = found.evidence.session.value
            known[facts.id] = facts.updated_ms  # until there is news in it
            _log.warning("What was said in “%s” (%s) cannot be kept: %s", found.thread.title, facts.id, error.message)

    def _is_back(self, thread: Thread, session_id: str) -> bool:
        """Whether words that were let go of are a live thread's again."""
        return thread.archived_at is None and session_id in self._let_go and session_id in self._live()

    def _keep(self, found: Assessment, reader: DatabaseReader, known: dict[str, int]) -> None:
        session = found.evidence.session
        assert isinstance(session, Found)
        facts = session.value
        bound = self._store.journal.binding(found.thread.id).cursor
        if bound is None or bound.session_id != facts.id:
            known[facts.id] = facts.updated_ms  # no binding of ours: nothing to keep until there is news
            return
        self._migration.bring_over(facts.id)
        before = self._archive.get(facts.id)
        since = max(before.updated_ms - _STILL_MOVING, 0) if before and before.messages else 0
        owner = TranscriptOwner(found.thread.id, facts.id, found.thread.title, found.thread.directory)
        news = reader.messages(facts.id, since)
        now = self._archive.keep(owner, news, _stamp(self._now()), facts.updated_ms, reader.count(facts.id))
        self._size += now.size - (before.size if before else 0)
        self._let_go.discard(facts.id)
        known[facts.id] = facts.updated_ms

    def _make_room(self, known: dict[str, int]) -> None:
        if self._size <= self.rules.cap:
            return
        live = self._live()
        for state in self._archive.states():
            owner = state.owner
            if self._size <= self.rules.cap or not state.messages or owner.session_id in live:
                continue
            if self._migration.has_files(owner.session_id):
                continue  # it is in an earlier version's files still: nothing would be gained
            self._archive.let_go(owner.session_id)
            self._let_go.add(owner.session_id)
            known[owner.session_id] = state.updated_ms
            self._size -= state.size
            _log.warning("The archive is full: what was kept of “%s” (%s) was let go.", owner.title, owner.session_id)

    def _live(self) -> frozenset[str]:
        """The sessions that threads which are not archived are bound to."""
        closed = {thread.id for thread in self._store.threads.all() if thread.archived_at is not None}
        cursors = self._store.journal.cursors()
        return frozenset(cursor.session_id for name, cursor in cursors.items() if name not in closed)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
