"""The sources that say which database OpenCode uses, in this process: its program, and a server with sessions of its own."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx

from t3tray.domain.verdict import Reason
from t3tray.errors import T3TrayError
from t3tray.opencode.connection import Connection
from t3tray.server.connecting import ServerConnection
from t3tray.server.programs import Programs
from t3tray.settings.definitions import Settings
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.scan import Scan
from t3tray.threads.session_source import SessionSource
from tests.support.scan_cases import Eyes
from tests.support.t3_world import empty_world

Failing = tuple[int, object] | httpx.TransportError

URL = "http://127.0.0.1:1"
NOT_FOUND: tuple[int, object] = (404, {"name": "NotFoundError", "data": {"message": "Session not found"}})


class Program(Programs):
    """The user's `opencode`, a file that is never started. `shell`: what the login shell sets and the desktop does not."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "opencode"
        self.shell: dict[str, str] = {}
        self.answer: Path | T3TrayError = folder / "opencode.db"
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.replace("a program")
        super().__init__(Settings(opencode_path=str(self.file)), folder)

    def replace(self, content: str) -> None:
        self.file.write_text(content)
        self.file.chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.shell}

    async def ask(self, program: Path, environment: dict[str, str], home: Path) -> Path:
        self.asked += 1
        await self.may_answer.wait()
        if isinstance(self.answer, T3TrayError):
            raise self.answer
        return self.answer


@dataclass
class Server:
    """OpenCode's answers about its sessions, the last used first. `fails`: status and JSON of each answer, or an error in the
    place of one. `stale`: lists that it answers first, each once."""

    sessions: list[str] = field(default_factory=list)
    fails: Failing | None = None
    stale: list[list[str]] = field(default_factory=list)
    requests: int = 0

    def connection(self, url: str = URL) -> Connection:
        return Connection(url, None, "1.18.33", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        match self.fails:
            case httpx.TransportError() as error:
                raise error
            case status, body:
                return httpx.Response(status, json=body)
        if request.url.path == "/experimental/session":
            listed = self.stale.pop(0) if self.stale else self.sessions
            return httpx.Response(200, json=[_wire(name) for name in listed[:1]])
        name = request.url.path.rpartition("/")[2]
        status, body = (200, _wire(name)) if name in self.sessions else NOT_FOUND
        return httpx.Response(status, json=body)


def _wire(name: str) -> dict[str, object]:
    return {"id": name, "directory": "/work", "title": "", "time": {"created": 1, "updated": 1}}


@dataclass
class Servers:
    """This process's connection, as far as the source uses it. `used` answers already, `found` only once it is connected."""

    is_external: bool = False
    used: Connection | None = None
    found: Connection | None = None
    fails: T3TrayError | None = None
    starts: int = 0

    @property
    def server(self) -> Servers:
        return self

    @property
    def current(self) -> Connection | None:
        return self.used

    async def connect(self) -> Connection:
        self.starts += 1
        found = await self.join()
        assert found
        return found

    async def join(self) -> Connection | None:
        if self.fails:
            raise self.fails
        self.used = self.found
        return self.used


class Place:
    """A world with OpenCode's usual database, a program, and what one process after the other knows of them."""

    def __init__(self, scratch: Path) -> None:
        self.world = empty_world(scratch)
        self.eyes = Eyes(self.world, scratch)
        self.program = Program(scratch)
        self.program.answer = self.world.opencode
        self.answers = scratch / "answers.json"
        self.run_sql = SqlThread("sql")
        self.scans = 0

    def start(self, servers: Servers | None = None) -> SessionSource:
        """Start t3tray anew: it reads the usual file, and remembers only what is in its own."""
        self.eyes.look_at(self.world)
        self.database = self.eyes.database
        connections = cast(ServerConnection, servers or Servers())
        return SessionSource(self.database, self.program, self.answers, self.run_sql, connections)

    def scan(self) -> Scan:
        self.scans += 1
        return self.eyes.look()

    async def read(self, source: SessionSource) -> Reason:
        (found,) = (await source.read(self.scan)).assessments
        return found.verdict.reason
