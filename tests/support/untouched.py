"""That something changed nothing: other programs' files, OpenCode's sessions, our journal, before and after."""

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
    """Within it no session may come or go, and the thread's bindings stay line by line what they were."""
    before = sessions_in(home), program.json("journal", thread)["entries"]
    yield
    assert (sessions_in(home), program.json("journal", thread)["entries"]) == before


@contextmanager
def untouched(*folders: Path) -> Iterator[None]:
    """Within it no file in these folders may come, go or change."""
    before = tree(*folders)
    yield
    assert tree(*folders) == before


def tree(*folders: Path) -> dict[str, tuple[int, str]]:
    """The size and the hash of every file. A reader in WAL mode marks in `-shm` how far it reads: of that the size alone."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, "" if path.name.endswith("-shm") else _hash(path)) for path in files}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sessions_in(home: OpenCodeHome) -> list[str]:
    with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as connection:
        return [session for (session,) in connection.execute("SELECT id FROM session ORDER BY id")]
