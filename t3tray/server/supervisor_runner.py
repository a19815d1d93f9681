"""What the supervisor decides is done here, on real processes, in one event loop.

It owns the tasks, the timer and the process that this t3tray holds. The rules are `supervisor`'s, the lease is `tenancy`'s. It
never blocks the loop, and what a task meets becomes an event.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from t3tray.domain.server import ServerState, ServerStatus, Wanted
from t3tray.errors import OurBug, ServerDown, ServerFailed, StoreError, T3TrayError, Unauthorized, UnusableConfiguration
from t3tray.opencode.failures import of_output
from t3tray.opencode.health_request import ask_health
from t3tray.server import supervisor_events
from t3tray.server.lease import ExternalServer, Halted, ServerHandle, ServerLease, ServerProgram
from t3tray.server.log import LARGEST, ReadyLine, ServerLog, last_start, tail_of
from t3tray.server.port import is_free
from t3tray.server.supervisor import PROBE_EVERY, Supervisor
from t3tray.server.work_meter import WorkMeter
from t3tray.system.forced_exit import ends_with_us, outlives_us

_log = logging.getLogger(__name__)

# In seconds.
_LOOK_FOR_LINE = 0.02
_LOOK_FOR_WORK = 1.0
_ROTATE_EVERY = 15.0
# A server that was heard so lately lives. OpenCode sends a heartbeat every 10 s.
_HEARD = PROBE_EVERY + 2.0
_WEIGH_EVERY = 60.0
# In bytes: no start has so much to say.
_LARGEST_AT_START = 16 * LARGEST
_TAIL = 20
# Memory that has moved by less, as a part of the whole, is shown as it was.
_MEMORY_STEP = 0.05


class SupervisorRunner:
    """The supervisor's hands. `feed` tells it something and does what it answers."""

    def __init__(
        self,
        supervisor: Supervisor,
        tenancy: ServerLease,
        log: ServerLog,
        launch: Callable[[], ServerProgram],
        external: ExternalServer | None,
        now: Callable[[], datetime],
    ) -> None:
        self.status = ServerStatus(ServerState.STOPPED)
        self.is_closing = False
        # Held by whoever joins, starts or ends a server.
        self.busy = asyncio.Lock()
        self._supervisor = supervisor
        self._tenancy = tenancy
        self._server_log = log
        self._launch = launch
        self._external = external
        self._now = now
        self._told = self.status
        self._until: tuple[float, datetime] | None = None
        self._memory: int | None = None
        self._weighed_at = -math.inf
        self.heard_at = _never
        self._detached = False
        self._callbacks: list[Callable[[ServerStatus], None]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, callback: Callable[[ServerStatus], None]) -> None:
        self._callbacks.append(callback)

    def feed(self, event: supervisor_events.Event) -> None:
        if self.is_closing:
            return
        self._cancel_timer()
        for action in self._supervisor.handle(event, _clock()):
            self._do(action)
        self._tell()
        self._wake_all()

    async def adopt(self) -> bool:
        """Join the server that another process of ours runs, unless the user stopped it. Raises StoreError."""
        async with self.busy:
            sighting = await self._tenancy.find()
            if sighting is None or sighting.process is None or await self._tenancy.wanted() is Wanted.STOPPED:
                return False
            if self._tenancy.tenant or self.is_closing:
                return False
            tenant = await self._tenancy.adopt(sighting)
            if tenant:
                self._move_in(tenant)
            return tenant is not None

    async def next_change(self) -> None:
        """Until anything has happened; it may be nothing that is seen in the status."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change

    async def wait(self, condition: Callable[[], bool], limit: float) -> bool:
        """Until it holds; False when it does not within `limit` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not (condition() or self.is_closing):
                    await self.next_change()
        return condition()

    async def close(self) -> None:
        """Do nothing more by itself, and leave the server: it ends when nobody else uses it."""
        self.is_closing = True
        self._wake_all()
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        tenant = self._tenancy.tenant
        if tenant is None:
            return
        try:
            is_last = await self._tenancy.leave()
        except StoreError as error:
            _log.warning("The lease of the server could not be left: %s", error.message)
            is_last = tenant.is_child
        # One that is in the middle of a long start is left to finish it: the next t3tray finds it by its lease.
        if is_last and not self._supervisor.is_slow:
            await asyncio.to_thread(tenant.process.end)
            try:
                await self._tenancy.bury(tenant.lease)
            except StoreError as error:
                _log.warning("The end of the server could not be recorded: %s", error.message)
        outlives_us(tenant.process.pid)
        self._tenancy.tenant = None

    def cancel(self) -> None:
        self._cancel_timer()
        for task in self._tasks:
            task.cancel()

    def _do(self, action: supervisor_events.Action) -> None:
        tenant = self._tenancy.tenant
        match action:
            case supervisor_events.Spawn():
                self._begin(self._obtain())
            case supervisor_events.Probe(run):
                self._begin(self._probe(run, tenant))
            case supervisor_events.Terminate() if tenant:
                self._begin(asyncio.to_thread(tenant.process.terminate))
            case supervisor_events.Kill() if tenant:
                self._begin(asyncio.to_thread(tenant.process.kill))
            case supervisor_events.WakeAt(at):
                self._timer = asyncio.get_running_loop().call_at(at, self.feed, supervisor_events.Tick())

    def _begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("A task of the server failed.", exc_info=error)

    async def _obtain(self) -> None:
        async with self.busy:
            if self._tenancy.tenant:
                return
            try:
                if await self._tenancy.wanted() is Wanted.STOPPED:
                    raise Halted
                tenant = await self._tenancy.obtain(self._launch, self._detached)
            except Halted:
                self.feed(supervisor_events.Stop())
                self.feed(supervisor_events.SpawnFailed(ServerDown("The server was stopped meanwhile.")))
            except T3TrayError as error:
                self.feed(supervisor_events.SpawnFailed(error, is_final=not isinstance(error, ServerFailed)))
            except Exception as error:
                _log.exception("The server could not be started.")
                self.feed(supervisor_events.SpawnFailed(OurBug(f"Starting the server failed: {error!r}."), is_final=True))
            else:
                self._move_in(tenant)

    def _move_in(self, tenant: ServerHandle) -> None:
        """A process is there: watch it from now on."""
        self._memory, self._weighed_at, self.heard_at = None, -math.inf, _never
        self.feed(supervisor_events.Spawned() if tenant.is_child else supervisor_events.Adopted(tenant.age, tenant.is_orphan))
        run, loop = self._supervisor.run, asyncio.get_running_loop()
        keeping = self._begin(self._keep_log(run, tenant))
        self._begin(self._watch_start(run, tenant))
        if tenant.is_child and not self._detached:
            ends_with_us(tenant.process.pid, tenant.process.kill)

        def on_end(code: int | None) -> None:
            outlives_us(tenant.process.pid)
            keeping.cancel()
            if not self.is_closing:
                self._begin(self._after_end(run, tenant, code))

        def ended(code: int | None) -> None:
            with suppress(RuntimeError):  # the loop may have ended before the server
                loop.call_soon_threadsafe(on_end, code)

        tenant.process.watch(ended)

    async def _after_end(self, run: int, tenant: ServerHandle, code: int | None) -> None:
        wanted = Wanted.RUNNING
        try:
            wanted = await self._tenancy.wanted()
            # What takes its place stays as it would have stayed.
            self._detached = wanted is Wanted.RUNNING and await self._tenancy.is_detached(tenant.lease.token)
            await self._tenancy.bury(tenant.lease)
        except StoreError as error:
            _log.warning("The end of the server could not be recorded: %s", error.message)
            self._tenancy.tenant = None
        reason, tail = await self._reason(tenant, code), await self._tail(tenant)
        if isinstance(reason, UnusableConfiguration):
            tail = ""  # it quotes the file, which may hold keys
        if wanted is Wanted.STOPPED:
            self.feed(supervisor_events.Stop())
        self.feed(supervisor_events.Exited(run, reason, tail))

    async def _reason(self, tenant: ServerHandle, code: int | None) -> T3TrayError:
        if tenant.output_begin is not None and (broken := await asyncio.to_thread(self._unusable_configuration)):
            return broken
        return ServerFailed(await self._how(tenant, code))

    def _unusable_configuration(self) -> UnusableConfiguration | None:
        with suppress(OSError):
            said = of_output(last_start(self._server_log.path))
            return said[0] if said else None
        return None

    async def _how(self, tenant: ServerHandle, code: int | None) -> str:
        # It has no words for a port that another program took.
        if self._supervisor.state is ServerState.STARTING and not await asyncio.to_thread(is_free, tenant.lease.port):
            return f"Another program took port {tenant.lease.port} before OpenCode could."
        if code is None:
            return "OpenCode's server ended unexpectedly."
        how = f"it was ended by signal {-code}" if code < 0 else f"it exited with code {code}"
        return f"OpenCode's server ended unexpectedly ({how})."

    async def _tail(self, tenant: ServerHandle) -> str:
        if tenant.output_begin is None:
            return ""
        try:
            return await asyncio.to_thread(tail_of, self._server_log.path, _TAIL, tenant.output_begin)
        except OSError as error:
            return f"(The log cannot be read: {error.strerror or error}.)"

    async def _keep_log(self, run: int, tenant: ServerHandle) -> None:
        """Tell when it says that it listens; later keep its log small."""
        if tenant.output_begin is not None:
            line = ReadyLine(self._server_log.path, tenant.output_begin)
            while self._supervisor.state is ServerState.STARTING and not await asyncio.to_thread(line.is_there):
                # A program that says no end of things must not fill the disk for as long as it is waited for.
                with suppress(OSError):
                    if await asyncio.to_thread(self._server_log.rotate, _LARGEST_AT_START):
                        line = ReadyLine(self._server_log.path, 0)
                await asyncio.sleep(_LOOK_FOR_LINE)
            self.feed(supervisor_events.Announced(run))
        while True:
            await asyncio.sleep(_ROTATE_EVERY)
            try:
                await asyncio.to_thread(self._server_log.rotate)
            except OSError as error:
                _log.warning("The server's log could not be rotated: %s", error)

    async def _watch_start(self, run: int, tenant: ServerHandle) -> None:
        """Tell whenever it has worked, as long as it starts."""
        meter = await asyncio.to_thread(WorkMeter, tenant.process.pid, self._server_log.path if tenant.is_child else None)
        while self._supervisor.state is ServerState.STARTING and self._supervisor.run == run:
            await asyncio.sleep(_LOOK_FOR_WORK)
            if await asyncio.to_thread(meter.has_worked):
                self.feed(supervisor_events.Worked(run))

    async def _probe(self, run: int, tenant: ServerHandle | None) -> None:
        try:
            version = await self._ask(tenant)
        except T3TrayError as error:
            self.feed(supervisor_events.Missed(run, error))
            return
        except Exception as error:
            # Whatever it is, somebody waits for an answer.
            _log.exception("The server could not be asked.")
            self.feed(supervisor_events.Missed(run, OurBug(f"The server could not be asked: {type(error).__name__}: {error}.")))
            return
        self.feed(supervisor_events.Answered(run, version))
        if tenant and _clock() - self._weighed_at >= _WEIGH_EVERY:
            self._weighed_at = _clock()
            memory = await asyncio.to_thread(tenant.process.memory)
            if memory is None or abs(memory - (self._memory or 0)) > _MEMORY_STEP * memory:
                self._memory = memory
                self._tell()

    async def _ask(self, tenant: ServerHandle | None) -> str:
        if self._is_heard():
            return self._supervisor.version
        if self._external:
            return await ask_health(self._external.url, self._external.password, user=self._external.user)
        if tenant is None:
            raise ServerDown("The server's process is gone.")
        if tenant.password is None:
            raise Unauthorized("The password of the running server is not kept any more.", "Restart the server.")
        program = await asyncio.to_thread(tenant.process.program)
        return await ask_health(tenant.url, tenant.password, program)

    def _is_heard(self) -> bool:
        """Whether the server showed by its events that it goes on as it was found."""
        now = self._supervisor
        is_good = now.state in (ServerState.READY, ServerState.EXTERNAL) and now.failure is None
        return is_good and time.monotonic() - self.heard_at() < _HEARD

    def _tell(self) -> None:
        now, tenant = self._supervisor, self._tenancy.tenant
        self.status = ServerStatus(
            state=now.state,
            url=self._external.url if self._external else tenant.url if tenant else "",
            pid=tenant.process.pid if tenant else None,
            version=now.version,
            until=self._moment(now.until),
            attempt=now.attempt,
            reason=now.failure.message if now.failure else self._told_of_start(tenant) if now.is_slow else "",
            log_tail=now.log_tail,
            memory=self._memory if tenant else None,
        )
        if _is_news(self._told, self.status):
            self._told = self.status
            for callback in self._callbacks:
                callback(self.status)

    def _told_of_start(self, tenant: ServerHandle | None) -> str:
        since = f" since {tenant.lease.created_at.astimezone():%H:%M:%S}" if tenant else ""
        return f"OpenCode has been starting{since} and is at work; an update of its database can take many minutes."

    def _moment(self, until: float | None) -> datetime | None:
        """The same moment each time that it is told."""
        if until is None:
            return None
        if self._until is None or self._until[0] != until:
            self._until = until, self._now() + timedelta(seconds=until - _clock())
        return self._until[1]

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _never() -> float:
    return -math.inf


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _is_news(old: ServerStatus, new: ServerStatus) -> bool:
    """Not that its memory is another than before: that is seen when something else is looked at."""
    return replace(old, memory=None) != replace(new, memory=None) or (old.memory is None) != (new.memory is None)
