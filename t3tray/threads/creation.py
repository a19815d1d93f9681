"""Create, adopt and import threads, and settle what a crash in between left open. Changing a binding is done by `remedies`.

The only place that calls `POST /session`, and only for a thread without any earlier state (rule 1). Every step is in the journal
before it takes effect outside (write-ahead).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.domain.times import from_ms
from t3tray.errors import Refused, UsageError
from t3tray.messages.journal_reasons import (
    ADOPTED,
    FOUND_BY_MARKER,
    HAS_ANOTHER_SESSION,
    MADE_FOR_THREAD,
    NAMED_BY_T3_CODE,
    NEVER_MADE,
    new_thread,
)
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord
from t3tray.store.store import Store
from t3tray.system.folders import directory_exists, real_directory
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.system.tasks import shield_until_done
from t3tray.threads.evidence import ThreadRecord, cursor_now, newborn
from t3tray.threads.session_server import SessionServer, refuse_stranded


class Threads:
    """Threads and their bindings. `now` gives the time, `author` the ids."""

    def __init__(self, store: Store, run_sql: SqlThread, now: Callable[[], datetime], author: IntentIds) -> None:
        self._store = store
        self._run_sql = run_sql
        self._now = now
        self._author = author

    async def create(self, directory: str, title: str, server: SessionServer) -> Thread:
        """Create a thread with a session of its own. Raises UsageError for a folder that does not exist, or a ServerError.

        After an error whose outcome on the server is unknown, and after cancellation, the intent stays open; recovery settles it.
        """
        there = await asyncio.to_thread(directory_exists, directory)
        if there is None:
            raise UsageError(f"The folder {directory} cannot be looked at now.", "Give a folder that you have access to.")
        if not there:
            raise UsageError(f"There is no folder {directory}.", "Give an existing folder with --dir.")
        place = await asyncio.to_thread(real_directory, directory)
        now = self._now()
        thread = Thread(self._author.new_id(), title or "New thread", place, Source.T3TRAY, now, now)
        why = new_thread(thread.directory)
        intent = Entry(thread.id, Event.INTENDED, Actor.USER, why, now, intent=self._author.open_intent())
        try:
            await self._run_sql(self._store.add_thread, thread, intent)
            # If this were cancelled in between, recovery could look before the server has made the session.
            making = server.create_session(thread.directory, thread.title, Marker(thread.id, intent.intent or "", self._store.id))
            record = await shield_until_done(making)
            await self._confirm(intent, newborn(record.facts, server.version), Actor.USER, MADE_FOR_THREAD)
            self._author.close_intent(intent.intent or "")
        finally:
            self._author.leave_intent(intent.intent or "")
        return thread

    async def adopt(self, session_id: str, server: SessionServer) -> Thread:
        """Create a thread for an existing session. Raises Refused if another thread is bound to it, SessionMissing and other
        ServerErrors."""
        record = await server.session(session_id)
        _refuse_child(record)
        await self._refuse_owned(session_id)
        facts = record.facts
        now = self._now()
        touched = from_ms(facts.updated_ms)
        thread = Thread(self._author.new_id(), facts.title or "Adopted session", facts.directory, Source.T3TRAY, now, touched)
        cursor = await cursor_now(server, facts, None)
        if cursor.last_message_id is None:
            await refuse_stranded(server, session_id)
        entry = Entry(thread.id, Event.CONFIRMED, Actor.USER, ADOPTED, now, session_id, cursor=cursor)
        await self._run_sql(self._store.add_thread, thread, entry)
        return thread

    async def rename(self, thread: Thread, title: str) -> None:
        """Give one of our own threads another title. Raises Refused for a thread of T3 Code, UsageError for an empty title."""
        _refuse_t3(thread, "renamed")
        if not title.strip():
            raise UsageError("A thread needs a title.")
        await self._run_sql(self._store.threads.rename, thread.id, " ".join(title.split()))

    async def archive(self, thread: Thread, archived: bool) -> None:
        """Archive one of our own threads, or bring it back; its binding stays. Raises Refused for a thread of T3 Code."""
        _refuse_t3(thread, "archived")
        await self._run_sql(self._store.threads.set_archived, thread.id, self._now() if archived else None)

    async def import_t3_thread(self, recorded: ThreadRecord) -> None:
        """Store a thread of T3 Code: its row, and the session that T3 Code names for it, so that it can be proved later.

        One of our own threads, or one that is stored already, is left as it is.
        """
        if recorded.thread.source is Source.T3CODE:
            await self._run_sql(self._take_in, recorded)

    async def settle(self, intent: Entry, server: SessionServer) -> None:
        """Settle an intent that a crash left open: confirmed if a session carries its marker, else abandoned."""
        # A fork carries the marker of its parent: the oldest session is the one.
        made = sorted(await server.sessions(), key=lambda record: record.facts.created_ms)
        record = next((found for found in made if found.marker and found.marker.intent == intent.intent), None)
        if record is None:
            await self._run_sql(self._put_away, intent.thread_id)
            await self._abandon(intent, None, NEVER_MADE)
        elif await self._run_sql(self._is_bound, intent.thread_id):
            await self._abandon(intent, record.facts.id, HAS_ANOTHER_SESSION)
        else:
            cursor = await cursor_now(server, record.facts, None)
            await self._confirm(intent, cursor, Actor.RECOVERY, FOUND_BY_MARKER)

    async def _confirm(self, intent: Entry, cursor: Cursor, actor: Actor, why: str) -> None:
        await self._answer(intent, event=Event.CONFIRMED, actor=actor, why=why, session_id=cursor.session_id, cursor=cursor)

    async def _abandon(self, intent: Entry, session_id: str | None, why: str) -> None:
        await self._answer(intent, event=Event.ABANDONED, actor=Actor.RECOVERY, why=why, session_id=session_id)

    async def _answer(
        self, intent: Entry, *, event: Event, actor: Actor, why: str, session_id: str | None, cursor: Cursor | None = None
    ) -> None:
        entry = Entry(intent.thread_id, event, actor, why, self._now(), session_id, intent.intent, cursor)
        await self._run_sql(self._store.journal.append, entry)

    async def _refuse_owned(self, session_id: str) -> None:
        owner = await self._run_sql(self._store.journal.owner_of, session_id)
        if owner is not None:
            raise Refused(f"{session_id} is already bound to thread {owner}.")

    def _put_away(self, thread_id: str) -> None:
        """Archive a thread that never got a session: there is nothing to show of it."""
        if all(entry.event in (Event.INTENDED, Event.ABANDONED) for entry in self._store.journal.entries(thread_id)):
            self._store.threads.set_archived(thread_id, self._now())

    def _take_in(self, recorded: ThreadRecord) -> None:
        thread, cursor = recorded.thread, recorded.cursor
        self._store.threads.save(thread)
        if cursor is None or recorded.conflict or self._is_bound(thread.id):
            return
        if self._store.journal.owner_of(cursor.session_id) is None:
            now, session_id = self._now(), cursor.session_id
            entry = Entry(thread.id, Event.CONFIRMED, Actor.IMPORT, NAMED_BY_T3_CODE, now, session_id, cursor=cursor)
            self._store.journal.append(entry)

    def _is_bound(self, thread_id: str) -> bool:
        return self._store.journal.binding(thread_id).cursor is not None


def _refuse_t3(thread: Thread, what: str) -> None:
    if thread.source is Source.T3CODE:
        raise Refused(f"“{thread.title}” is shown by T3 Code, so it is {what} there.")


def _refuse_child(record: SessionRecord) -> None:
    if record.facts.parent_id:
        raise Refused(f"{record.facts.id} is a sub-agent's session of {record.facts.parent_id}.", "Choose that one instead.")
