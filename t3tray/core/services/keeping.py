"""Keeping the proofs fresh by reading: what a session holds now is recorded after every finished turn, server or not.

A thread of T3 Code's whose session can be resumed is kept from the first look on, so that it can be proved later. It asks no
server and changes no binding to another session. For the thread that runs the SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from t3tray.core.domain.cursor import Cursor
from t3tray.core.domain.evidence import Found, MessageFacts, SessionFacts
from t3tray.core.domain.journal import Actor, Entry, Event
from t3tray.core.domain.thread import Source
from t3tray.core.errors import ServerError
from t3tray.core.opencode.database import DatabaseReader, OpenCodeDatabase
from t3tray.core.services.resume import RENEWS, Examination
from t3tray.core.services.survey import Picture
from t3tray.core.store.store import Store

# A first look at thousands of threads is spread over several, so that nothing waits for it.
AT_ONCE = 200


class Keeper:
    """One for the app's life. `keep` after every look."""

    def __init__(self, store: Store, database: OpenCodeDatabase, now: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._now = now
        self._refused: set[str] = set()

    def keep(self, picture: Picture) -> bool:
        """Record what is new; True when there is more to be recorded at the next look. Raises StoreError."""
        due = [found for found in picture.examinations if self._is_due(found)]
        if not due:
            return False
        try:
            with self._database.reading() as reader:
                for found in due[:AT_ONCE]:
                    self._record(found, reader)
        except ServerError:
            # The database cannot be read by now: the next look says so, and tries again.
            return False
        return len(due) > AT_ONCE

    def _is_due(self, found: Examination) -> bool:
        if found.cursor is None or found.verdict.reason not in RENEWS or found.thread.id in self._refused:
            return False
        return found.is_news or (found.thread.source is Source.T3CODE and found.cursor.session_created_ms is None)

    def _record(self, found: Examination, reader: DatabaseReader) -> None:
        match found.cursor, found.evidence.session, found.evidence.newest:
            case Cursor() as cursor, Found(SessionFacts() as session), Found(MessageFacts() as newest):
                now = _cursor_now(cursor, session, newest, reader)
            case _:
                return
        name, session_id = found.thread.id, now.session_id
        if self._store.journal.binding(name).cursor is not None:
            why = "seen in OpenCode's database"
            self._store.journal.prove(Entry(name, Event.PROVEN, Actor.TURN, why, self._now(), session_id, cursor=now))
        elif self._store.journal.owner_of(session_id) is None:
            self._store.threads.keep(found.thread)
            why = "the session that T3 Code names"
            self._store.journal.append(Entry(name, Event.CONFIRMED, Actor.IMPORT, why, self._now(), session_id, cursor=now))
        else:
            # A thread of ours has this session, and proves it; the two are one row.
            self._refused.add(name)


def _cursor_now(known: Cursor, session: SessionFacts, newest: MessageFacts, reader: DatabaseReader) -> Cursor:
    first = reader.first(session.id)
    return replace(
        known,
        directory=session.directory,
        title=session.title,
        session_created_ms=session.created_ms,
        first_message_id=first.id if first else None,
        last_message_id=newest.id,
        last_finished_id=newest.id if newest.ends_a_turn else known.last_finished_id,
        message_count=reader.holding(session.id).messages,
        server_version=session.version,
    )
