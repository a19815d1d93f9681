"""Keep the cursors current by reading: after every finished turn the session's contents are recorded, with a server or without.

A thread of T3 Code whose session can be resumed is stored from the first scan on, so that it can be proved later. Asks no server
and binds no thread to another session. Runs in the SQL thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import compress
from operator import attrgetter, is_not

from msgspec.structs import replace

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Evidence, Found, MessageFacts, SessionFacts
from t3tray.domain.thread import Source
from t3tray.domain.times import from_ms
from t3tray.errors import ServerError
from t3tray.messages.journal_reasons import NAMED_BY_T3_CODE, SEEN_IN_DATABASE
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.session_rows import Extent, extents
from t3tray.store.proofs import Proof
from t3tray.store.store import Store
from t3tray.threads.evidence import STILL_WARM
from t3tray.threads.scan import Scan
from t3tray.threads.verify import RENEWS, Assessment, is_mid_turn

# Threads per call: a first scan of thousands is spread over several calls, so that nothing waits for it.
AT_ONCE = 1_000
_thread_id = attrgetter("thread.id")


class ProofRecorder:
    """Records proofs. Call `record` after each scan. One for the app's life."""

    def __init__(self, store: Store, database: OpenCodeDatabase, now: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._now = now
        self._refused: set[str] = set()
        # Assessments without anything to record at the last call; the same object has nothing new either.
        self._settled: dict[str, Assessment] = {}

    def record(self, scan: Scan) -> bool:
        """Record what is new, `AT_ONCE` threads at most. Returns True if more is due. Raises StoreError."""
        names = [*map(_thread_id, scan.assessments)]
        others = compress(scan.assessments, map(is_not, scan.assessments, map(self._settled.get, names)))
        self._settled = dict(zip(names, scan.assessments, strict=True))
        due: list[Assessment] = []
        for found in others:
            is_due = self._is_due(found)
            if is_due:
                due.append(found)
            if is_due or found.is_unfinished:
                self._settled.pop(found.thread.id)
        if not due:
            return False
        try:
            proofs = self._proofs(due[:AT_ONCE])
        except ServerError:
            # The database cannot be read just now: the next scan reports that, and tries again.
            return False
        # If one of our own threads has this session it proves it; the two are one row.
        self._refused |= self._store.proofs.record(proofs, self._now(), SEEN_IN_DATABASE, NAMED_BY_T3_CODE)
        return len(due) > AT_ONCE

    def _is_due(self, found: Assessment) -> bool:
        if found.cursor is None or found.verdict.reason not in RENEWS or found.thread.id in self._refused:
            return False
        if found.evidence.in_doubt:
            # A binding from a copy is proved by a verification only: reading shows that the session exists, not that it is the
            # right one.
            return False
        if found.is_unfinished and is_mid_turn(found.cursor, found.evidence) and self._is_warm(found.evidence):
            # A server that is unknown here may be at work in it. A turn that was aborted is recorded later.
            return False
        return found.has_news or (found.thread.source is Source.T3CODE and found.cursor.session_created_ms is None)

    def _is_warm(self, evidence: Evidence) -> bool:
        match evidence.session:
            case Found(session):
                return self._now() - from_ms(session.updated_ms) < STILL_WARM
        return False

    def _proofs(self, due: Sequence[Assessment]) -> list[Proof]:
        with self._database.reading() as reader:
            known = extents(reader, [found.cursor.session_id for found in due if found.cursor])
            for found in due:
                if found.cursor and isinstance(found.evidence.newest, Found):
                    # Without messages written since the scan: the count is that up to the message that is recorded as the last.
                    name, last = found.cursor.session_id, found.evidence.newest.value.id
                    known[name] = Extent(known[name].first_id, reader.count_until(name, last) or 0)
        return [proof for found in due if (proof := _proof(found, known))]


def _proof(found: Assessment, known: dict[str, Extent]) -> Proof | None:
    match found.cursor, found.evidence.session, found.evidence.newest:
        case Cursor() as cursor, Found(SessionFacts() as session), Found(MessageFacts() as newest):
            now = _cursor_now(cursor, session, newest, known[session.id])
            if isinstance(found.evidence.tail, Found) and found.evidence.messages_gone and now.message_count:
                # The rest must not become the whole conversation by being read.
                now = replace(now, message_count=now.message_count + found.evidence.messages_gone)
            # With a pending revert only what is left after it is known.
            context = found.evidence.context if session.reverted_to is None else None
            return Proof(found.thread, replace(now, context=context))
    return None


def _cursor_now(known: Cursor, session: SessionFacts, newest: MessageFacts, extent: Extent) -> Cursor:
    return replace(
        known,
        directory=session.directory,
        title=session.title,
        session_created_ms=session.created_ms,
        first_message_id=extent.first_id,
        last_message_id=newest.id,
        last_finished_id=newest.id if newest.ends_a_turn else known.last_finished_id,
        message_count=extent.messages,
        server_version=session.version,
    )
