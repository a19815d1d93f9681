"""The interface to the managed server: make it ready, start it, stop it, leave it.

What the user wants is recorded first, then passed to the supervisor. A server that is not ours is never ended.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from t3tray.domain.server import ServerState, ServerStatus, Wanted
from t3tray.errors import OurBug, Refused, ServerDown, ServerFailed, StoreError, T3TrayError, TimedOut, UnsupportedVersion
from t3tray.messages.server import KEEPS_STARTING, not_ready_yet, with_log
from t3tray.messages.versions import trouble_with_version
from t3tray.opencode.binary import version_of
from t3tray.server import supervisor_events
from t3tray.server.handles import ExternalServer, ServerProgram
from t3tray.server.health import external_status, managed_status, stray_status
from t3tray.server.lease import ServerLease
from t3tray.server.log import ServerLog
from t3tray.server.process_family import serving as serving_of
from t3tray.server.supervisor import Supervisor
from t3tray.server.supervisor_runner import SupervisorRunner
from t3tray.store.server_lease import LeaseHolder, Leases
from t3tray.system.environment import SERVER_USER
from t3tray.system.other_processes import listener
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread

_log = logging.getLogger(__name__)

# In seconds: how long a caller waits for a server without activity, and altogether.
READY_LIMIT = 75.0
PATIENCE = 600.0
STOP_LIMIT = 10.0
CLOSE_LIMIT = 5.0
_FIRST_ANSWER = 1.5
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Endpoint:
    """Address of a server that has answered. `password` is None for a server without one."""

    url: str
    password: str | None
    version: str
    user: str = SERVER_USER


class ManagedServer:
    """This process's use of the server, from one event loop. `close()` ends a server that only this process uses.

    Methods that return an Endpoint raise a ServerError, ServerFailed (with the end of the log), BinaryNotFound or StoreError.
    """

    def __init__(
        self,
        *,
        leases: Leases,
        run_sql: SqlThread,
        secrets: Secrets,
        holder: LeaseHolder,
        launch: Callable[[], ServerProgram],
        logs: Path,
        folder: Path,
        external: ExternalServer | None,
        now: Callable[[], datetime],
        noise: random.Random,
    ) -> None:
        """`launch` may block: it is called in a worker thread, each time a server is started. `logs` is the folder of the log,
        `folder` the server's data folder."""
        self._launch = launch
        self._folder = folder
        log = ServerLog(logs)
        self.log_path = log.path
        self._external = external
        # Pid of the server that another process of ours started, when it was last read.
        self._seen: int | None = None
        self._lease = ServerLease(leases, run_sql, secrets, holder, log, now, folder)
        self._supervisor = Supervisor(noise, external=external is not None)
        self._runner = SupervisorRunner(self._supervisor, self._lease, log, launch, external, now)

    @property
    def status(self) -> ServerStatus:
        """The last known status; `read_status` reads the current one."""
        return self._runner.status

    @property
    def is_external(self) -> bool:
        """Whether an external server is used."""
        return self._external is not None

    @property
    def started_at(self) -> datetime | None:
        """Start time of the server's process; None where it is not known."""
        try:
            return datetime.fromtimestamp(psutil.Process(self.status.pid).create_time(), UTC) if self.status.pid else None
        except psutil.Error:
            return None

    def subscribe(self, callback: Callable[[ServerStatus], None]) -> None:
        """Call `callback` in the event loop after each change."""
        self._runner.subscribe(callback)

    def set_last_event(self, last_event_at: Callable[[], float]) -> None:
        """Set the function that returns the time of the server's last event (`time.monotonic`, in seconds). Health requests are
        skipped soon after an event."""
        self._runner.last_event_at = last_event_at

    async def read_status(self) -> ServerStatus:
        """Read the current status; nothing is started, joined or changed. Raises StoreError."""
        if self._external:
            return await external_status(self._external)
        found = await managed_status(self._lease)
        self._seen = found.pid
        return found

    async def sight(self) -> None:
        """Record the pid of the server that another process of ours started, also before it is joined, so that its turns do not
        count as another program's. Raises StoreError."""
        if self._external is None and self.status.pid is None:
            sighting = await self._lease.find()
            self._seen = sighting.process.pid if sighting and sighting.process else None

    async def with_stray(self, known: ServerStatus) -> ServerStatus:
        """Return `known` (from `read_status`), or where that is no server the status of one that our data does not record."""
        if self._external or known.state is not ServerState.STOPPED or known.reason:
            return known
        return await stray_status(self._folder) or known

    def own_pids(self) -> frozenset[int]:
        """Return the known pids of the server, also one that another process of ours started, or an external one. Blocks."""
        external = httpx.URL(self._external.url) if self._external else None
        serving = listener(external.port or 80) if external and external.host in _LOCAL else None
        known = (self.status.pid, self._seen, serving)
        return frozenset(process.pid for pid in known if pid for process in serving_of(pid))

    async def sync(self) -> None:
        """Join the server that another process of ours has started, if this one holds none. Never starts a server.

        Raises StoreError.
        """
        if self._runner.is_closing:
            return
        if self._external:
            if self._supervisor.state is ServerState.STOPPED:
                self._runner.feed(supervisor_events.Need())
                await self._runner.wait(lambda: not self._supervisor.is_probing, 2 * _FIRST_ANSWER)
        elif self._supervisor.is_idle and await self._runner.adopt():
            await self._runner.wait(lambda: self._supervisor.state is not ServerState.STARTING, _FIRST_ANSWER)

    async def ensure_ready(self) -> Endpoint:
        """Return the running server, or start one and wait until it is ready. Refused between `stop()` and `start()`."""
        if not self._external and self._supervisor.state in (ServerState.STOPPED, ServerState.FAILED):
            await self._want_again()
        self._runner.feed(supervisor_events.Need())
        return await self._endpoint()

    async def start(self) -> Endpoint:
        """Start the server on the user's request; earlier failures no longer count."""
        if not self._external:
            await self._lease.want(Wanted.RUNNING)
        self._runner.feed(supervisor_events.Start())
        return await self._endpoint()

    async def stop(self) -> None:
        """Stop the server on the user's request, for all its users, until it is started again.

        Raises Refused for an external server, ServerFailed, StoreError.
        """
        self._refuse_external("stopped")
        await self._lease.refuse_elsewhere()
        try:
            await self._lease.want(Wanted.STOPPED)
        except StoreError as error:
            # The wish cannot be recorded, but the server can still be ended.
            _log.warning("It could not be recorded that no server is wanted: %s", error.message)
        self._runner.feed(supervisor_events.Stop())
        if not await self._runner.wait(lambda: self._supervisor.is_idle, STOP_LIMIT):
            pid = self.status.pid
            if pid is None:
                raise ServerFailed("The server is still starting and could not be stopped yet.", "Try again in a moment.")
            raise ServerFailed(f"Could not stop the server (process {pid}).", f"Stop it with: kill {pid}")
        async with self._runner.busy:
            await self._lease.clear(STOP_LIMIT)

    async def retire(self) -> bool:
        """End a server that only this process uses, until one is needed again. Return False when others use it or none runs."""
        if self._external or self._supervisor.state is not ServerState.READY or await self.outlives_us():
            return False
        self._runner.feed(supervisor_events.Retire())
        return await self._runner.wait(lambda: self._supervisor.is_idle, STOP_LIMIT)

    async def restart(self) -> Endpoint:
        """Replace the server process on the user's request, for all its users. A working server is kept when the program to start
        is missing or unsupported. Raises Refused for an external server."""
        self._refuse_external("restarted")
        await self._lease.refuse_elsewhere()
        await self._refuse_unfit_program()
        await self._lease.want(Wanted.RUNNING)
        if self._supervisor.is_idle:
            async with self._runner.busy:
                await self._lease.clear(STOP_LIMIT)
        self._runner.feed(supervisor_events.Restart())
        return await self._endpoint()

    async def forget_elsewhere(self) -> bool:
        """Discard the lease of a server on another machine that is gone for good. Return False where there is none.

        Raises StoreError.
        """
        return await self._lease.forget_elsewhere()

    async def detach(self) -> None:
        """Let the server keep running when no process holds it. Raises StoreError."""
        await self._lease.detach()

    async def hand_over(self) -> None:
        """Keep the server held by this pid, which becomes OpenCode in a terminal, after `close`. Raises StoreError."""
        await self._lease.hand_over()

    async def outlives_us(self) -> bool:
        """Return whether the running server stays when this process leaves it. Raises StoreError."""
        if self._external:
            return True
        sighting = await self._lease.find()
        return sighting is not None and sighting.process is not None and (sighting.lease.detached or bool(sighting.others))

    async def close(self) -> None:
        """Leave the server within 5 s, and end it when no other process uses it. A second call does nothing."""
        if self._runner.is_closing:
            return
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._runner.close()
        except TimeoutError:
            _log.warning("The server could not be closed properly within %s seconds.", CLOSE_LIMIT)
        finally:
            await self._kill_child()

    async def _kill_child(self) -> None:
        """Kill a server that this process started, when it could not be closed in time."""
        self._runner.cancel()
        handle = self._lease.handle
        if handle and handle.is_child:
            await asyncio.to_thread(handle.process.kill)

    async def _want_again(self) -> None:
        """Record that a server is wanted again, when the user had stopped it in another process or earlier."""
        if self._supervisor.wanted is not Wanted.STOPPED and await self._lease.wanted() is Wanted.STOPPED:
            await self._lease.want(Wanted.RUNNING)

    async def _endpoint(self) -> Endpoint:
        clock = asyncio.get_running_loop().time
        began = clock()
        limit = began + READY_LIMIT
        while (endpoint := self._outcome()) is None:
            if self._supervisor.is_slow:
                limit = max(limit, min(clock() + READY_LIMIT, began + PATIENCE))
            try:
                async with asyncio.timeout_at(limit):
                    await self._runner.next_change()
            except TimeoutError:
                raise self._too_slow(clock() - began) from None
        return endpoint

    def _too_slow(self, waited: float) -> TimedOut:
        if self._supervisor.is_slow:
            return TimedOut(not_ready_yet(waited, self._runner.status.reason), KEEPS_STARTING)
        return TimedOut(f"The server was not ready within {waited:.0f} seconds.")

    def _outcome(self) -> Endpoint | None:
        """Return the endpoint, or None while the server is starting. Raises the error that prevents it."""
        now, handle, external = self._supervisor, self._lease.handle, self._external
        if self._runner.is_closing:
            raise ServerDown("t3tray is shutting down.")
        if external:
            if now.failure and not now.is_probing:
                raise _as_new(now.failure, "")
            is_good = now.state is ServerState.EXTERNAL and not now.failure
            return Endpoint(external.url, external.password, now.version, external.user) if is_good else None
        match now.state:
            case ServerState.READY if handle:
                return Endpoint(handle.url, handle.password, now.version)
            case ServerState.STOPPED:
                raise ServerDown("The server was stopped.", "Start it: `t3tray server start`.")
            case ServerState.FAILED:
                raise _as_new(now.failure, now.log_tail)
            case ServerState.UNRESPONSIVE if not now.is_probing:
                raise _as_new(now.failure, "")
        return None

    async def _refuse_unfit_program(self) -> None:
        """Check the program that would be started. Raises BinaryNotFound or UnsupportedVersion."""
        program = await asyncio.to_thread(self._launch)
        trouble, hint = trouble_with_version(await version_of(program.binary, program.environment), str(program.binary))
        if trouble:
            raise UnsupportedVersion(f"{trouble} The running server was not changed.", hint)

    def _refuse_external(self, action: str) -> None:
        if self._external:
            raise Refused(f"The server at {self._external.url} is not t3tray's own, so it is not {action}.")


def _as_new(error: T3TrayError | None, log_tail: str) -> T3TrayError:
    """Return a copy of the error for each caller: raising the same object repeatedly would let its traceback grow."""
    if error is None:
        return OurBug("The server is not ready, for an unknown reason.")
    message = with_log(error.message, log_tail) if log_tail else error.message
    return type(error)(message, error.hint)
