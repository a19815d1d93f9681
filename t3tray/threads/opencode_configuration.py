"""OpenCode's configuration, where it lets no message through: as a server says it, or said it when it last tried to start.

Nothing of it is read here: what OpenCode can use is known to OpenCode alone. A server that runs is asked of a folder only where a
configuration lies in it or above it, since it has to load what it is asked of.
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
from t3tray.opencode.failures import of_output
from t3tray.server.log import last_start
from t3tray.system.folders import holds_any
from t3tray.threads.snapshot import ThreadRow

_FILES = ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc")
# Folders that are asked of at once, and at most: each is loaded for it.
_AT_ONCE, _AT_MOST = 2, 20


class ConfigurationServer(Protocol):
    """What this needs of a connection."""

    async def busy_in(self, directory: str) -> frozenset[str]: ...


async def troubles(rows: Iterable[ThreadRow], server: ConfigurationServer | None, log: Path) -> tuple[str, ...]:
    """A sentence on each configuration that cannot be used, as far as it is known. Raises nothing."""
    if server is None:
        found = await asyncio.to_thread(_at_the_last_start, log)
        return (f"{found.message} No server starts until it is corrected.",) if found else ()
    folders = list(dict.fromkeys(_folder(row) for row in rows if row.session_id))[:_AT_MOST]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(folder: str) -> UnusableConfiguration | None:
        async with gate:
            return await _trouble_in(folder, server)

    told = await asyncio.gather(*map(ask, folders))
    return tuple(dict.fromkeys(f"{error.message} {error.hint}" for error in told if error))


async def judged(row: ThreadRow, server: ConfigurationServer) -> ThreadRow:
    """The same; where the server that runs would take no message for this thread's folder, the verdict is its reason."""
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
        pass  # another trouble of the server's, which is told elsewhere
    return None


def _at_the_last_start(log: Path) -> UnusableConfiguration | None:
    """What the last server said at its end, if the file is as it was then. Blocks."""
    with suppress(OSError):
        said = of_output(last_start(log))
        if said and said[1].stat().st_mtime <= log.stat().st_mtime:
            return said[0]
    return None


def _folder(row: ThreadRow) -> str:
    return row.session_directory or row.thread.directory
