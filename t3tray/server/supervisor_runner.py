"""Executes the supervisor's actions on real processes, in one event loop.

Owns the tasks, the timer and the server process of this t3tray. The rules are in `supervisor`, the lease in `lease`. Never blocks
the event loop; the result of each task becomes an event.
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
from t3tray.messages.server import ENDED_UNEXPECTEDLY, ended_with, is_starting, log_tail_unreadable, port_taken
from t3tray.opencode.failures import of_output
from t3tray.opencode.health_request import ask_health
from t3tray.server import supervisor_events
from t3tray.server.handles import ExternalServer, ServerHandle, ServerProgram
from t3tray.server.lease import Halted, ServerLease
from t3tray.server.log import LARGEST, ReadyLine, ServerLog, last_start, tail_of
from t3tray.server.port import is_free
from t3tray.server.supervisor import PROBE_EVERY, Supervisor
from t3tray.server.work_meter import WorkMeter
from t3tray.system.forced_exit import ends_with_us, outlives_us
from t3tray.system.tasks import OwnTasks

_log = logging.getLogger(__name__)

# In seconds.
_LOOK_FOR_LINE = 0.02
LOOK_FOR_WORK = 1.0
ROTATE_EVERY = 15.0
# A server whose last event is not older needs no health request. OpenCode sends a heartbeat every 10 s.
_RECENT = PROBE_EVERY + 2.0
_READ_MEMORY_EVERY = 60.0
# In bytes: the log is rotated earlier only when a start prints more.
_LARGEST_AT_START = 16 * LARGEST
_TAIL = 20
# Relative change of the memory below which the shown value stays.
_MEMORY_STEP = 0.05


class SupervisorRunner:
    """Executes the supervisor's actions. `feed(event)` passes an event to the supervisor and performs the actions it returns."""

    def __init__(
        self,
        supervisor: Supervisor,
        lease: ServerLease,
        log: ServerLog,
        launch: Callable[[], ServerProgram],
        external: ExternalServer | None,
        now: Callable[[], datetime],
    ) -> None:
        self.status = ServerStatus(ServerState.STOPPED)
        self.is_closing = False
        # Held while a server is joined, started or ended.
        self.busy = asyncio.Lock()
        self._supervisor = supervisor
        self._lease = lease
        self._server_log = log
        self._launch = launch
        self._external = external
        self._now = now
        self._published = self.status
        self._until: tuple[float, datetime] | None = None
        self._memory: int | None = None
        self._memory_read_at = -math.inf
        self.last_event_at = _never
        self._detached = False
        self._callbacks: list[Callable[[ServerStatus], None]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._tasks = OwnTasks()
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, callback: Callable[[ServerStatus], None]) -> None:
        self._callbacks.append(callback)

    def feed(self, event: supervisor_events.Event) -> None:
        if self.is_closing:
            return
        self._cancel_timer()
        for action in self._supervisor.handle(event, _clock()):
            self._do(action)
        self._publish()
        self._wake_all()

    async def adopt(self) -> bool:
        """Join the server that another process of ours started, unless the user stopped it. Raises StoreError."""
        async with self.busy:
            sighting = await self._lease.find()
            if sighting is None or sighting.process is None or await self._lease.wanted() is Wanted.STOPPED:
                return False
            if self._lease.handle or self.is_closing:
                return False
            handle = await self._lease.adopt(sighting)
            if handle:
                self._watch_process(handle)
            return handle is not None

    async def next_change(self) -> None:
        """Wait for the next event; it may leave the status unchanged."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change

    async def wait(self, condition: Callable[[], bool], limit: float) -> bool:
        """Wait until the condition is true, for at most `limit` seconds, and return whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not (condition() or self.is_closing):
                    await self.next_change()
        return condition()

    async def close(self) -> None:
        """Stop all tasks and leave the server, which is ended when no other process uses it."""
        self.is_closing = True
        self._wake_all()
        self._cancel_timer()
        await self._tasks.end()
        handle = self._lease.handle
        if handle is None:
            return
        try:
            is_last = await self._lease.leave()
        except StoreError as error:
            _log.warning("The lease of the server could not be left: %s", error.message)
            is_last = handle.is_child
        # A server in a long start keeps running: the next t3tray finds it by its lease.
        if is_last and not self._supervisor.is_slow:
            await asyncio.to_thread(handle.process.end)
            try:
                await self._lease.remove(handle.lease)
            except StoreError as error:
                _log.warning("The end of the server could not be recorded: %s", error.message)
        outlives_us(handle.process.pid)
        self._lease.handle = None

    def cancel(self) -> None:
        self._cancel_timer()
        self._tasks.cancel()

    def _do(self, action: supervisor_events.Action) -> None:
        handle = self._lease.handle
        match action:
            case supervisor_events.Spawn():
                self._begin(self._obtain())
            case supervisor_events.Probe(run):
                self._begin(self._probe(run, handle))
            case supervisor_events.Terminate() if handle:
                self._begin(asyncio.to_thread(handle.process.terminate))
            case supervisor_events.Kill() if handle:
                self._begin(asyncio.to_thread(handle.process.kill))
            case supervisor_events.WakeAt(at):
                self._timer = asyncio.get_running_loop().call_at(at, self.feed, supervisor_events.Tick())

    def _begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._tasks.start(work)
        task.add_done_callback(self._log_failure)
        return task

    @staticmethod
    def _log_failure(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _log.error("A task of the server failed.", exc_info=error)

    async def _obtain(self) -> None:
        async with self.busy:
            if self._lease.handle:
                return
            try:
                if await self._lease.wanted() is Wanted.STOPPED:
                    raise Halted
                handle = await self._lease.obtain(self._launch, self._detached)
            except Halted:
                self.feed(supervisor_events.Stop())
                self.feed(supervisor_events.SpawnFailed(ServerDown("The server was stopped meanwhile.")))
            except T3TrayError as error:
                self.feed(supervisor_events.SpawnFailed(error, is_final=not isinstance(error, ServerFailed)))
            except Exception as error:
                _log.exception("The server could not be started.")
                self.feed(supervisor_events.SpawnFailed(OurBug(f"Starting the server failed: {error!r}."), is_final=True))
            else:
                self._watch_process(handle)

    def _watch_process(self, handle: ServerHandle) -> None:
        """Start to watch a server process."""
        self._memory, self._memory_read_at, self.last_event_at = None, -math.inf, _never
        self.feed(supervisor_events.Spawned() if handle.is_child else supervisor_events.Adopted(handle.age, handle.is_orphan))
        run, loop = self._supervisor.run, asyncio.get_running_loop()
        keeping = self._begin(self._keep_log(run, handle))
        self._begin(self._watch_start(run, handle))
        if handle.is_child and not self._detached:
            ends_with_us(handle.process.pid, handle.process.kill)

        def on_end(code: int | None) -> None:
            outlives_us(handle.process.pid)
            keeping.cancel()
            if not self.is_closing:
                self._begin(self._after_end(run, handle, code))

        def ended(code: int | None) -> None:
            with suppress(RuntimeError):  # the loop may have ended before the server
                loop.call_soon_threadsafe(on_end, code)

        handle.process.watch(ended)

    async def _after_end(self, run: int, handle: ServerHandle, code: int | None) -> None:
        wanted = Wanted.RUNNING
        try:
            wanted = await self._lease.wanted()
            # Its replacement is detached if it was.
            self._detached = wanted is Wanted.RUNNING and await self._lease.is_detached(handle.lease.token)
            await self._lease.remove(handle.lease)
        except StoreError as error:
            _log.warning("The end of the server could not be recorded: %s", error.message)
            self._lease.handle = None
        reason, tail = await self._reason(handle, code), await self._tail(handle)
        if isinstance(reason, UnusableConfiguration):
            tail = ""  # it quotes the file, which may hold keys
        if wanted is Wanted.STOPPED:
            self.feed(supervisor_events.Stop())
        self.feed(supervisor_events.Exited(run, reason, tail))

    async def _reason(self, handle: ServerHandle, code: int | None) -> T3TrayError:
        if handle.output_begin is not None and (broken := await asyncio.to_thread(self._unusable_configuration)):
            return broken
        return ServerFailed(await self._how(handle, code))

    def _unusable_configuration(self) -> UnusableConfiguration | None:
        with suppress(OSError):
            errors = of_output(last_start(self._server_log.path))
            return errors[0] if errors else None
        return None

    async def _how(self, handle: ServerHandle, code: int | None) -> str:
        # OpenCode prints nothing when another program has taken its port.
        if self._supervisor.state is ServerState.STARTING and not await asyncio.to_thread(is_free, handle.lease.port):
            return port_taken(handle.lease.port)
        if code is None:
            return ENDED_UNEXPECTEDLY
        return ended_with(code)

    async def _tail(self, handle: ServerHandle) -> str:
        if handle.output_begin is None:
            return ""
        try:
            return await asyncio.to_thread(tail_of, self._server_log.path, _TAIL, handle.output_begin)
        except OSError as error:
            return log_tail_unreadable(error.strerror or error)

    async def _keep_log(self, run: int, handle: ServerHandle) -> None:
        """Report the line that says the server is listening; then rotate its log when it is large."""
        if handle.output_begin is not None:
            line = ReadyLine(self._server_log.path, handle.output_begin)
            while self._supervisor.state is ServerState.STARTING and not await asyncio.to_thread(line.is_there):
                # A program that prints endlessly must not fill the disk during its start.
                with suppress(OSError):
                    if await asyncio.to_thread(self._server_log.rotate, _LARGEST_AT_START):
                        line = ReadyLine(self._server_log.path, 0)
                await asyncio.sleep(_LOOK_FOR_LINE)
            self.feed(supervisor_events.Announced(run))
        while True:
            await asyncio.sleep(ROTATE_EVERY)
            try:
                await asyncio.to_thread(self._server_log.rotate)
            except OSError as error:
                _log.warning("The server's log could not be rotated: %s", error)

    async def _watch_start(self, run: int, handle: ServerHandle) -> None:
        """Report activity while the server is starting."""
        meter = await asyncio.to_thread(WorkMeter, handle.process.pid, self._server_log.path if handle.is_child else None)
        while self._supervisor.state is ServerState.STARTING and self._supervisor.run == run:
            await asyncio.sleep(LOOK_FOR_WORK)
            if await asyncio.to_thread(meter.has_worked):
                self.feed(supervisor_events.Worked(run))

    async def _probe(self, run: int, handle: ServerHandle | None) -> None:
        try:
            version = await self._request_health(handle)
        except T3TrayError as error:
            self.feed(supervisor_events.Missed(run, error))
            return
        except Exception as error:
            # Any exception must become an event: callers wait for the answer.
            _log.exception("The health request failed.")
            self.feed(supervisor_events.Missed(run, OurBug(f"The health request failed: {type(error).__name__}: {error}.")))
            return
        self.feed(supervisor_events.Answered(run, version))
        if handle and _clock() - self._memory_read_at >= _READ_MEMORY_EVERY:
            self._memory_read_at = _clock()
            memory = await asyncio.to_thread(handle.process.memory)
            if memory is None or abs(memory - (self._memory or 0)) > _MEMORY_STEP * memory:
                self._memory = memory
                self._publish()

    async def _request_health(self, handle: ServerHandle | None) -> str:
        if self._has_recent_event():
            return self._supervisor.version
        if self._external:
            return await ask_health(self._external.url, self._external.password, user=self._external.user)
        if handle is None:
            raise ServerDown("The server's process is gone.")
        if handle.password is None:
            raise Unauthorized("The password of the running server is no longer stored.", "Restart the server.")
        program = await asyncio.to_thread(handle.process.program)
        return await ask_health(handle.url, handle.password, program)

    def _has_recent_event(self) -> bool:
        """Return whether a recent event shows that the server is still running as it was."""
        now = self._supervisor
        is_good = now.state in (ServerState.READY, ServerState.EXTERNAL) and now.failure is None
        return is_good and time.monotonic() - self.last_event_at() < _RECENT

    def _publish(self) -> None:
        now, handle = self._supervisor, self._lease.handle
        self.status = ServerStatus(
            state=now.state,
            url=self._external.url if self._external else handle.url if handle else "",
            pid=handle.process.pid if handle else None,
            version=now.version,
            until=self._moment(now.until),
            attempt=now.attempt,
            reason=now.failure.message if now.failure else self._slow_start_reason(handle) if now.is_slow else "",
            log_tail=now.log_tail,
            memory=self._memory if handle else None,
        )
        if is_visible_change(self._published, self.status):
            self._published = self.status
            for callback in self._callbacks:
                callback(self.status)

    def _slow_start_reason(self, handle: ServerHandle | None) -> str:
        return is_starting(f"{handle.lease.created_at.astimezone():%H:%M:%S}" if handle else "")

    def _moment(self, until: float | None) -> datetime | None:
        """Return the wall-clock time of `until`; the same value each time for the same `until`."""
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


def is_visible_change(old: ServerStatus, new: ServerStatus) -> bool:
    """Return whether the status changed in more than the amount of memory, which is shown with the next other change."""
    return replace(old, memory=None) != replace(new, memory=None) or (old.memory is None) != (new.memory is None)
