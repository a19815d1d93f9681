"""Copies of the threads' messages outside OpenCode: our archive, and T3 Code's own copy. It changes no binding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from t3tray.conversation.archive import ArchiveRules, TranscriptArchiver
from t3tray.domain.archived import ArchivedTranscript, ArchiveReport, OldFilesReport
from t3tray.domain.transcript import Transcript
from t3tray.errors import StoreError
from t3tray.messages.trouble import not_archived
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.store.archive_file import ArchiveFile
from t3tray.store.archive_migration import ArchiveMigration
from t3tray.store.archive_salvage import salvage
from t3tray.store.store import Store
from t3tray.store.transcript_archive import TranscriptArchive
from t3tray.store.vault_files import VaultFiles
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.scan import Scan, Scanner

# Messages of earlier versions' files that are brought over after a look: half a second's work.
_AT_ONCE = 2_000


class Archive:
    """Lives on the event loop. Whatever takes long for a large archive runs in a thread of its own."""

    def __init__(
        self,
        data: Path,
        store: Store,
        database: OpenCodeDatabase,
        scanner: Scanner,
        rules: ArchiveRules,
        run_sql: SqlThread,
        now: Callable[[], datetime],
    ) -> None:
        self._transcripts = TranscriptArchive(ArchiveFile(data, now, salvage))
        self._files = VaultFiles(data / "vault")
        self._migration = ArchiveMigration(self._files, self._transcripts)
        self._archiver = TranscriptArchiver(self._transcripts, self._migration, store, database, rules, now)
        self._scanner = scanner
        self._run_sql = run_sql
        self._run = SqlThread("t3tray-archive")
        self._trouble: tuple[str, ...] = ()

    @property
    def trouble(self) -> tuple[str, ...]:
        """Sentences to be shown with the list: why nothing can be archived now, and what was repaired."""
        return (*self._transcripts.file.notices, *self._trouble)

    def follow(self, rules: ArchiveRules) -> None:
        """Apply these rules from now on."""
        self._archiver.rules = rules

    async def update(self, scan: Scan) -> bool:
        """Archive what is new; return whether there is more. A failure becomes part of `trouble`."""
        try:
            more = await self._run_sql(self._archiver.update, scan.assessments)
            brought, is_more_to_bring = await self._run(self._migration.bring_over_some, _AT_ONCE)
        except StoreError as error:
            self._trouble = (not_archived(error.message),)
            return False
        self._trouble = ()
        if brought:
            self._archiver.forget()
        return more or is_more_to_bring

    async def transcripts(self) -> tuple[ArchivedTranscript, ...]:
        """Return all archived transcripts, the newest first, damaged ones too. Raises StoreError."""
        return await self._run(self._checked)

    async def size(self) -> int:
        """Return the size of the archive in bytes. Raises StoreError."""
        return await self._run(lambda: sum(state.size for state in self._transcripts.states()) + self._files.size())

    async def words(self, session_id: str) -> Transcript | None:
        """Return the archived transcript of a session. Raises StoreError."""
        return await self._run(self._words, session_id)

    async def report(self) -> ArchiveReport:
        """Return the state of the archive as a whole. Raises StoreError."""
        return await self._run(self._transcripts.report)

    async def old_files(self) -> OldFilesReport:
        """Return how far the files of earlier versions have been migrated. Raises StoreError."""
        return await self._run(self._migration.report)

    async def migrate(self, removes: bool) -> OldFilesReport:
        """Migrate all of them now, and read all back; `removes`: delete the files that are equal. Raises StoreError."""
        return await self._run(self._migration.read_back, removes)

    def copies(self, thread_id: str, session_id: str | None) -> Iterator[Transcript]:
        """Yield the copies of a thread's messages outside OpenCode, the best first. For the SQL's thread."""
        if session_id and (kept := self._words(session_id)):
            yield kept
        if theirs := self._scanner.t3_transcript(thread_id):
            yield theirs

    async def close(self) -> None:
        await self._run(self._transcripts.close)
        self._run.close()

    def _checked(self) -> tuple[ArchivedTranscript, ...]:
        pending = [old.archived for old in self._migration.pending()]
        names = {old.owner.session_id for old in pending}
        found = [*pending, *(state for state in self._transcripts.checked() if state.owner.session_id not in names)]
        there = (state for state in found if state.messages or state.lost)
        return tuple(sorted(there, key=lambda state: state.taken_at, reverse=True))

    def _words(self, session_id: str) -> Transcript | None:
        try:
            self._migration.bring_over(session_id)
            found = self._transcripts.transcript(session_id)
        except StoreError:
            if found := self._migration.transcript(session_id):
                return found
            raise
        return found or self._migration.transcript(session_id)
