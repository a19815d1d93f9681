"""Everything that helps to understand a trouble, as one text to be sent: versions, settings, states, sizes, the ends of the logs.

Secrets are taken out of all of it, and no thread's title, folder or words are put in but what the logs tell. It changes
nothing and starts no server.
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
from t3tray.backend.engine import Engine, utc_now
from t3tray.backend.inventory import take_inventory
from t3tray.domain.inventory import items
from t3tray.errors import T3TrayError
from t3tray.server.log import tail_of
from t3tray.system.known_secrets import cleaned
from t3tray.system.log_file import FILE_NAME

_LINES = 80


async def diagnose(engine: Engine, face: Iterable[str] = ()) -> str:
    """The whole text. `face` are lines about the face that asks. What cannot be learnt is told as such."""
    log = engine.server.log_path
    parts = [
        ("t3tray", [*_versions(), *face]),
        ("Settings", [f"{name}: {value!r}" for name, value in asdict(engine.settings).items()]),
        ("Found", await _known(_found(engine))),
        ("Server and threads", await _known(_overview(engine))),
        ("Doctor", await _known(_findings(engine))),
        ("Files", await _known(asyncio.to_thread(_files, engine))),
        ("End of t3tray's log", await _known(asyncio.to_thread(_end, log.with_name(FILE_NAME)))),
        ("End of the server's log", await _known(asyncio.to_thread(_end, log))),
    ]
    text = "\n\n".join("\n".join((f"## {title}", *(lines or ["nothing"]))) for title, lines in parts)
    return cleaned(text, *engine.secrets)


async def _known(lines: Awaitable[list[str]]) -> list[str]:
    try:
        return await lines
    except (T3TrayError, OSError) as error:
        return [f"cannot be told: {error}"]


def _versions() -> list[str]:
    packaged = ", packaged" if getattr(sys, "frozen", False) else ""
    return [
        f"t3tray {__version__}{packaged}, {utc_now():%Y-%m-%d %H:%M} UTC",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        platform.platform(),
    ]


async def _found(engine: Engine) -> list[str]:
    return [f"{item.name} ({item.standing}): {item.sentence}" for item in items(await take_inventory(engine))]


async def _overview(engine: Engine) -> list[str]:
    overview = await engine.overview(archived=True)
    server = {name: value for name, value in asdict(overview.server).items() if value and name != "log_tail"}
    verdicts = Counter(f"{row.thread.source}, {row.verdict.reason}" for row in overview.rows)
    return [
        *(f"server {name}: {value}" for name, value in server.items()),
        f"threads: {len(overview.rows)}, and {len(overview.foreign)} of other providers",
        *(f"{what}: {count}" for what, count in sorted(verdicts.items())),
        f"alarms nobody has seen: {len(overview.alarms)}, asks: {len(overview.pending_requests)}",
        *overview.warnings,
    ]


async def _findings(engine: Engine) -> list[str]:
    """How many of each kind; what they say names threads."""
    counts = Counter(f"{'fine' if finding.ok else 'wrong'}: {finding.name}" for finding in await engine.assess())
    return [f"{what} ({count})" for what, count in counts.items()]


def _files(engine: Engine) -> list[str]:
    own = sorted(path for path in engine.data_directory.iterdir() if path.is_file())
    databases = (path for base in (engine.database.path,) for path in (base, Path(f"{base}-wal")))
    return [f"{path}: {path.stat().st_size / 1e6:.2f} MB" for path in (*own, *databases, *engine.t3_files) if path.exists()]


def _end(log: Path) -> list[str]:
    return tail_of(log, _LINES).splitlines()
