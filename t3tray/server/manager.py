"""The managed server as the rest of t3tray sees it: have it ready, start it, stop it, leave it.

It owns the order of what a wish takes: what the user wants is recorded first, then told to the supervisor. It never ends a server
that is not ours.
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
from t3tray.domain.versions import trouble_with_version
from t3tray.errors import OurBug, Refused, ServerDown, ServerFailed, StoreError, T3TrayError, TimedOut, UnsupportedVersion
from t3tray.opencode.binary import version_of
from t3tray.server import supervisor_events
from t3tray.server.health import look_at_external, look_at_managed, look_at_stray
from t3tray.server.lease import ExternalServer, ServerLease, ServerProgram
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

# In seconds. So long somebody waits for a server that shows no sign of life; and altogether.
READY_LIMIT = 75.0
PATIENCE = 600.0
STOP_LIMIT = 10.0
CLOSE_LIMIT = 5.0
_FIRST_ANSWER = 1.5
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Endpoint:
    """A server that answered. `password` is None where it asks for none."""

    url: str
    password: str | None
    version: str
    user: str = SERVER_USER


class ManagedServer:
    """One process's part in the server, used from one event loop. `close()` ends what only this process uses.

    All that bring an endpoint raise a ServerError, ServerFailed (with the end of its log), BinaryNotFound or StoreError.
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
        """`launch` may block: it is called in a worker thread, each time that a server is started. `logs` is a folder,
        and `folder` the data folder that the server belongs to."""
        self._launch = launch
        self._folder = folder
        log = ServerLog(logs)
        self.log_path = log.path
        self._external = external
        # The server that another process of ours started, as it was seen last.
        self._seen: int | None = None
        self._tenancy = ServerLease(leases, run_sql, secrets, holder, log, now, folder)
        self._supervisor = Supervisor(noise, external=external is not None)
        self._running = SupervisorRunner(self._supervisor, self._tenancy, log, launch, external, now)

    @property
    def status(self) -> ServerStatus:
        """What this process knows; `look` finds out."""
        return self._running.status

    @property
    def is_external(self) -> bool:
        """Whether a server that is not ours serves."""
        return self._external is not None

    @property
    def started_at(self) -> datetime | None:
        """When the process of the server was started; None where that is not known."""
        try:
            return datetime.fromtimestamp(psutil.Process(self.status.pid).create_time(), UTC) if self.status.pid else None
        except psutil.Error:
            return None

    def subscribe(self, callback: Callable[[ServerStatus], None]) -> None:
        """Called in the loop after each change."""
        self._running.subscribe(callback)

    def hear_by(self, heard_at: Callable[[], float]) -> None:
        """`heard_at` returns when the server that runs now was last heard by its events (`time.monotonic`, in s): it need not be
        asked for its health soon after."""
        self._running.heard_at = heard_at

    async def look(self) -> ServerStatus:
        """What is true now; nothing is started, joined or changed. Raises StoreError."""
        if self._external:
            return await look_at_external(self._external)
        found = await look_at_managed(self._tenancy)
        self._seen = found.pid
        return found

    async def sight(self) -> None:
        """Know the process of the server that another process of ours started, also while it is about to be joined: its turns are
        no other program's. Raises StoreError."""
        if self._external is None and self.status.pid is None:
            sighting = await self._tenancy.find()
            self._seen = sighting.process.pid if sighting and sighting.process else None

    async def look_for_stray(self, known: ServerStatus) -> ServerStatus:
        """`known`, as `look` told it; where that is no server, one that our data do not name, if such a one runs."""
        if self._external or known.state is not ServerState.STOPPED or known.reason:
            return known
        return await look_at_stray(self._folder) or known

    def own_pids(self) -> frozenset[int]:
        """The processes that serve us, as far as they are known: also the one that another process of ours started, and that of
        an external server. It blocks."""
        external = httpx.URL(self._external.url) if self._external else None
        serving = listener(external.port or 80) if external and external.host in _LOCAL else None
        known = (self.status.pid, self._seen, serving)
        return frozenset(process.pid for pid in known if pid for process in serving_of(pid))

    async def sync(self) -> None:
        """Join the server that another process of ours has started, if there is one and we hold none; none is ever started.

        Raises StoreError.
        """
        if self._running.is_closing:
            return
        if self._external:
            if self._supervisor.state is ServerState.STOPPED:
                self._running.feed(supervisor_events.Need())
                await self._running.wait(lambda: not self._supervisor.is_probing, 2 * _FIRST_ANSWER)
        elif self._supervisor.is_idle and await self._running.adopt():
            await self._running.wait(lambda: self._supervisor.state is not ServerState.STARTING, _FIRST_ANSWER)

    async def ensure_ready(self) -> Endpoint:
        """The server, when it is ready: ours that runs, else a new one. After `stop()` it is refused until `start()`."""
        if not self._external and self._supervisor.state in (ServerState.STOPPED, ServerState.FAILED):
            await self._agree()
        self._running.feed(supervisor_events.Need())
        return await self._endpoint()

    async def start(self) -> Endpoint:
        """The user's: it is to run, and what failed before is forgotten."""
        if not self._external:
            await self._tenancy.want(Wanted.RUNNING)
        self._running.feed(supervisor_events.Start())
        return await self._endpoint()

    async def stop(self) -> None:
        """The user's: it ends, whoever holds it, and stays so. Raises Refused for an external one, ServerFailed, StoreError."""
        self._refuse_external("stopped")
        await self._tenancy.refuse_elsewhere()
        try:
            await self._tenancy.want(Wanted.STOPPED)
        except StoreError as error:
            # That it is to stay so cannot be recorded; it can be ended all the same.
            _log.warning("It could not be recorded that no server is wanted: %s", error.message)
        self._running.feed(supervisor_events.Stop())
        if not await self._running.wait(lambda: self._supervisor.is_idle, STOP_LIMIT):
            raise ServerFailed(f"The server's process {self.status.pid} does not end.", "End it yourself.")
        async with self._running.busy:
            await self._tenancy.clear(STOP_LIMIT)

    async def retire(self) -> bool:
        """End the server that only this process uses, until somebody needs one again. False when others use it, or none runs."""
        if self._external or self._supervisor.state is not ServerState.READY or await self.outlives_us():
            return False
        self._running.feed(supervisor_events.Retire())
        return await self._running.wait(lambda: self._supervisor.is_idle, STOP_LIMIT)

    async def restart(self) -> Endpoint:
        """The user's: another process of it, whoever holds the old one. Raises Refused for an external one too. A good server is
        not ended where none could take its place."""
        self._refuse_external("restarted")
        await self._tenancy.refuse_elsewhere()
        await self._refuse_unfit_program()
        await self._tenancy.want(Wanted.RUNNING)
        if self._supervisor.is_idle:
            async with self._running.busy:
                await self._tenancy.clear(STOP_LIMIT)
        self._running.feed(supervisor_events.Restart())
        return await self._endpoint()

    async def forget_elsewhere(self) -> bool:
        """The user's: the machine that started the server is gone for good. False where none has. Raises StoreError."""
        return await self._tenancy.forget_elsewhere()

    async def detach(self) -> None:
        """The server that we hold stays when nobody holds it. Raises StoreError."""
        await self._tenancy.detach()

    async def hand_over(self) -> None:
        """This process becomes OpenCode in a terminal: `close` leaves the server as held by it. Raises StoreError."""
        await self._tenancy.hand_over()

    async def outlives_us(self) -> bool:
        """Whether a server runs that stays when this process leaves it. Raises StoreError."""
        if self._external:
            return True
        sighting = await self._tenancy.find()
        return sighting is not None and sighting.process is not None and (sighting.lease.detached or bool(sighting.others))

    async def close(self) -> None:
        """Leave the server, and end it when nobody else uses it; within 5 s. A second call does nothing."""
        if self._running.is_closing:
            return
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._running.close()
        except TimeoutError:
            _log.warning("The server could not be left in order within %s seconds.", CLOSE_LIMIT)
        finally:
            await self._leave_nothing()

    async def _leave_nothing(self) -> None:
        """What could not be left in order in time: a server that we started is not left behind."""
        self._running.cancel()
        tenant = self._tenancy.tenant
        if tenant and tenant.is_child:
            await asyncio.to_thread(tenant.process.kill)

    async def _agree(self) -> None:
        """Somebody needs a server that the user had stopped, in another process or at another time: it is wanted again."""
        if self._supervisor.wanted is not Wanted.STOPPED and await self._tenancy.wanted() is Wanted.STOPPED:
            await self._tenancy.want(Wanted.RUNNING)

    async def _endpoint(self) -> Endpoint:
        clock = asyncio.get_running_loop().time
        began = clock()
        limit = began + READY_LIMIT
        while (endpoint := self._outcome()) is None:
            if self._supervisor.is_slow:
                limit = max(limit, min(clock() + READY_LIMIT, began + PATIENCE))
            try:
                async with asyncio.timeout_at(limit):
                    await self._running.next_change()
            except TimeoutError:
                raise self._too_slow(clock() - began) from None
        return endpoint

    def _too_slow(self, waited: float) -> TimedOut:
        if self._supervisor.is_slow:
            told = f"The server is not ready after {waited:.0f} seconds. {self._running.status.reason}"
            return TimedOut(told, "It is left to finish. Try again later; `t3tray server status` tells how it stands.")
        return TimedOut(f"The server was not ready within {waited:.0f} seconds.")

    def _outcome(self) -> Endpoint | None:
        """The endpoint; None while it is open. Raises what became of it instead."""
        now, tenant, external = self._supervisor, self._tenancy.tenant, self._external
        if self._running.is_closing:
            raise ServerDown("t3tray is about to end.")
        if external:
            if now.failure and not now.is_probing:
                raise _as_new(now.failure, "")
            is_good = now.state is ServerState.EXTERNAL and not now.failure
            return Endpoint(external.url, external.password, now.version, external.user) if is_good else None
        match now.state:
            case ServerState.READY if tenant:
                return Endpoint(tenant.url, tenant.password, now.version)
            case ServerState.STOPPED:
                raise ServerDown("The server was stopped.", "Start it: `t3tray server start`.")
            case ServerState.FAILED:
                raise _as_new(now.failure, now.log_tail)
            case ServerState.UNRESPONSIVE if not now.is_probing:
                raise _as_new(now.failure, "")
        return None

    async def _refuse_unfit_program(self) -> None:
        """Raises BinaryNotFound or UnsupportedVersion."""
        program = await asyncio.to_thread(self._launch)
        trouble, hint = trouble_with_version(await version_of(program.binary, program.environment), str(program.binary))
        if trouble:
            raise UnsupportedVersion(f"{trouble} The server that runs was left as it is.", hint)

    def _refuse_external(self, what: str) -> None:
        if self._external:
            raise Refused(f"The server at {self._external.url} is not t3tray's own, so it is not {what}.")


def _as_new(error: T3TrayError | None, log_tail: str) -> T3TrayError:
    """The same error for each who asks, since one that is raised again and again would grow a traceback."""
    if error is None:
        return OurBug("The server is not ready, and nobody knows why.")
    said = f"{error.message} The end of its log:\n{log_tail}" if log_tail else error.message
    return type(error)(said, error.hint)
