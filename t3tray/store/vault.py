"""The vault's files: a folder a session, in it the messages in chunks, and the state that names them in their order.

A chunk lies by the hash of what is in it, and a full one never changes: a long session costs its new messages only. Every
checksum is looked at when it is read. What is damaged is named and the rest stays usable; a state that is damaged is made again
from the chunks. A writer that is killed leaves the state before, or the one after. It decides nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from t3tray.domain.archived import About, Chunk, Holding, Kept
from t3tray.domain.redaction import concealed, may_hold_password
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.errors import StoreError
from t3tray.store.errors import translated
from t3tray.store.files import alone, make_private_folder

# Messages of one chunk.
FULL = 32
_STATE = "state"
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,120}")
_HASH = re.compile(r"[0-9a-f]{64}")
_STATE_DAMAGED = "The list of its parts is damaged; it was made again from the parts that are there."


class _Damaged(Exception):
    """These bytes are not what was written."""


class Vault:
    """The files below one folder. Every method raises StoreError; several processes may write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, session_id: str) -> Kept | None:
        """What was kept of this session last; None for nothing."""
        with translated():
            found = self._found(self._place(session_id))
        return found[0] if found else None

    def transcript(self, session_id: str) -> Transcript | None:
        """The words of this session; what is damaged, or was taken back in the session, is said. None: none were kept."""
        if not _SESSION.fullmatch(session_id):
            return None
        folder = self._place(session_id)
        if not folder.is_dir():
            return None
        # A writer takes a chunk away that it has replaced: read meanwhile, it would pass for damaged.
        with translated(), alone(self._folder):
            found = self._found(folder)
            if found is None:
                return None
            kept, missing = found
            if not (kept.chunks or missing):
                return None  # let go of
            told: list[Message] = []
            for chunk in kept.chunks:
                try:
                    told += _messages(folder, chunk.hash)
                except _Damaged:
                    missing = (*missing, _lost(chunk))
        if kept.messages > kept.in_session:
            missing = (*missing, f"{kept.messages - kept.in_session} of its messages had been taken back in the session by then.")
        taken_at = datetime.fromisoformat(kept.taken_at) if kept.taken_at else None
        return Transcript(Origin.VAULT, tuple(told), session_id, missing, taken_at)

    def keep(self, about: About, news: Sequence[Message], at: str, updated_ms: int, in_session: int) -> Kept:
        """Add messages that are new, or that say more than before."""
        with translated():
            folder = self._place(about.session_id)
            make_private_folder(self._folder)
            with alone(self._folder):
                make_private_folder(folder)
                before = self._found(folder)
                chunks = _with(folder, before[0].chunks if before else (), sorted(news, key=_order))
                kept = Kept(about, at, updated_ms, in_session, chunks)
                _write(folder / _STATE, _sealed(kept))
                named = {chunk.hash for chunk in chunks}
                for path in _chunk_files(folder):
                    if path.name not in named:
                        path.unlink()
                return kept

    def holdings(self) -> tuple[Holding, ...]:
        """Everything that is kept, the newest first; every checksum is looked at."""
        if not self._folder.is_dir():
            return ()
        with translated(), alone(self._folder):
            found = [_holding(folder, *known) for folder in self._folders() if (known := self._found(folder))]
        there = (holding for holding in found if holding.kept.chunks or holding.damage)
        return tuple(sorted(there, key=lambda holding: holding.kept.taken_at, reverse=True))

    def states(self) -> tuple[tuple[Kept, int], ...]:
        """The same with their sizes, without a look into the chunks; the oldest first, with those that were let go of."""
        with translated():
            found = [(known[0], _size(folder)) for folder in self._folders() if (known := self._found(folder))]
        return tuple(sorted(found, key=lambda each: each[0].taken_at))

    def size(self, session_id: str) -> int:
        """In bytes, of all that is kept of this session; 0 for nothing."""
        with translated():
            folder = self._place(session_id)
            return _size(folder) if folder.is_dir() else 0

    def let_go(self, kept: Kept) -> None:
        """Forget these words. How far they went stays known, so that nobody keeps the same ones again."""
        with translated(), alone(self._folder):
            folder = self._place(kept.about.session_id)
            _write(folder / _STATE, _sealed(replace(kept, chunks=())))
            for path in _chunk_files(folder):
                path.unlink()

    def _place(self, session_id: str) -> Path:
        if not _SESSION.fullmatch(session_id):
            raise StoreError(f"“{session_id}” cannot be the name of a session, so its words are not kept.")
        return self._folder / session_id

    def _folders(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []

    def _found(self, folder: Path) -> tuple[Kept, tuple[str, ...]] | None:
        """The state, and what has to be said of it."""
        try:
            return _state(folder), ()
        except _Damaged:
            return _made_again(folder), (_STATE_DAMAGED,)
        except FileNotFoundError:
            # Lost, or a writer was killed before its first one: the chunks that are there are kept all the same.
            has_chunks = folder.is_dir() and bool(_chunk_files(folder))
            return (_made_again(folder), (_STATE_DAMAGED,)) if has_chunks else None


def _state(folder: Path) -> Kept:
    seal, _, content = (folder / _STATE).read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != seal:
        raise _Damaged
    try:
        return msgspec.json.decode(content, type=Kept)
    except msgspec.DecodeError as error:
        raise _Damaged from error


def _made_again(folder: Path) -> Kept:
    """A state from the chunks that can be read. Whose they were, and what came last, is not known: it is as old as can be."""
    chunks = []
    for path in _chunk_files(folder):
        with suppress(_Damaged):
            chunks.append(_named(path.name, _messages(folder, path.name)))
    return Kept(
        About("", folder.name, "", ""), "", 0, 0, _without_older(sorted(chunks, key=lambda chunk: (chunk.first_ms, -chunk.count)))
    )


def _without_older(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
    """Of chunks that begin alike, one grew out of the other: the larger one holds all of it."""
    found: list[Chunk] = []
    for chunk in chunks:
        if not found or found[-1].first_id != chunk.first_id:
            found.append(chunk)
    return tuple(found)


def _with(folder: Path, chunks: tuple[Chunk, ...], news: Sequence[Message]) -> tuple[Chunk, ...]:
    """These chunks with the news: those before the first of the news stay as they are, unread."""
    if not news:
        return chunks
    first = max(bisect_right([chunk.first_ms for chunk in chunks], news[0].created_ms) - 1, 0)
    stay = list(chunks[:first])
    merged: dict[str, Message] = {}
    for chunk in chunks[first:]:
        try:
            merged |= {utterance.id: utterance for utterance in _messages(folder, chunk.hash)}
        except _Damaged:
            stay.append(chunk)  # what it held cannot be said again, and that it is lost has to be said
    merged |= {utterance.id: utterance for utterance in news}
    ordered = sorted(merged.values(), key=_order)
    stay += [_put(folder, ordered[start : start + FULL]) for start in range(0, len(ordered), FULL)]
    return tuple(sorted(stay, key=lambda chunk: chunk.first_ms))


def _put(folder: Path, utterances: Sequence[Message]) -> Chunk:
    content = msgspec.json.encode(list(utterances))
    name = hashlib.sha256(content).hexdigest()
    if not (folder / name).exists():
        _write(folder / name, zlib.compress(content))
    return _named(name, utterances)


def _named(name: str, utterances: Sequence[Message]) -> Chunk:
    return Chunk(name, len(utterances), utterances[0].id, utterances[-1].id, utterances[0].created_ms)


def _messages(folder: Path, name: str) -> list[Message]:
    try:
        content = zlib.decompress((folder / name).read_bytes())
        if hashlib.sha256(content).hexdigest() != name:
            raise _Damaged
        if may_hold_password(content):  # kept by a version that took none out
            content = concealed(content.decode()).encode()
        return msgspec.json.decode(content, type=list[Message])
    except (zlib.error, msgspec.DecodeError, FileNotFoundError) as error:
        raise _Damaged from error


def _holding(folder: Path, kept: Kept, damage: tuple[str, ...]) -> Holding:
    for chunk in kept.chunks:
        try:
            _messages(folder, chunk.hash)
        except _Damaged:
            damage = (*damage, _lost(chunk))
    return Holding(kept, _size(folder), damage)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _chunk_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _HASH.fullmatch(path.name))


def _write(path: Path, content: bytes) -> None:
    """The whole file or none, and on the disk before anything names it."""
    part = path.with_name(f"{path.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _order(utterance: Message) -> tuple[int, str]:
    return utterance.created_ms, utterance.id


def _sealed(kept: Kept) -> bytes:
    content = msgspec.json.encode(kept)
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _lost(chunk: Chunk) -> str:
    if chunk.count == 1:
        return f"A message ({chunk.first_id}) cannot be read any more: its file is damaged."
    return f"{chunk.count} messages (from {chunk.first_id} to {chunk.last_id}) cannot be read any more: their file is damaged."
