"""The doctor: what is wrong with our own store and server, if anything. It reports; it mends nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from t3tray.core.domain.journal import fold
from t3tray.core.domain.server import ServerStatus
from t3tray.core.errors import T3TrayError
from t3tray.core.opencode.database import OpenCodeDatabase
from t3tray.core.services.views import Finding
from t3tray.core.store.store import Store


def examine_self(
    store: Store, database: OpenCodeDatabase, server: ServerStatus, find_program: Callable[[], Path]
) -> tuple[Finding, ...]:
    """All findings, good and bad. For the thread that runs the SQL."""
    return (
        _program(find_program),
        _database(database),
        Finding("server", not server.reason, server.reason or f"{server.state}{f', {server.url}' if server.url else ''}"),
        _journal(store),
        _intents(store),
        *(Finding("data", False, notice) for notice in store.notices),
    )


def _program(find_program: Callable[[], Path]) -> Finding:
    try:
        return Finding("opencode", True, str(find_program()))
    except T3TrayError as error:
        return Finding("opencode", False, error.message)


def _database(database: OpenCodeDatabase) -> Finding:
    try:
        with database.reading():
            return Finding("OpenCode's database", True, str(database.path))
    except T3TrayError as error:
        return Finding("OpenCode's database", False, error.message)


def _journal(store: Store) -> Finding:
    cursors = store.journal.cursors()
    threads = store.threads.all()
    off = [thread.id for thread in threads if fold(store.journal.entries(thread.id)).cursor != cursors.get(thread.id)]
    if off:
        return Finding("journal", False, f"The journal and the cursors disagree about {', '.join(off)}.")
    return Finding("journal", True, f"{len(threads)} threads, {len(cursors)} bound; every binding is what the journal says")


def _intents(store: Store) -> Finding:
    pending = store.journal.pending()
    if not pending:
        return Finding("open intents", True, "none")
    listed = ", ".join(f"{entry.thread_id} ({entry.why})" for entry in pending)
    return Finding("open intents", False, f"{listed}. They are settled as soon as a server runs.")
