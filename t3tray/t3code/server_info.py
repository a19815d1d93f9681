"""Whether T3 Code's server is running, and the web address of a thread in it. Read-only."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
import psutil

from t3tray.system.other_processes import has_open
from t3tray.system.regular_file import read_regular
from t3tray.t3code.home import T3Home
from t3tray.t3code.times import moment

_LIMIT = 2.0
# In seconds: tolerance between a process's start and the time in its file.
_CLOCKS_DIFFER = 60.0


class _Runtime(msgspec.Struct, frozen=True):
    pid: int
    origin: str = ""
    started: str = msgspec.field(name="startedAt", default="")


class _Environment(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="environmentId")


def served_since(home: T3Home) -> datetime | None:
    """Return the start time of the T3 Code that is running on this home; None when none is running."""
    runtime = _runtime(home)
    return moment(runtime.started) if runtime else None


def runs(home: T3Home) -> bool:
    """Return whether a T3 Code is running on this home, according to its own file."""
    return _runtime(home) is not None


async def thread_address(home: T3Home, thread_id: str) -> str | None:
    """Return the web address of a thread; None unless the server at the recorded address is this home's."""
    import httpx

    runtime = _runtime(home)
    try:
        environment = read_regular(home.environment_file).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
    if runtime is None or not runtime.origin or not environment:
        return None
    try:
        async with (
            asyncio.timeout(_LIMIT),
            httpx.AsyncClient(trust_env=False, timeout=_LIMIT, verify=not runtime.origin.startswith("http://")) as http,
        ):
            answer = await http.get(f"{runtime.origin}/.well-known/t3/environment")
        found = msgspec.json.decode(answer.content, type=_Environment)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.DecodeError):
        # No response, or another program: not this home's T3 Code.
        return None
    return f"{runtime.origin}/{environment}/{thread_id}" if found.id == environment else None


def _runtime(home: T3Home) -> _Runtime | None:
    """Return the contents of the server's file if its process is running; None for a stale or incomplete file."""
    try:
        found = msgspec.json.decode(read_regular(home.runtime_file), type=_Runtime)
    except (OSError, msgspec.DecodeError):
        return None
    return found if _is_its_process(found, home) else None


def _is_its_process(runtime: _Runtime, home: T3Home) -> bool:
    """Return whether the process with this pid is the T3 Code that wrote the file, and not a later process with the same pid.

    Both times are wall-clock times, which may have been set in between: a process that has T3 Code's database open counts too.
    """
    try:
        process = psutil.Process(runtime.pid)
        began, said = process.create_time(), moment(runtime.started)
        if said is None or began <= said.timestamp() + _CLOCKS_DIFFER:
            return True
    except psutil.AccessDenied:
        return True
    except (psutil.Error, OverflowError, ValueError):
        return False
    return any(has_open(process, path) for path in home.databases)
