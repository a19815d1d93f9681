"""The managed server as one t3tray process holds it: in this process, or in another one that can be killed.

As a program: `python -m tests.support.server_owner DATA BINARY WHAT`. It prints one line of JSON after WHAT is done; "hold" and
"restart" then wait for a line of input before they close.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from t3tray.errors import BinaryNotFound
from t3tray.server.handles import ExternalServer, ServerProgram
from t3tray.server.manager import ManagedServer
from t3tray.store.database import Database
from t3tray.store.server_lease import LeaseHolder, Leases
from t3tray.store.store import Store
from t3tray.system.process_identity import start_id
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread
from tests.support.forked import LIMIT, Command, shared_forker


class LeasesOfTheDoomed(Leases):
    """Kills the process after it has spawned the server, before it records it."""

    def record_process(self, token: str, pid: int, process_started: float, process_start: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Owner:
    """The store and server of one t3tray process. Call `close()` at the end. Without a `program` no OpenCode is found."""

    def __init__(self, data: Path, program: ServerProgram, external: ExternalServer | None = None, doomed: bool = False) -> None:
        self.run_sql = SqlThread("sql")
        self.store = Store.open(data, _now)
        self.database = Database(data / "t3tray.sqlite") if doomed else None
        me = psutil.Process()
        self.launches = 0
        self.program: ServerProgram | None = program
        self.server = ManagedServer(
            leases=LeasesOfTheDoomed(self.database) if self.database else self.store.lease,
            run_sql=self.run_sql,
            secrets=Secrets(data),
            holder=LeaseHolder(me.pid, me.create_time(), "command", start_id(me.pid)),
            launch=self._launch,
            logs=data / "logs",
            folder=data,
            external=external,
            now=_now,
            noise=random.Random(1),
        )

    def _launch(self) -> ServerProgram:
        self.launches += 1
        if self.program is None:
            raise BinaryNotFound("There is none.")
        return self.program

    async def close(self) -> None:
        await self.server.close()
        self.run_sql.close()
        self.store.close()
        if self.database:
            self.database.close()


class OtherProcess:
    """An `Owner` in another process. `said` is its output after it had done its task."""

    def __init__(self, process: Command) -> None:
        self.process = process
        line = process.read_line()
        self.said: dict[str, object] = json.loads(line) if line else {}

    @property
    def server_pid(self) -> int:
        pid = self.said["pid"]
        assert isinstance(pid, int)
        return pid

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT)

    def finish(self) -> None:
        """Let it close in order."""
        self.process.close_stdin()
        assert self.process.wait(LIMIT) == 0


@contextmanager
def other_process(data: Path, program: ServerProgram, what: str) -> Iterator[OtherProcess]:
    """Run another t3tray process with this task; kill it at the end if it still runs."""
    words, environment = (str(data), str(program.binary), what), {**os.environ, **program.environment}
    process = shared_forker().start_module("tests.support.server_owner", *words, environment=environment)
    try:
        yield OtherProcess(process)
    finally:
        process.kill()
        process.wait(LIMIT)
        process.close()


async def _act(data: Path, program: ServerProgram, what: str) -> None:
    owner = Owner(data, program, doomed=what == "die-before-record")
    match what:
        case "stop":
            await owner.server.stop()
        case "restart":
            await owner.server.restart()
        case "leave-detached":
            await owner.server.start()
            await owner.server.detach()
        case _:
            await owner.server.ensure_ready()
    print(json.dumps({"pid": owner.server.status.pid, "url": owner.server.status.url}), flush=True)
    if what in ("hold", "restart"):
        await asyncio.to_thread(sys.stdin.readline)
    await owner.close()


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    data, binary, what = sys.argv[1:]
    program = ServerProgram(Path(binary), dict(os.environ), Path.home(), Path(data) / "unpacked")
    asyncio.run(_act(Path(data), program, what))


if __name__ == "__main__":
    main()
