"""The tray app's loop: read, assess, detect, publish. One `Snapshot` is built for a change.

A change is a hint of a file watch, of the server's events or of the server's state; what is shown is always read. It lives on the
event loop, and knows no Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from t3tray.alerts.notifier import Notifier
from t3tray.backend.conversations import Conversations
from t3tray.backend.file_changes import FileChanges
from t3tray.backend.last_snapshot import LastSnapshot
from t3tray.backend.parts import Parts
from t3tray.backend.scanning import Scanning
from t3tray.backend.server_events import ServerEvents
from t3tray.backend.snapshot_builder import AppExtras
from t3tray.backend.snapshots import SnapshotReader
from t3tray.backend.upkeep import Upkeep
from t3tray.backend.watched_tasks import WatchedTasks
from t3tray.domain.guard_state import NO_GUARD
from t3tray.domain.server import ServerStatus
from t3tray.errors import T3TrayError
from t3tray.guard.runner import GuardRunner
from t3tray.messages.trouble import (
    ALARMS_LOST,
    FILES_NOT_FOLLOWED,
    GUARD_UNKNOWN,
    GUARDING,
    NOTIFYING,
    PREPARING,
    PROOFS_LOST,
    SERVER_KEPT,
    SETTINGS_UNREAD,
    UNREAD_UNKNOWN,
    VISITS_LOST,
    WAKING,
)
from t3tray.opencode.events import Connected, ServerEvent
from t3tray.system.power import SleepWatch
from t3tray.system.replaced_program import OwnProgram, import_everything, is_packaged
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import Snapshot
from t3tray.threads.snapshot_rows import SnapshotRows

_log = logging.getLogger(__name__)

# In seconds. Changes come in bursts: the threads are read once for each burst, and reading takes at most a fifth of the time, but
# the pause is never longer than RETRY.
COALESCE = 0.15
REST_FOR_READING = 4.0
# For changes that no watch reports.
SAFETY_REFRESH = 60.0
# After a reading that failed.
RETRY = 5.0


class Monitor:
    """One for the tray app's life: `run` until cancelled, then `close`. Setting `changed` leads to a reading."""

    def __init__(
        self,
        parts: Parts,
        scanning: Scanning,
        snapshots: SnapshotReader,
        upkeep: Upkeep,
        conversations: Conversations,
        guard: GuardRunner,
        notifier: Notifier,
        changed: asyncio.Event,
        banner: str = "",
    ) -> None:
        self.notifier = notifier
        self.sleep = SleepWatch(self._on_woke)
        self._parts = parts
        self._scanning = scanning
        self._snapshots = snapshots
        self._upkeep = upkeep
        self._conversations = conversations
        self._guard = guard
        self._changed = changed
        self._banner = banner
        self._files = FileChanges(changed.set)
        self._program = OwnProgram()
        self._tasks = WatchedTasks(changed.set)
        self._events = ServerEvents(parts.servers, self._on_event, changed.set, self._tasks)
        self._last = LastSnapshot(parts.now, banner, lambda: self._tasks.trouble)

    @property
    def snapshot(self) -> Snapshot | None:
        """The last snapshot that could be read."""
        return self._last.last

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish a snapshot now and after every change."""
        self._parts.server.subscribe(self._on_server_changed)
        self._tasks.start(PREPARING, self._prepare)
        self._tasks.start(NOTIFYING, self.notifier.run)
        self._tasks.start(WAKING, self.sleep.run)
        # T3 Code may wait for it already: it does not wait for the first scan.
        self._tasks.start(GUARDING, self._guard.run)
        try:
            while True:
                rest = await self._refresh(publish) * REST_FOR_READING
                await self._next_change(min(max(rest, COALESCE), RETRY))
        finally:
            await self._tasks.stop()
            self._files.stop()

    async def close(self) -> None:
        """Stop listening. Everything else is closed after it."""
        await self._events.stop()
        await self._guard.close()

    async def _refresh(self, publish: Callable[[Snapshot], None]) -> float:
        """Read and publish everything; return how long it took, in seconds.

        What cannot be read is published with the last snapshot that could.
        """
        clock = asyncio.get_running_loop().time
        began, before = clock(), self._last.trouble
        try:
            scan = await self._read(publish)
        except Exception as error:
            # The page of a thread must not answer from a scan that is no longer confirmed.
            self._snapshots.published = None
            status = self._parts.server.status
            try:
                publish(self._last.failed(status, error))
            except Exception as bug:
                # What was read last may be what cannot be shown.
                publish(self._last.failed(status, bug, with_rows=False))
            return 0.0
        await self._record(scan)
        if self._last.trouble != before:
            self._changed.set()
        return clock() - began

    async def _read(self, publish: Callable[[Snapshot], None]) -> Scan:
        """Read and publish everything. A failure of what is only beside the threads hinders nothing."""
        guard, beside, acts = self._guard, self._last.beside, self._snapshots.acts
        files = (*self._parts.watched_files, *guard.service.files, self._program.path)
        await beside(FILES_NOT_FOLLOWED, self._files.follow(files), None)
        # Joins a server that another process of ours started, and settles there what a crash left open.
        await self._parts.settlement.join_if_possible()
        await beside(SETTINGS_UNREAD, self._parts.preferences.read_again(), None)
        scan = await self._scanning.scan()
        self._parts.t3_sides.guard = guard.sides
        # Before anything that takes longer: an alarm must not wait.
        await beside(ALARMS_LOST, self._upkeep.alert(scan), None)
        state, guarded = await beside(GUARD_UNKNOWN, guard.seen(scan), (NO_GUARD, frozenset()))
        extras = AppExtras(state, guarded, self._banner, self._news, lambda: self._last.trouble, self._program.is_replaced)
        snapshot = await self._snapshots.read(archived=True, scan=scan, extras=extras)
        self._snapshots.publish(scan, snapshot, acts)
        publish(snapshot)
        self._last.succeeded(snapshot)
        self.sleep.check()
        self.notifier.update(snapshot)
        self._conversations.compare(scan)
        guard.request_check()
        return scan

    async def _record(self, scan: Scan) -> None:
        """Write what a scan gives reason for."""
        upkeep, beside = self._upkeep, self._last.beside
        await beside(VISITS_LOST, upkeep.save_visits(), None)
        more = await beside(PROOFS_LOST, upkeep.record(scan), False)
        ending = upkeep.end_idle_server(scan, self._guard.service.under_way)
        if await beside(SERVER_KEPT, ending, False) or more:
            self._changed.set()

    def _news(self, rows: SnapshotRows) -> frozenset[str]:
        """For the SQL's thread."""
        return self._last.attempt(UNREAD_UNKNOWN, lambda: self._upkeep.unread.update(rows), frozenset())

    async def _prepare(self) -> None:
        """Do now what would take seconds when the user first resumes a thread, and what an update would make impossible."""
        if is_packaged():
            await asyncio.to_thread(import_everything)
        # A login shell may take that long to tell its PATH.
        await asyncio.to_thread(self._parts.launching.environment)
        if self._parts.preferences.current.server_with_app:
            try:
                await self._parts.settlement.connect()
            except T3TrayError as error:
                # Why it is not there is in the server's state, which is shown.
                _log.warning("The server could not be started with the app: %s", error.message)
        await self._parts.source.find()
        self._changed.set()

    async def _next_change(self, rest: float) -> None:
        """Wait for a change, or for the slow refresh; then for the burst to pass."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY if self._last.has_failed else SAFETY_REFRESH):
                await self._changed.wait()
        await asyncio.sleep(rest)
        self._changed.clear()

    def _on_woke(self) -> None:
        """The machine slept: nothing that was known has to be true any more."""
        self.notifier.woke()
        self._changed.set()
        self._conversations.read_again()

    def _on_server_changed(self, status: ServerStatus) -> None:
        self._changed.set()
        self._conversations.read_again()
        self._events.server_changed(status)

    def _on_event(self, event: Connected | ServerEvent) -> None:
        self._conversations.handle_event(event)
        if isinstance(event, ServerEvent):
            self._parts.idle_shutdown.note(event.directory)
