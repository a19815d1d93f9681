"""Reads everything that is known of one thread: its row, candidates, history, alarms, and the remedies that can be chosen now."""

from __future__ import annotations

import logging
from dataclasses import replace

from msgspec import structs

from t3tray.backend.parts import Parts
from t3tray.backend.prompting import Prompting
from t3tray.backend.scanning import Scanning
from t3tray.backend.snapshots import SnapshotReader, reaper_clock
from t3tray.domain.cursor import Cursor
from t3tray.domain.server import ServerStatus
from t3tray.errors import T3TrayError, ThreadNotFound
from t3tray.messages.verdicts import deleted_sentence
from t3tray.opencode.connection import Connection
from t3tray.threads import opencode_configuration
from t3tray.threads.candidates import candidates_from_server
from t3tray.threads.evidence import ThreadRecord
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.threads.snapshot_rows import RowContext, row_of
from t3tray.threads.verify import Assessment

_log = logging.getLogger(__name__)


class DetailsReader:
    """One for the process, on its event loop. Both methods raise ThreadNotFound, UsageError, Refused, StoreError."""

    def __init__(self, parts: Parts, scanning: Scanning, snapshots: SnapshotReader, prompting: Prompting) -> None:
        self._store = parts.store
        self._run_sql = parts.run_sql
        self._scanner = parts.scanner
        self._source = parts.source
        self._settlement = parts.settlement
        self._restoring = parts.restoring
        self._remedies = parts.remedy_registry
        self._preferences = parts.preferences
        self._t3_sides = parts.t3_sides
        self._now = parts.now
        self._scanning = scanning
        self._snapshots = snapshots
        self._prompting = prompting

    async def read(self, thread_id: str) -> ThreadDetails:
        """Return the details of a thread, with the verdict that the app shows of it; where it shows none, `read_now`."""
        if self._snapshots.published is not None:
            scan, snapshot = self._snapshots.published
            row = snapshot.by_id.get(thread_id)
            found = next((found for found in scan.assessments if found.thread.id == thread_id), None) if row else None
            if row and found:
                connection = await self._settlement.join_if_possible()
                await self._prompting.settle_sent(thread_id, connection)
                return await self._complete(row, found.cursor, connection, snapshot.server)
        return await self.read_now(thread_id)

    async def read_now(self, thread_id: str) -> ThreadDetails:
        """Return the details of the thread that an id or its beginning names, from a scan of its own; also of a deleted one."""
        await self._source.find()
        recorded = await self._restoring.load_record(thread_id, True)
        thread, connection = recorded.thread, await self._settlement.join_if_possible()
        await self._prompting.settle_sent(thread.id, connection)
        scan, server = await self._scanning.scan(), await self._scanning.server_status()

        def make_row() -> tuple[ThreadRow, Cursor | None]:
            found = self._assessment(scan, recorded)
            shown = replace(scan, assessments=(found,)) if recorded.deleted else scan
            side = self._t3_sides.of(shown, self._now()).get(thread.id)
            clock, around = reaper_clock(self._preferences.current), RowContext.of(server, self._store.alarms.left())
            return row_of(found, side, scan.states, clock, around, self._now()), found.cursor

        row, cursor = await self._run_sql(make_row)
        deleted = deleted_sentence(recorded.t3.deleted_at if recorded.t3 else None) if recorded.deleted else ""
        return await self._complete(row, cursor, connection, server, deleted)

    def _assessment(self, scan: Scan, recorded: ThreadRecord) -> Assessment:
        """The thread's assessment in the scan; a deleted thread is in none. For the SQL's thread."""
        if recorded.deleted:
            return self._scanner.assess(recorded)
        found = next((found for found in scan.assessments if found.thread.id == recorded.thread.id), None)
        if found is None:
            raise ThreadNotFound("This thread has just gone.", "`t3tray threads` lists those that are there.")
        return found

    async def _complete(
        self, row: ThreadRow, cursor: Cursor | None, connection: Connection | None, server: ServerStatus, deleted: str = ""
    ) -> ThreadDetails:
        """Add what only the thread's page shows. `deleted`: a sentence, for a thread that T3 Code shows no more."""
        recorded = await self._run_sql(self._recorded, row, cursor, deleted)
        if connection:
            candidates = await candidates_from_server(row.thread.id, recorded.candidates, connection)
            judged = await opencode_configuration.judged(row, connection)
            recorded = replace(recorded, row=judged, candidates=candidates)
        if deleted:
            return recorded
        try:
            return await self._run_sql(self._remedies.with_offers, recorded, server.version)
        except T3TrayError:
            raise
        except Exception:
            _log.exception("What can be done with thread %s could not be found out.", row.thread.id)
            return recorded

    def _recorded(self, row: ThreadRow, cursor: Cursor | None, deleted: str) -> ThreadDetails:
        """What our store and the databases hold of the thread. For the SQL's thread. Raises StoreError."""
        store, thread_id = self._store, row.thread.id
        entries = store.journal.entries(thread_id)
        return ThreadDetails(
            # The published row may be older than what was typed, or has arrived, since.
            row=replace(row, thread=structs.replace(row.thread, draft=store.threads.draft(thread_id))),
            cursor=cursor,
            journal=entries,
            receipt=store.receipts.last(thread_id),
            candidates=self._scanner.candidates(thread_id, entries),
            alarms=store.alarms.all(thread_id),
            answers=store.guard_answers.all(thread_id),
            marked=self._scanner.lost_bindings.sessions_of(thread_id),
            deleted=deleted,
        )
