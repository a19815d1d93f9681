"""An imitated, misbehaving `opencode serve`, and a t3tray process that owns it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from t3tray.domain.server import ServerState
from t3tray.server.handles import ExternalServer, ServerProgram
from t3tray.system.process_identity import is_running, start_id
from tests.support import fake_opencode
from tests.support.server_owner import Owner

LIMIT = 90.0


class BadServer:
    """The program to start, and how it shall behave from now on."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self._behaviour = root / "behaviour"
        self.behave("")
        binary = root / "opencode"
        binary.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {fake_opencode.__file__} "$@"\n')
        binary.chmod(0o700)
        self.program = ServerProgram(
            binary, {**os.environ, fake_opencode.VARIABLE: str(self._behaviour)}, root, root / "unpacked"
        )

    def behave(self, words: str) -> None:
        self._behaviour.write_text(words)

    def pids(self) -> list[int]:
        """Return the pids of all started servers, in order."""
        starts = self._behaviour.with_name("behaviour.starts")
        return [int(line) for line in starts.read_text().split()] if starts.exists() else []

    def living(self) -> list[int]:
        return [pid for pid in self.pids() if is_alive(pid)]

    def end(self) -> list[int]:
        """Kill the servers that still run; return their pids."""
        left = self.living()
        for pid in left:
            os.killpg(pid, signal.SIGKILL)
        return left


def is_alive(pid: int) -> bool:
    try:
        return is_running(pid, 0.0, start_id(pid))
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def owning(data: Path, program: ServerProgram, external: ExternalServer | None = None) -> AsyncIterator[Owner]:
    owner = Owner(data, program, external)
    try:
        yield owner
    finally:
        await owner.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.01)


async def until_state(owner: Owner, *states: ServerState) -> None:
    await until(lambda: owner.server.status.state in states)
