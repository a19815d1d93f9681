"""One real OpenCode server and one model for all tests of a process that are not about a server's own life.

A start takes two seconds of a core. What a test leaves is undone before the next one; if that cannot be verified,
the next one gets a new home.
"""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psutil

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.stub_model import StubModel

# A limit of tests for one server: it keeps state of each folder that it was asked about.
_LIVES = 60
# Tables whose rows may stay: they contain folders and versions, nothing of a conversation.
_MAY_GROW = ("project", "project_directory", "migration", "__drizzle_migrations", "data_migration", "workspace")


class SharedServer:
    """`lend` returns home, server and model as new; call `take_back` after each test, and `close` at the end."""

    def __init__(self, root: Path) -> None:
        self._roots = (root / str(number) for number in itertools.count())
        self._server: RawServer | None = None

    def lend(self) -> RawServer:
        """Return the running server, without any session."""
        if self._server is None:
            self.model = StubModel()
            self.home = OpenCodeHome(next(self._roots), self.model.url)
            self._server = RawServer(self.home, lasts=True)
            self._server.start()
            self._warm_up(self._server)
            self._left = _LIVES
            self._pid = self._server.pid
            self._environment = dict(self.home.environment)
            self._files = self._state()
        return self._server

    def take_back(self) -> None:
        """Undo what a test did, also if it failed half-way."""
        server, self._left = self._server, self._left - 1
        assert server is not None
        is_as_new = False
        try:
            is_as_new = self._left > 0 and self._is_as_new(server)
        except (httpx.TransportError, sqlite3.Error, OSError):
            pass  # It hangs, is locked or is gone: the next test gets a new one.
        finally:
            if not is_as_new:
                self.close()

    def spares(self, process: psutil.Process) -> bool:
        """Whether this process is the server itself, which must not be ended."""
        return self._server is not None and process.pid == self._pid

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            self.model.stop()
            server.kill()
            self.home.end_everything()

    def _is_as_new(self, server: RawServer) -> bool:
        if not server.runs or server.pid != self._pid or self.home.environment != self._environment:
            return False
        for process in self.home.processes():
            if process.pid != self._pid:
                with suppress(psutil.Error):
                    process.kill()
        server.wake()
        self.model.release()
        with server.http() as http:
            for session, directory in self._sessions():
                http.post(f"/session/{session}/abort", params={"directory": directory})
                http.delete(f"/session/{session}", params={"directory": directory})
        return self.model.forget() and self._state() == self._files

    def _warm_up(self, server: RawServer) -> None:
        """Run a first turn, which creates files and is slow."""
        folder = {"directory": str(self.home.home)}
        with server.http() as http:
            session = http.post("/session", params=folder, json={}).raise_for_status().json()["id"]
            said = {"parts": [{"type": "text", "text": "hello"}]}
            http.post(f"/session/{session}/message", params=folder, json=said).raise_for_status()
            http.delete(f"/session/{session}", params=folder).raise_for_status()
        assert self.model.forget()

    def _sessions(self) -> list[tuple[str, str]]:
        """Return the sessions, the newest first, so that children are deleted before their parents."""
        with closing(sqlite3.connect(self.home.database, timeout=90)) as connection:
            return connection.execute("SELECT id, directory FROM session ORDER BY time_created DESC, id").fetchall()

    def _state(self) -> dict[str, object]:
        """Return what must be equal before and after a test: the configuration, and the rows of the database."""
        config = self.home.root / "config"
        state: dict[str, object] = {str(path): path.read_bytes() for path in sorted(config.rglob("*")) if path.is_file()}
        with closing(sqlite3.connect(self.home.database, timeout=90)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in tables:
                if name not in _MAY_GROW:
                    state[name] = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        return state
