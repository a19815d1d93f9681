"""Writes the archive's files exactly as t3tray did before `archive.sqlite`, for the code that has to read them."""

from __future__ import annotations

import hashlib
import os
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from t3tray.domain.archived import TranscriptOwner
from t3tray.domain.transcript import Message
from t3tray.store.files import make_private_folder

FULL = 32


@dataclass
class OldVault:
    """The folder `vault/` of a data folder, as earlier versions wrote it."""

    folder: Path
    chunks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    told: dict[str, dict[str, Message]] = field(default_factory=dict)

    def keep(self, owner: TranscriptOwner, news: Sequence[Message], at: str, updated_ms: int, in_session: int) -> Path:
        """Write a session; return its folder."""
        make_private_folder(self.folder)
        make_private_folder(folder := self.folder / owner.session_id)
        chunks, told = self.chunks.setdefault(owner.session_id, []), self.told.setdefault(owner.session_id, {})
        ordered = sorted(news, key=lambda each: (each.created_ms, each.id))
        first = (
            max(bisect_right([chunk["first_ms"] for chunk in chunks], ordered[0].created_ms) - 1, 0) if ordered else len(chunks)
        )
        told |= {each.id: each for each in ordered}
        rest = sorted(told.values(), key=lambda each: (each.created_ms, each.id))[first * FULL :]
        chunks[first:] = [_put(folder, rest[start : start + FULL]) for start in range(0, len(rest), FULL)]
        state = {"about": asdict(owner), "taken_at": at, "updated_ms": updated_ms, "in_session": in_session, "chunks": chunks}
        content = msgspec.json.encode(state)
        _write(folder / "state", hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        named = {chunk["hash"] for chunk in chunks}
        for path in folder.iterdir():
            if path.name not in {"state", *named}:
                path.unlink()
        return folder

    def let_go(self, owner: TranscriptOwner, at: str, updated_ms: int, in_session: int) -> None:
        self.chunks[owner.session_id], self.told[owner.session_id] = [], {}
        self.keep(owner, (), at, updated_ms, in_session)


def _put(folder: Path, messages: Sequence[Message]) -> dict[str, Any]:
    content = msgspec.json.encode(list(messages))
    name = hashlib.sha256(content).hexdigest()
    _write(folder / name, zlib.compress(content))
    ends = {"first_id": messages[0].id, "last_id": messages[-1].id, "first_ms": messages[0].created_ms}
    return {"hash": name, "count": len(messages), **ends}


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
