"""OpenCode's configuration where it prevents every message: as a server reports it, or reported it at its last start.

It is not parsed here: only OpenCode knows what it accepts. A running server is asked about a folder only if a configuration file
is in it or above it, because it has to load what it is asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.errors import ServerError, UnusableConfiguration
from t3tray.messages.databases import NO_SERVER_STARTS
from t3tray.opencode.failures import of_output
from t3tray.server.log import last_start
from t3tray.system.folders import holds_any
from t3tray.threads.snapshot import ThreadRow

_FILES = ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc")
# How many folders are asked about at once, and in all: each is loaded for it.
_AT_ONCE, _AT_MOST = 2, 20


class ConfigurationServer(Protocol):
    """The requests to a connection that are used here."""

    async def busy_in(self, directory: str) -> frozenset[str]: ...


async def troubles(rows: Iterable[ThreadRow], server: ConfigurationServer | None, log: Path) -> tuple[str, ...]:
    """Return a sentence on each configuration that cannot be used, as far as known. Raises nothing."""
    if server is None:
        found = await asyncio.to_thread(_at_the_last_start, log)
        return (f"{found.message} {NO_SERVER_STARTS}",) if found else ()
    folders = list(dict.fromkeys(_folder(row) for row in rows if row.session_id))[:_AT_MOST]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(folder: str) -> UnusableConfiguration | None:
        async with gate:
            return await _trouble_in(folder, server)

    errors = await asyncio.gather(*map(ask, folders))
    return tuple(dict.fromkeys(f"{error.message} {error.hint}" for error in errors if error))


async def judged(row: ThreadRow, server: ConfigurationServer) -> ThreadRow:
    """Return the row with the reason as verdict, if the running server would accept no message for this thread's folder."""
    if row.verdict.kind is not Kind.RESUMABLE:
        return row
    error = await _trouble_in(_folder(row), server)
    return replace(row, verdict=Verdict(Reason.SERVER_ERROR, error.message.removesuffix("."))) if error else row


async def _trouble_in(folder: str, server: ConfigurationServer) -> UnusableConfiguration | None:
    if not await asyncio.to_thread(holds_any, [str(place) for place in (Path(folder), *Path(folder).parents)], _FILES):
        return None
    try:
        await server.busy_in(folder)
    except UnusableConfiguration as error:
        return error
    except ServerError:
        pass  # another error of the server, which is reported elsewhere
    return None


def _at_the_last_start(log: Path) -> UnusableConfiguration | None:
    """Return the error with which the last server ended, if the file is still the same. Blocks."""
    with suppress(OSError):
        found = of_output(last_start(log))
        if found and found[1].stat().st_mtime <= log.stat().st_mtime:
            return found[0]
    return None


def _folder(row: ThreadRow) -> str:
    return row.session_directory or row.thread.directory
