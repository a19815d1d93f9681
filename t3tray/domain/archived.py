"""Values of the archive: its transcripts, its damaged messages, and the migration of files of earlier versions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TranscriptOwner:
    """Thread and session that an archived transcript belongs to, as of its last update."""

    thread_id: str
    session_id: str
    title: str
    directory: str


@dataclass(frozen=True)
class LostMessages:
    """Consecutive messages whose stored bytes are damaged. If unknown, the ids are empty and `count` is 0."""

    count: int
    first_id: str = ""
    last_id: str = ""


@dataclass(frozen=True)
class ArchivedTranscript:
    """One session's archived transcript, without its messages.

    `taken_at`: last update (ISO-8601, empty if unknown). `updated_ms`: OpenCode's time of the session's last change that is
    included. `in_session`: messages that the session had then; the archive may hold more, which were reverted since. `size`:
    compressed bytes. `messages` is 0 for a transcript that was dropped over the size limit.
    """

    owner: TranscriptOwner
    taken_at: str
    updated_ms: int
    in_session: int
    messages: int
    size: int
    lost: tuple[LostMessages, ...] = ()


@dataclass(frozen=True)
class ArchiveReport:
    """The archive as a whole. `size` is the file's, in bytes. `set_aside` are the paths of damaged files that were replaced."""

    path: str
    transcripts: int
    messages: int
    size: int
    set_aside: tuple[str, ...]


@dataclass(frozen=True)
class OldFilesReport:
    """How much of the files of earlier versions was read back from the archive and found equal.

    `pending`: transcripts not migrated yet. `unread`: for each folder that stays because something in it is unreadable or
    differs, its path and sentences. `removed`: folders removed by this call.
    """

    folder: str
    transcripts: int = 0
    messages: int = 0
    size: int = 0
    pending: int = 0
    unread: tuple[tuple[str, tuple[str, ...]], ...] = ()
    removed: int = 0
