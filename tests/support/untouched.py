"""That a refusal changed nothing: OpenCode's sessions and our journal before and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program


@contextmanager
def nothing_made(program: Program, home: OpenCodeHome, thread: str) -> Iterator[None]:
    """Within it no session may come or go, and the thread's bindings stay line by line what they were."""
    before = sessions_in(home), program.json("journal", thread)["entries"]
    yield
    assert (sessions_in(home), program.json("journal", thread)["entries"]) == before


def sessions_in(home: OpenCodeHome) -> list[str]:
    with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as connection:
        return [session for (session,) in connection.execute("SELECT id FROM session ORDER BY id")]
