"""Inspects this installation: the inventory, the doctor's findings, and the diagnostics as one text to be sent.

Secrets are removed from the diagnostics. No title or message of a thread is in it, and a folder only if the logs name it. Nothing
is changed; no server is started, and no program but `opencode --version`.
"""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import asdict
from pathlib import Path

from t3tray import __version__
from t3tray.backend.doctor import DoctorInput, assess
from t3tray.backend.find_programs import find_homes, find_program
from t3tray.backend.parts import Parts
from t3tray.backend.scanning import Scanning
from t3tray.backend.snapshots import SnapshotReader
from t3tray.domain.inventory import Inventory
from t3tray.errors import T3TrayError
from t3tray.messages.doctor import END_OF_LOG, END_OF_SERVER_LOG, threads_in_all, unseen_and_pending
from t3tray.messages.inventory import items
from t3tray.server.log import tail_of
from t3tray.system.installation import installed_parts
from t3tray.system.known_secrets import cleaned
from t3tray.system.log_file import FILE_NAME
from t3tray.system.other_processes import other_servers
from t3tray.system.secrets import Secrets
from t3tray.threads import opencode_configuration
from t3tray.threads.snapshot import Finding

# Of a log, in the diagnostics.
_LINES = 80


class Inspection:
    """One for the process, on its event loop."""

    def __init__(self, parts: Parts, scanning: Scanning, snapshots: SnapshotReader) -> None:
        self._parts = parts
        self._scanning = scanning
        self._snapshots = snapshots

    async def inventory(self, notices: str | None = None) -> Inventory:
        """Return what there is to work with. Takes a second. Raises StoreError.

        `notices`: why the desktop shows no notifications, "" if it does.
        """
        scan, size = await self._scanning.scan(), await self._parts.archive.size()
        readers, added = self._parts.text_search.readers, self._parts.preferences.current.t3_homes
        program, homes, keyring = await asyncio.gather(
            find_program(self._parts.launching.program, self._parts.launching.environment),
            asyncio.to_thread(find_homes, [reader.home for reader in readers], scan.states, added),
            asyncio.to_thread(Secrets(self._parts.data_directory).keyring_name),
        )
        return Inventory(program, homes, keyring, data=str(self._parts.data_directory), vault=size, notices=notices)

    async def findings(self) -> tuple[Finding, ...]:
        """Return the doctor's findings, good and bad. Raises StoreError."""
        await self._parts.source.find()
        connection = await self._parts.settlement.settle_all()
        scan = await self._scanning.scan(whole=True)
        snapshot = await self._snapshots.read(archived=True, scan=scan)
        program = await find_program(self._parts.launching.program, self._parts.launching.environment)
        others = await asyncio.to_thread(other_servers, snapshot.server.pid)
        broken = await opencode_configuration.troubles(snapshot.rows, connection, self._parts.server.log_path)
        facts = (self._parts.store, self._parts.database, self._parts.scanner, scan, snapshot, program, others, self._parts.now())
        return await self._parts.run_sql(assess, DoctorInput(*facts, self._parts.recovery.troubles, broken))

    async def diagnostics(self, face: Iterable[str] = ()) -> str:
        """Return the whole text. `face` are lines about the face that asks. What cannot be found out is named as such."""
        log = self._parts.server.log_path
        settings = asdict(self._parts.preferences.current)
        parts = [
            ("t3tray", [*self._versions(), *face]),
            ("Installation", await _known(asyncio.to_thread(installed_parts))),
            ("Settings", [f"{name}: {value!r}" for name, value in settings.items()]),
            ("Found", await _known(self._found())),
            ("Server and threads", await _known(self._threads())),
            ("Doctor", await _known(self._counted_findings())),
            ("Files", await _known(asyncio.to_thread(self._files))),
            (END_OF_LOG, await _known(asyncio.to_thread(_end, log.with_name(FILE_NAME)))),
            (END_OF_SERVER_LOG, await _known(asyncio.to_thread(_end, log))),
        ]
        text = "\n\n".join("\n".join((f"## {title}", *(lines or ["nothing"]))) for title, lines in parts)
        return cleaned(text, *self._parts.servers.secrets)

    def _versions(self) -> list[str]:
        packaged = ", packaged" if getattr(sys, "frozen", False) else ""
        return [
            f"t3tray {__version__}{packaged}, {self._parts.now():%Y-%m-%d %H:%M} UTC",
            f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
            platform.platform(),
        ]

    async def _found(self) -> list[str]:
        return [f"{item.name} ({item.standing}): {item.sentence}" for item in items(await self.inventory())]

    async def _threads(self) -> list[str]:
        snapshot = await self._snapshots.read(archived=True)
        server = {name: value for name, value in asdict(snapshot.server).items() if value and name != "log_tail"}
        verdicts = Counter(f"{row.thread.source}, {row.verdict.reason}" for row in snapshot.rows)
        return [
            *(f"server {name}: {value}" for name, value in server.items()),
            threads_in_all(len(snapshot.rows), len(snapshot.foreign)),
            *(f"{what}: {count}" for what, count in sorted(verdicts.items())),
            unseen_and_pending(len(snapshot.alarms), len(snapshot.pending_requests)),
            *snapshot.warnings,
        ]

    async def _counted_findings(self) -> list[str]:
        """How many of each kind; the findings themselves name threads."""
        counts = Counter(f"{'fine' if finding.ok else 'wrong'}: {finding.name}" for finding in await self.findings())
        return [f"{what} ({count})" for what, count in counts.items()]

    def _files(self) -> list[str]:
        own = sorted(path for path in self._parts.data_directory.iterdir() if path.is_file())
        databases = (self._parts.database.path, Path(f"{self._parts.database.path}-wal"))
        files = (*own, *databases, *self._parts.t3_files)
        return [f"{path}: {path.stat().st_size / 1e6:.2f} MB" for path in files if path.exists()]


async def _known(lines: Awaitable[list[str]]) -> list[str]:
    try:
        return await lines
    except (T3TrayError, OSError) as error:
        return [f"unknown: {error}"]


def _end(log: Path) -> list[str]:
    return tail_of(log, _LINES).splitlines()
