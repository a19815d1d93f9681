"""Reads everything that list, menu and notifications show into one `Snapshot`, in the SQL's thread and not on the event loop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from t3tray.alerts.pending_requests import PendingRequests
from t3tray.backend.parts import Parts
from t3tray.backend.scanning import Scanning
from t3tray.backend.snapshot_builder import AppExtras, SnapshotExtras, build_snapshot
from t3tray.backend.upkeep import Upkeep
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState
from t3tray.domain.thread import Source, Thread
from t3tray.settings.definitions import Settings
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import Snapshot
from t3tray.threads.snapshot_rows import RowBuilder


class SnapshotReader:
    """One for the process, on its event loop.

    `published` is the scan that the app shows now, and the snapshot that was made of it; None before the first one, in a command,
    and from the user's next act (`note_act`) until what came of it has been read.
    """

    def __init__(
        self, parts: Parts, scanning: Scanning, upkeep: Upkeep, requests: PendingRequests, changed: Callable[[], None]
    ) -> None:
        """`changed` leads to a scan."""
        self.published: tuple[Scan, Snapshot] | None = None
        self.acts = 0
        self._parts = parts
        self._scanning = scanning
        self._upkeep = upkeep
        self._requests = requests
        self._changed = changed
        self._rows = RowBuilder()

    async def read(self, archived: bool = False, scan: Scan | None = None, extras: AppExtras | None = None) -> Snapshot:
        """Return a snapshot of this scan, or of a new one; `extras` is what only the tray app knows. Raises StoreError."""
        taken = await self._scanning.scan(whole=True) if scan is None else scan
        server = await self._scanning.server_status()
        requests = await self._requests.read(self._parts.servers.current, taken.busy_in, partial(_owners, taken))
        stays = server.state is ServerState.READY and await self._parts.servers.server.outlives_us()
        now = self._parts.now()

        def build() -> Snapshot:
            store, settings = self._parts.store, self._parts.preferences.current
            warnings = (*store.warnings, *self._parts.archive.trouble, *self._parts.recovery.troubles)
            idle = self._parts.idle_shutdown.standing(self._upkeep.idle_state, server, store.rests.last)
            more = SnapshotExtras(
                requests, store.guard_answers.unseen_refusals(), stays, settings, idle, store.restores.unsettled()
            )
            return build_snapshot(
                taken,
                server,
                store.alarms.all(unseen=True),
                warnings,
                reaper_clock(settings),
                now,
                archived,
                self._parts.t3_sides.of(taken, now),
                store.alarms.left(),
                self._rows,
                more,
                extras,
            ).prepared()

        return await self._parts.run_sql(build)

    def note_act(self) -> None:
        """The user did something to a thread: what is shown of it is read again."""
        self.acts += 1
        self.published = None
        self._changed()

    def publish(self, scan: Scan, snapshot: Snapshot, acts: int) -> None:
        """The app shows this snapshot now. `acts`: as many the user had done when the scan began."""
        if acts == self.acts:
            self.published = scan, snapshot


def reaper_clock(settings: Settings) -> ReaperClock:
    """T3 Code's reaper, as the settings say that it is set."""
    return ReaperClock(timedelta(minutes=settings.t3_idle_minutes), timedelta(minutes=settings.t3_sweep_minutes))


def _owners(scan: Scan) -> dict[str, Thread]:
    """Return the threads by their sessions: one that is archived gives way to one that is not, one of ours to T3 Code's."""
    shown = [(found.thread, found.cursor.session_id) for found in scan.assessments if found.cursor]
    shown.sort(key=lambda pair: (pair[0].archived_at is None, pair[0].source is Source.T3CODE))
    return {session_id: thread for thread, session_id in shown}
