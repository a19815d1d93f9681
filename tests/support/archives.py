"""An archive, and messages for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from t3tray.domain.archived import TranscriptOwner
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.store.archive_file import ArchiveFile
from t3tray.store.archive_salvage import salvage
from t3tray.store.transcript_archive import TranscriptArchive

OWNER = TranscriptOwner("thread-1", "ses_1", "A thread", "/work")
OTHER = TranscriptOwner("thread-2", "ses_2", "Another", "/work")
AT = "2026-11-24T12:00:00.000+00:00"


def archive_in(folder: Path) -> TranscriptArchive:
    """Open the archive of a data folder."""
    return TranscriptArchive(ArchiveFile(folder, lambda: datetime(2026, 11, 24, 12, tzinfo=UTC), salvage))


def said(number: int, words: str = "") -> Message:
    role = Role.ASSISTANT if number % 2 else Role.USER
    text = words or f"words of message {number}"
    tool = ToolCall("bash", "completed", "list", '{"command":"ls"}', "a\nb")
    pieces = (Piece(f"prt_{number}", PieceKind.TEXT, text), Piece(f"prt_{number}t", PieceKind.TOOL, tool=tool))
    return Message(f"msg_{number:06}", role, 1_000 + number, text, (tool,), ("a.png",), model="m", pieces=pieces)


def conversation(count: int, first: int = 0) -> tuple[Message, ...]:
    return tuple(said(number) for number in range(first, first + count))


def keep(archive: TranscriptArchive, news: Sequence[Message], total: int, owner: TranscriptOwner = OWNER) -> None:
    archive.add(owner, news, AT, 1_000 + total, total)


def words(archive: TranscriptArchive, session: str = "ses_1") -> tuple[Message, ...]:
    transcript = archive.transcript(session)
    assert transcript is not None
    return transcript.messages
