"""The archive's files from before `archive.sqlite`, read only, so that an older version of t3tray can still use them.

One folder for each session, with chunks of messages (JSON, compressed, named by their SHA-256) and `state`, which lists them in
order. All checksums are verified. A damaged chunk is reported and the rest is read; a damaged or lost state is rebuilt from the
chunks.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from t3tray.domain.archived import ArchivedTranscript, LostMessages, TranscriptOwner
from t3tray.domain.redaction import concealed, may_hold_password
from t3tray.domain.transcript import Message
from t3tray.messages.archive import damage_sentences
from t3tray.messages.data_file import PARTS_REBUILT
from t3tray.store.errors import translated
from t3tray.store.files import alone

_STATE = "state"
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,120}")
_HASH = re.compile(r"[0-9a-f]{64}")


class _Damaged(Exception):
    """Raised when a checksum or encoding is wrong."""


@dataclass(frozen=True)
class _Chunk:
    hash: str
    count: int
    first_id: str
    last_id: str
    first_ms: int


@dataclass(frozen=True)
class _State:
    about: TranscriptOwner
    taken_at: str
    updated_ms: int
    in_session: int
    chunks: tuple[_Chunk, ...] = ()


@dataclass(frozen=True)
class OldTranscript:
    """Contents of one session's folder. `has_state` is false where the state had to be rebuilt."""

    archived: ArchivedTranscript
    messages: tuple[Message, ...]
    has_state: bool = True

    @property
    def damage(self) -> tuple[str, ...]:
        return (*(() if self.has_state else (PARTS_REBUILT,)), *damage_sentences(self.archived.lost))


class VaultFiles:
    """The session folders of one vault folder. Every method raises StoreError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._removed = folder.with_name(f"{folder.name}.removed")

    def sessions(self) -> tuple[str, ...]:
        """Return the sessions that have a folder, sorted."""
        with translated():
            if not self.folder.is_dir():
                return ()
            return tuple(sorted(path.name for path in self.folder.iterdir() if _SESSION.fullmatch(path.name) and _holds(path)))

    def size(self) -> int:
        """Return the size of all files in bytes."""
        with translated():
            files = (path for name in self.sessions() for path in self.place(name).iterdir())
            return sum(path.stat().st_size for path in files)

    def place(self, session_id: str) -> Path:
        return self.folder / session_id

    def fingerprint(self, session_id: str) -> str | None:
        """Return a value that changes with each change of this session's files; None where it has none."""
        if not _SESSION.fullmatch(session_id):
            return None
        folder = self.place(session_id)
        with translated():
            if not folder.is_dir() or not _holds(folder):
                return None
            state = folder / _STATE
            seen = hashlib.sha256(state.read_bytes() if state.is_file() else b"")
            seen.update("\n".join(path.name for path in _chunk_files(folder)).encode())
            return seen.hexdigest()

    def read(self, session_id: str) -> OldTranscript | None:
        """Return the whole transcript; None where there is none."""
        if self.fingerprint(session_id) is None:
            return None
        # A running older version removes chunks that it has replaced: without the lock they could seem damaged.
        with translated(), alone(self.folder):
            return _read(self.place(session_id))

    def remove(self, session_id: str, fingerprint: str) -> bool:
        """Remove this session's folder completely or not at all, by renaming it first. Return False when it has changed."""
        with translated(), alone(self.folder):
            if self.fingerprint(session_id) != fingerprint:
                return False
            self._removed.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(self._removed / session_id, ignore_errors=True)
            self.place(session_id).rename(self._removed / session_id)
            return True

    def clear_removed(self) -> None:
        """Delete removed folders, also those of a process that was killed, and the vault folder itself when it is empty."""
        with translated():
            if self._removed.is_dir():
                shutil.rmtree(self._removed)
            if self.folder.is_dir() and all(path.name.startswith("opening.lock") for path in self.folder.iterdir()):
                shutil.rmtree(self.folder)


def _read(folder: Path) -> OldTranscript | None:
    has_state = True
    try:
        state = _state(folder)
    except (_Damaged, FileNotFoundError):
        has_state, state = False, _made_again(folder)
    messages: dict[str, Message] = {}
    lost: list[LostMessages] = []
    for chunk in state.chunks:
        try:
            messages |= {message.id: message for message in _messages(folder, chunk.hash)}
        except _Damaged:
            lost.append(LostMessages(chunk.count, chunk.first_id, chunk.last_id))
    if not has_state and not all(_is_sound(folder, path.name) for path in _chunk_files(folder)):
        lost.append(LostMessages(0))
    size = sum(path.stat().st_size for path in folder.iterdir())
    archived = ArchivedTranscript(
        state.about, state.taken_at, state.updated_ms, state.in_session, len(messages), size, tuple(lost)
    )
    return OldTranscript(archived, tuple(sorted(messages.values(), key=order)), has_state)


def order(message: Message) -> tuple[int, str]:
    """Sort key of a message in its transcript."""
    return message.created_ms, message.id


def _is_sound(folder: Path, name: str) -> bool:
    try:
        return bool(_messages(folder, name))
    except _Damaged:
        return False


def _holds(folder: Path) -> bool:
    return folder.is_dir() and ((folder / _STATE).exists() or bool(_chunk_files(folder)))


def _state(folder: Path) -> _State:
    seal, _, content = (folder / _STATE).read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != seal:
        raise _Damaged
    try:
        return msgspec.json.decode(content, type=_State)
    except msgspec.DecodeError as error:
        raise _Damaged from error


def _made_again(folder: Path) -> _State:
    """Rebuild a state from the readable chunks. Owner and time are unknown: it counts as the oldest possible."""
    chunks = []
    for path in _chunk_files(folder):
        with suppress(_Damaged):
            messages = _messages(folder, path.name)
            chunks.append(_Chunk(path.name, len(messages), messages[0].id, messages[-1].id, messages[0].created_ms))
    ordered = sorted(chunks, key=lambda chunk: (chunk.first_ms, -chunk.count))
    return _State(TranscriptOwner("", folder.name, "", ""), "", 0, 0, _without_older(ordered))


def _without_older(chunks: Iterable[_Chunk]) -> tuple[_Chunk, ...]:
    """Remove older versions of chunks: of those with the same first message the largest contains all."""
    found: list[_Chunk] = []
    for chunk in chunks:
        if not found or found[-1].first_id != chunk.first_id:
            found.append(chunk)
    return tuple(found)


def _messages(folder: Path, name: str) -> list[Message]:
    try:
        content = zlib.decompress((folder / name).read_bytes())
        if hashlib.sha256(content).hexdigest() != name:
            raise _Damaged
        if may_hold_password(content):  # written by a version that did not remove passwords
            content = concealed(content.decode()).encode()
        return msgspec.json.decode(content, type=list[Message])
    except (zlib.error, msgspec.DecodeError, FileNotFoundError) as error:
        raise _Damaged from error


def _chunk_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _HASH.fullmatch(path.name))
