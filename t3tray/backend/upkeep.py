"""What is recorded and ended after a scan: alarms, proofs, copies of transcripts, visits, and the idle server."""

from __future__ import annotations

import logging
from datetime import datetime

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.alerts.unread import Unread
from t3tray.backend.parts import Parts
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.reaper import IdleState
from t3tray.domain.server import ServerState
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scan

_log = logging.getLogger(__name__)


class Upkeep:
    """One for the process, on its event loop. Every method raises StoreError.

    `idle_state` is what came of the idle server when that was checked last, None before.
    """

    def __init__(self, parts: Parts) -> None:
        self.idle_state: IdleState | None = None
        self.unread = Unread(parts.store.visits)
        self._store = parts.store
        self._run_sql = parts.run_sql
        self._archive = parts.archive
        self._idle_shutdown = parts.idle_shutdown
        self._servers = parts.servers
        self._t3_sides = parts.t3_sides
        self._now = parts.now
        self._switches = SwitchDetector(parts.store, parts.database, parts.now)
        self._proofs = ProofRecorder(parts.store, parts.database, parts.now)

    async def alert(self, scan: Scan) -> None:
        """Raise the alarms that a scan gives reason for."""
        await self._run_sql(lambda: self._switches.detect(scan, self._t3_sides.of(scan, self._now())))

    async def record(self, scan: Scan) -> bool:
        """Record new proofs and copy new messages; return whether there is more to do than was done at once."""

        def record_proofs() -> bool:
            self._store.copy_if_due(self._now())
            return self._proofs.record(scan)

        more = await self._run_sql(record_proofs)
        return await self._archive.update(scan) or more or scan.half_read > 0

    async def visit(self, thread_id: str, activity_at: datetime) -> None:
        """Note that the user has seen this thread, whose last activity was then."""
        await self._run_sql(self.unread.visit, thread_id, activity_at)

    async def save_visits(self) -> None:
        """Write down what the user has seen."""
        if self.unread.has_unsaved:
            await self._run_sql(self.unread.save)

    async def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """Note that the user has seen this fact of the thread, and no other."""
        await self._run_sql(self._switches.acknowledge, thread_id, fact)

    async def end_idle_server(self, scan: Scan, users: int = 0) -> bool:
        """End the managed server if it has been idle for long enough; return whether what is said of that has changed.

        `users`: number of requests of others that are under way on it.
        """
        if users:
            self._idle_shutdown.note()
        connection = self._servers.last
        if connection is None or self._servers.server.status.state is not ServerState.READY:
            return False
        state = await self._idle_shutdown.check(connection, scan)
        if state.same_as(self.idle_state):
            return False
        self.idle_state = state
        _log.info(self._idle_shutdown.sentence(state, not state.ended))
        await self._run_sql(self._store.rests.note, state)
        return True
