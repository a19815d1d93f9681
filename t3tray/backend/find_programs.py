"""Finds OpenCode's program and T3 Code's homes. It starts `opencode --version` and nothing else, and changes nothing.

The sentences on what is found are in `messages.inventory`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from t3tray.domain.inventory import FoundHome, FoundProgram
from t3tray.domain.t3code_thread import Shape
from t3tray.errors import BinaryNotFound
from t3tray.opencode.binary import version_of
from t3tray.system.paths import real_path
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.server_info import runs
from t3tray.t3code.state import T3State


async def find_program(find: Callable[[], Path], environment: Callable[[], Mapping[str, str]]) -> FoundProgram:
    """Return the `opencode` that would be started. Takes seconds at most; both functions are called in a worker thread."""
    try:
        path, variables = await asyncio.to_thread(lambda: (find(), environment()))
    except BinaryNotFound as error:
        said, *places = error.message.splitlines()
        return FoundProgram(trouble=said.removesuffix(" Searched in:"), places=tuple(place.strip() for place in places))
    return FoundProgram(str(path), await version_of(path, variables))


def find_homes(homes: Sequence[T3Home], states: Sequence[T3State], added: Sequence[str]) -> tuple[FoundHome, ...]:
    """Return T3 Code's homes, with what was read of each. For a worker thread."""
    read = {state.home: state for state in states}
    named = {real_path(os.path.expanduser(path)): path for path in added}
    return tuple(_found(home, read.get(home), named.get(home.base, "")) for home in homes)


def _found(home: T3Home, state: T3State | None, added_as: str) -> FoundHome:
    if state is None:
        return FoundHome(str(home.base), may_be_there(home.state), runs(home), added_as=added_as)
    trouble = state.why if state.shape is Shape.UNSUPPORTED else ""
    ours = sum(thread.is_opencode for thread in state.threads)
    return FoundHome(str(home.base), True, runs(home), len(state.threads), ours, trouble, added_as)
