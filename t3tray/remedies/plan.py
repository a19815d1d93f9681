"""The interface of every remedy: read, preview, and only then act.

A plan is made anew for every preview, and again right before it is carried out: it does what was shown, or is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from msgspec import structs

from t3tray.domain.carries import Context
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import MessageFacts, SessionFacts
from t3tray.domain.journal import SETTLES, Actor, Entry, Event, last_change
from t3tray.domain.remedy import Choice, Preview, RemedyRecord
from t3tray.domain.transcript import Message, Transcript
from t3tray.domain.verdict import Verdict
from t3tray.messages.journal_reasons import takes_its_place
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails


class Library(Protocol):
    """The queries of OpenCode's database that plans need. Every method raises ServerError."""

    def session(self, session_id: str) -> SessionFacts: ...

    def messages(self, session_id: str) -> tuple[Message, ...]: ...

    def newest(self, session_id: str) -> MessageFacts | None: ...

    def context(self, session_id: str, taken_back: str | None = None) -> Context: ...

    def project(self, session_id: str) -> str: ...


@dataclass(frozen=True)
class Tools:
    """What remedies work with. `library` and `copies` are for the SQL thread; `connect` starts a server if necessary, `join` does
    not.

    `copies` yields a thread's conversation from other sources than OpenCode, best first, each read when it is requested;
    `verdict_of` returns the verdict on a thread from a server; `budget` returns a number of characters.
    """

    store: Store
    run_sql: SqlThread
    now: Callable[[], datetime]
    author: IntentIds
    library: Callable[[], AbstractContextManager[Library]]
    connect: Callable[[], Awaitable[SessionServer]]
    join: Callable[[], Awaitable[SessionServer | None]]
    copies: Callable[[str, str | None], Iterator[Transcript]]
    verdict_of: Callable[[str, SessionServer], Awaitable[Verdict]]
    budget: Callable[[], int]


@dataclass(frozen=True)
class Plan:
    """`carry_out` does it; making the plan changes nothing. `gives`: the session that the thread is given, "" for one that is
    made or moved, None if it is given none."""

    preview: Preview
    carry_out: Callable[[], Coroutine[object, object, None]]
    gives: str | None = None


class Act(Protocol):
    """One remedy. Both methods raise Refused, with the reason, for what must not be done, and errors of the store and the
    server."""

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan: ...

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan: ...


@dataclass(frozen=True)
class RemedyJournal:
    """The journal entries of one remedy: all have its intent and its record. `since`: the last change that its plan knew of."""

    tools: Tools
    thread_id: str
    record: RemedyRecord
    actor: Actor = Actor.USER
    intent: str = field(default="", kw_only=True)
    since: int | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, tools: Tools, details: ThreadDetails, record: RemedyRecord) -> RemedyJournal:
        """Return the entries' writer for a remedy that was planned from these details."""
        intent, since = tools.author.open_intent(), last_change(details.journal)
        return cls(tools, details.row.thread.id, record, intent=intent, since=since)

    @classmethod
    def left_open(cls, tools: Tools, entry: Entry, record: RemedyRecord) -> RemedyJournal:
        """Return the entries' writer for a remedy that a crash interrupted."""
        return cls(tools, entry.thread_id, record, Actor.RECOVERY, intent=entry.intent or "")

    def entry(self, event: Event, why: str, session_id: str | None = None, cursor: Cursor | None = None) -> Entry:
        session = cursor.session_id if cursor else session_id
        return Entry(self.thread_id, event, self.actor, why, self.tools.now(), session, self.intent, cursor, self.record)

    async def write(self, *entries: Entry) -> None:
        """Write these entries and what they mean for the binding: all or none. Raises Refused if the binding has changed since
        the plan."""
        gives_up = all(entry.event is Event.ABANDONED for entry in entries)
        await self.tools.run_sql(self.tools.store.journal.append, *entries, since=None if gives_up else self.since)
        if any(entry.event in SETTLES for entry in entries):
            self.tools.author.close_intent(self.intent)

    def close(self) -> None:
        """Note that this process no longer works on the intent, whatever the outcome."""
        self.tools.author.leave_intent(self.intent)

    def rebinding(self, old: Cursor | None, new: Cursor, why: str) -> tuple[Entry, ...]:
        """Return the entries that replace `old` by `new`."""
        confirmed = self.entry(Event.CONFIRMED, why, cursor=new)
        if old is None:
            return (confirmed,)
        return (self.entry(Event.SUPERSEDED, takes_its_place(new.session_id), cursor=old), confirmed)


def chosen(cursor: Cursor, details: ThreadDetails) -> Cursor:
    """Return the cursor of a session that the user chose, with the session that T3 Code names instead, if it names another
    one."""
    t3 = details.row.t3
    if t3 is None:
        return cursor
    return structs.replace(cursor, chosen_over=None if t3.session_id == cursor.session_id else t3.session_id or "")


def live_binding(tools: Tools, thread_id: str) -> Cursor | None:
    """Return the thread's binding in our journal, whatever T3 Code names. Runs in the SQL thread."""
    return tools.store.journal.binding(thread_id).cursor
