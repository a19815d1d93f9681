"""Where a T3 Code runs: whether its server lives, and the address of a thread in it. It asks; it starts and changes nothing."""

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
# In s: a process starts before it writes its file.
_CLOCKS_DIFFER = 60.0


class _Runtime(msgspec.Struct, frozen=True):
    pid: int
    origin: str = ""
    started: str = msgspec.field(name="startedAt", default="")


class _Environment(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="environmentId")


def served_since(home: T3Home) -> datetime | None:
    """When the T3 Code that runs on this home was started; None when none runs."""
    runtime = _runtime(home)
    return moment(runtime.started) if runtime else None


def runs(home: T3Home) -> bool:
    """Whether a T3 Code runs on this home, as far as its own file tells."""
    return _runtime(home) is not None


async def thread_address(home: T3Home, thread_id: str) -> str | None:
    """The web address of a thread, when the server that answers there is this home's; None otherwise."""
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
        told = msgspec.json.decode(answer.content, type=_Environment)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.DecodeError):
        # Whatever answers there, or nobody: it is not this home's T3 Code.
        return None
    return f"{runtime.origin}/{environment}/{thread_id}" if told.id == environment else None


def _runtime(home: T3Home) -> _Runtime | None:
    """What T3 Code's server wrote of itself, when that process lives. A file that is left over or half-written is none."""
    try:
        found = msgspec.json.decode(read_regular(home.runtime_file), type=_Runtime)
    except (OSError, msgspec.DecodeError):
        return None
    return found if _is_its_process(found, home) else None


def _is_its_process(runtime: _Runtime, home: T3Home) -> bool:
    """Whether the process of this number is the T3 Code that wrote the file, and not one that got its number later.

    Both times are the wall clock's, which may have been set in between: who has T3 Code's database open is T3 Code all the same.
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
