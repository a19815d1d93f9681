"""Checks that nothing was changed: other programs' files, OpenCode's sessions, our journal."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program


@contextmanager
def nothing_made(program: Program, home: OpenCodeHome, thread: str) -> Iterator[None]:
    """Check that no session is created or deleted in the context, and that the thread's journal stays equal."""
    before = sessions_in(home), program.json("journal", thread)["entries"]
    yield
    assert (sessions_in(home), program.json("journal", thread)["entries"]) == before


@contextmanager
def untouched(*folders: Path) -> Iterator[None]:
    """Check that no file in these folders is created, deleted or changed in the context."""
    before = tree(*folders)
    yield
    assert tree(*folders) == before


def tree(*folders: Path) -> dict[str, tuple[int, str]]:
    """Return size and hash of every file; of `-shm` only the size, because readers in WAL mode write there."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, "" if path.name.endswith("-shm") else _hash(path)) for path in files}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sessions_in(home: OpenCodeHome) -> list[str]:
    with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as connection:
        return [session for (session,) in connection.execute("SELECT id FROM session ORDER BY id")]
