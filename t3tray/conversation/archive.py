"""Archive transcripts: after each finished turn of a bound thread its session's new messages are stored in our own archive.

It is driven by full scans, so it catches up with what happened while t3tray did not run. Above its size limit it drops the
transcripts that are no thread's binding any more, oldest first, and never the current binding of a live thread; a dropped one is
archived again when it changes or its thread is live again. It reads OpenCode's database and asks no server. Runs in the SQL
thread.
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

# Sessions per call: a first scan of thousands of threads is spread over several calls, so that nothing waits for it.
AT_ONCE = 20
# In ms. A message may still be written to shortly after its session's own time has moved (35 ms were measured).
_STILL_MOVING = 60_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArchiveRules:
    """The archive's settings. `cap` is its size limit in bytes."""

    on: bool
    cap: int

    @classmethod
    def of(cls, settings: Settings) -> ArchiveRules:
        return cls(settings.vault, settings.vault_megabytes * 1_000_000)


class TranscriptArchiver:
    """Archives what is new. Call `update` after each scan. One for the app's life."""

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
        self._archived_ms: dict[str, int] | None = None
        self._replaced = 0
        self._dropped: set[str] = set()
        self._size = 0

    def forget(self) -> None:
        """Read the archive's state again at the next call: another process has written to it."""
        self._archived_ms = None

    def update(self, assessments: Iterable[Assessment]) -> bool:
        """Archive what is new, `AT_ONCE` sessions at most. Returns True if more is due. Raises StoreError."""
        if not self.rules.on:
            return False
        if self._archived_ms is None or self._replaced != self._archive.file.replaced:
            states = self._archive.states()
            self._replaced = self._archive.file.replaced
            self._archived_ms = {state.owner.session_id: state.updated_ms for state in states}
            self._dropped = {state.owner.session_id for state in states if not state.messages}
            self._size = sum(state.size for state in states)
        due = [found for found in assessments if self._is_due(found, self._archived_ms)]
        if not due:
            return False
        try:
            with self._database.reading() as reader:
                for found in due[:AT_ONCE]:
                    self._store_or_log(found, reader, self._archived_ms)
        except ServerError:
            # The database cannot be read just now: the next scan reports that, and tries again.
            return False
        self._make_room(self._archived_ms)
        return len(due) > AT_ONCE

    def _is_due(self, found: Assessment, known: dict[str, int]) -> bool:
        match found.evidence.session, found.evidence.newest:
            case Found(session), Found(newest):
                is_settled = found.verdict.reason in RENEWS and found.cursor is not None and newest.finished
                is_newer = known.get(session.id, -1) < session.updated_ms
                return is_settled and (is_newer or self._is_live_again(found.thread, session.id))
        return False

    def _store_or_log(self, found: Assessment, reader: DatabaseReader, known: dict[str, int]) -> None:
        """Archive one session. A format that is not supported is logged, and does not stop the others."""
        try:
            self._store_session(found, reader, known)
        except Unsupported as error:
            assert isinstance(found.evidence.session, Found)
            facts = found.evidence.session.value
            known[facts.id] = facts.updated_ms  # not tried again before it changes
            _log.warning("Session %s of thread %s cannot be archived: %s", facts.id, found.thread.id, error.message)

    def _is_live_again(self, thread: Thread, session_id: str) -> bool:
        """Whether a transcript that was dropped belongs to a live thread again."""
        return thread.archived_at is None and session_id in self._dropped and session_id in self._live()

    def _store_session(self, found: Assessment, reader: DatabaseReader, known: dict[str, int]) -> None:
        session = found.evidence.session
        assert isinstance(session, Found)
        facts = session.value
        bound = self._store.journal.binding(found.thread.id).cursor
        if bound is None or bound.session_id != facts.id:
            known[facts.id] = facts.updated_ms  # not bound here: nothing to archive before it changes
            return
        self._migration.bring_over(facts.id)
        before = self._archive.get(facts.id)
        since = max(before.updated_ms - _STILL_MOVING, 0) if before and before.messages else 0
        owner = TranscriptOwner(found.thread.id, facts.id, found.thread.title, found.thread.directory)
        added = reader.messages(facts.id, since)
        now = self._archive.add(owner, added, _stamp(self._now()), facts.updated_ms, reader.count(facts.id))
        self._size += now.size - (before.size if before else 0)
        self._dropped.discard(facts.id)
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
                continue  # its messages are still in files of an earlier version: dropping it would free nothing
            self._archive.let_go(owner.session_id)
            self._dropped.add(owner.session_id)
            known[owner.session_id] = state.updated_ms
            self._size -= state.size
            _log.warning("The archive is full: session %s of thread %s was removed.", owner.session_id, owner.thread_id)

    def _live(self) -> frozenset[str]:
        """Return the sessions that threads which are not archived are bound to."""
        closed = {thread.id for thread in self._store.threads.all() if thread.archived_at is not None}
        cursors = self._store.journal.cursors()
        return frozenset(cursor.session_id for name, cursor in cursors.items() if name not in closed)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
