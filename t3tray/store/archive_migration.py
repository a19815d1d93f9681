"""Imports the files of earlier versions (`vault/`) into `archive.sqlite`, transcript by transcript.

The files are only read, so that an older version can still use them. They are removed only on the user's request, and only those
that were read back from the archive equal. Every step can be repeated: after a kill, and when an older version wrote meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from t3tray.domain.archived import OldFilesReport
from t3tray.domain.transcript import Origin, Transcript
from t3tray.errors import StoreError
from t3tray.messages.data_file import OVER_LIMIT, not_read_back
from t3tray.store.transcript_archive import TranscriptArchive
from t3tray.store.vault_files import OldTranscript, VaultFiles


@dataclass(frozen=True)
class _Noted:
    """Result of the last comparison of a transcript's files; `size` in bytes of JSON, `unread` as sentences."""

    fingerprint: str
    messages: int
    size: int
    unread: tuple[str, ...]


class ArchiveMigration:
    """Import of all old files, for any thread. Every method raises StoreError where the archive cannot be used."""

    def __init__(self, files: VaultFiles, archive: TranscriptArchive) -> None:
        self._files = files
        self._archive = archive
        self._over: set[str] = set()
        self._is_done = False
        self._unreadable: dict[str, str] = {}

    def has_files(self, session_id: str) -> bool:
        return self._files.fingerprint(session_id) is not None

    def bring_over(self, session_id: str) -> bool:
        """Import this session's files unless done; once per process. Return whether they were imported now."""
        if session_id in self._over:
            return False
        fingerprint = self._files.fingerprint(session_id)
        noted = self._noted(session_id) if fingerprint else None
        is_new = fingerprint is not None and (noted is None or noted.fingerprint != fingerprint)
        if is_new and fingerprint:
            self._read_over(session_id, fingerprint)
        self._over.add(session_id)
        return is_new

    def bring_over_some(self, most: int) -> tuple[bool, bool]:
        """Import further sessions until `most` messages were imported. Return whether any was, and whether more are left."""
        brought = 0
        if self._is_done:
            return False, False
        for session_id in self._files.sessions():
            if brought >= most:
                return True, True
            if self.bring_over(session_id):
                found = self._noted(session_id)
                brought += max(found.messages if found else 0, 1)
        self._is_done = True
        return brought > 0, False

    def transcript(self, session_id: str) -> Transcript | None:
        """Return the transcript from the old files, for use while the archive cannot be written."""
        old = self._files.read(session_id)
        if old is None or not (old.messages or old.damage):
            return None
        taken_at = datetime.fromisoformat(old.archived.taken_at) if old.archived.taken_at else None
        return Transcript(Origin.VAULT, old.messages, session_id, old.damage, taken_at)

    def pending(self) -> tuple[OldTranscript, ...]:
        """Return the transcripts that are not imported yet."""
        return tuple(old for name in self._files.sessions() if not self._is_over(name) and (old := self._files.read(name)))

    def report(self) -> OldFilesReport:
        """Return the progress of the import, without reading the files again."""
        report = OldFilesReport(str(self._files.folder))
        for session_id in self._files.sessions():
            report = self._with(report, session_id)
        return report

    def read_back(self, removes: bool) -> OldFilesReport:
        """Import everything and compare it with the files again; with `removes`, remove the files that are equal."""
        removed = OldFilesReport(str(self._files.folder))
        left = self._files.sessions()
        self._over.clear()
        for session_id in left:
            fingerprint = self._files.fingerprint(session_id)
            noted = self._read_over(session_id, fingerprint) if fingerprint else None
            if removes and noted and fingerprint and not noted.unread and self._files.remove(session_id, fingerprint):
                self._forget(session_id)
                removed = replace(
                    removed,
                    transcripts=removed.transcripts + 1,
                    messages=removed.messages + noted.messages,
                    size=removed.size + noted.size,
                    removed=removed.removed + 1,
                )
        if removes:
            self._files.clear_removed()
        for session_id in self._files.sessions():
            removed = self._with(removed, session_id)
        return removed

    def _with(self, report: OldFilesReport, session_id: str) -> OldFilesReport:
        noted = self._noted(session_id)
        unread = (self._unreadable[session_id],) if session_id in self._unreadable else noted.unread if noted else ()
        if unread:
            return replace(report, unread=(*report.unread, (str(self._files.place(session_id)), unread)))
        if noted is None or not self._is_over(session_id):
            return replace(report, pending=report.pending + 1)
        return replace(
            report,
            transcripts=report.transcripts + 1,
            messages=report.messages + noted.messages,
            size=report.size + noted.size,
        )

    def _is_over(self, session_id: str) -> bool:
        noted = self._noted(session_id)
        return noted is not None and noted.fingerprint == self._files.fingerprint(session_id)

    def _read_over(self, session_id: str, fingerprint: str) -> _Noted | None:
        try:
            old = self._files.read(session_id)
        except StoreError as error:
            self._unreadable[session_id] = error.message
            return None
        if old is None:
            return None
        self._unreadable.pop(session_id, None)
        self._archive.bring_in(old.archived, old.messages)
        unread = (*old.damage, *self._differences(old))
        noted = _Noted(fingerprint, len(old.messages), sum(len(msgspec.json.encode(message)) for message in old.messages), unread)
        self._note(session_id, noted)
        return noted

    def _differences(self, old: OldTranscript) -> tuple[str, ...]:
        """Return sentences on messages of the files that are missing or different in the archive, compared byte by byte.

        Messages that the session changed later are no difference.
        """
        if not old.messages:
            return ()
        session_id = old.archived.owner.session_id
        back, state = self._archive.transcript(session_id), self._archive.get(session_id)
        if back is None or state is None:
            return (OVER_LIMIT,)
        there = {message.id: msgspec.json.encode(message) for message in back.messages}
        is_later = state.updated_ms > old.archived.updated_ms
        missing = [message.id for message in old.messages if message.id not in there]
        other = [each.id for each in old.messages if each.id in there and there[each.id] != msgspec.json.encode(each)]
        found = [*missing, *(() if is_later else other)]
        return (not_read_back(len(found), found[0]),) if found else ()

    def _noted(self, session_id: str) -> _Noted | None:
        def work(connection: Connection, _: bool) -> _Noted | None:
            row = connection.exec_driver_sql(
                "SELECT fingerprint, messages, size, unread FROM old_files WHERE session_id = ?", (session_id,)
            ).one_or_none()
            if row is None:
                return None
            fingerprint, messages, size, unread = row
            return _Noted(fingerprint, messages, size, tuple(filter(None, unread.split("\n"))))

        return self._archive.file.read(work, None)

    def _note(self, session_id: str, noted: _Noted) -> None:
        def work(connection: Connection, _: bool) -> None:
            connection.exec_driver_sql(
                "INSERT OR REPLACE INTO old_files VALUES (?, ?, ?, ?, ?)",
                (session_id, noted.fingerprint, noted.messages, noted.size, "\n".join(noted.unread)),
            )

        self._archive.file.write(work)

    def _forget(self, session_id: str) -> None:
        def work(connection: Connection, _: bool) -> None:
            connection.exec_driver_sql("DELETE FROM old_files WHERE session_id = ?", (session_id,))

        self._archive.file.write(work)
