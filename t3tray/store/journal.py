"""The append-only record of every change of a binding, and the live cursors that result from it.

An entry and its effect on `cursors` are one transaction. `domain.journal` defines the meaning of entries; this is their storage.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, Text, and_, bindparam, delete, exists, func, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import CHANGES, SETTLES, Binding, Entry, Event
from t3tray.domain.transcript import MAY_ARRIVE_FOR
from t3tray.errors import OurBug, Refused, StoreError
from t3tray.messages.data_file import CHOOSE_AGAIN, TWO_SESSIONS, bound_to
from t3tray.store.column_types import Unreadable, decode
from t3tray.store.damaged_rows import LONG_AGO, UNREADABLE_TEXT, note, readable
from t3tray.store.database import Database
from t3tray.store.journal_file import JournalFile
from t3tray.store.schema import cursors, journal, prompts, threads


class LastLine(NamedTuple):
    """The thread, time and seq of a journal entry."""

    thread_id: str
    at: datetime
    seq: int


class Journal:
    """Storage of the journal. Every method raises StoreError."""

    def __init__(self, database: Database, file: JournalFile) -> None:
        self._database = database
        self._file = file

    def append(self, *entries: Entry, since: int | None = None) -> tuple[Entry, ...]:
        """Record the entries and update the cursors in one transaction; return them with their seq.

        `since` is the thread's `last_change` that the caller's decision was based on. Raises Refused, and records nothing, when
        the binding has changed since, when another remedy or a message is under way in the thread, when the intent has been
        settled meanwhile, and when the thread or the session has another binding than an entry requires.
        """
        with self._file.recording(self._database) as connection:
            _refuse_settled(connection, entries)
            if since is not None:
                _refuse_changed(connection, entries, since)
                _refuse_on_its_way(connection, entries[0])
            return tuple(append_entry(connection, entry) for entry in entries)

    def prove(self, entry: Entry) -> bool:
        """Record a renewed proof, if the thread is still bound to that session and the cursor is new. Return whether it was."""
        with self._database.write() as connection:
            live = live_cursor(connection, entry.thread_id)
            if live is None or live.session_id != entry.session_id or live == entry.cursor:
                return False
            append_entry(connection, entry)
            return True

    def entries(self, thread_id: str | None = None) -> tuple[Entry, ...]:
        """Return the entries of one thread or of all, oldest first."""
        with self._database.read() as connection:
            return _entries(connection, _ALL) if thread_id is None else _entries(connection, _OF_THREAD, thread=thread_id)

    def recorded(self, thread_id: str) -> tuple[Cursor | None, tuple[Entry, ...]]:
        """Return the thread's live cursor and its entries, oldest first, as of one moment."""
        with self._database.read() as connection:
            return live_cursor(connection, thread_id), _entries(connection, _OF_THREAD, thread=thread_id)

    def binding(self, thread_id: str) -> Binding:
        """Return the thread's binding: the same as `fold` of its entries."""
        with self._database.read() as connection:
            pending = _entries(connection, _PENDING_OF_THREAD, thread=thread_id)
            return Binding(
                cursor=live_cursor(connection, thread_id),
                pending=tuple(entry.intent or "" for entry in pending),
                has_history=bool(connection.scalar(_HAS_HISTORY, {"thread": thread_id})),
            )

    def cursors(self) -> dict[str, Cursor]:
        """The live cursor of every thread that has one, by the thread's id."""
        with self._database.read() as connection:
            return {row.thread_id: _sound(connection, *row) for row in connection.execute(_CURSORS).all()}

    def bound(self) -> frozenset[str]:
        """The ids of the threads that have a live cursor."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(cursors.c.thread_id)))

    def with_history(self) -> frozenset[str]:
        """The ids of the threads that have any entry: they were bound, or a binding was begun."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(journal.c.thread_id).distinct()))

    def changes_since(self, seq: int) -> tuple[int, dict[str, Cursor | None]]:
        """Return the journal's latest seq, and the current cursor of each thread with an entry after `seq`."""
        since = {"seq": seq}
        with self._database.read() as connection:
            latest = connection.scalar(_LATEST) or 0
            found: dict[str, Cursor | None] = dict.fromkeys(connection.scalars(_UNBOUND_SINCE, since))
            rows = connection.execute(_LIVE_SINCE, since).all() if seq else connection.execute(_LIVE).all()
            found.update((name, _sound(connection, name, session, _decoded(text))) for name, session, text in rows)
            return latest, found

    def intents_since(self, seq: int) -> tuple[int, frozenset[str]]:
        """Return the journal's latest seq, and the intents of entries after `seq`."""
        with self._database.read() as connection:
            named = connection.scalars(_INTENTS_SINCE, {"seq": seq}).all()
            return connection.scalar(_LATEST) or 0, frozenset(map(str, named))

    def confirmed_since(self, seq: int) -> frozenset[str]:
        """Return the sessions that a thread was bound to by an entry after `seq`."""
        with self._database.read() as connection:
            return frozenset(map(str, connection.scalars(_CONFIRMED_SINCE, {"seq": seq}).all()))

    def let_go_since(self, seq: int) -> tuple[int, dict[str, LastLine | None]]:
        """Return the journal's latest seq, and the sessions of the threads that have an entry after `seq`: for each the last
        entry about it, or None where a thread is bound to it. For `seq` 0 only sessions that no thread is bound to.
        """
        with self._database.read() as connection:
            latest = connection.scalar(_LATEST) or 0
            if latest <= seq:
                return latest, {}
            rows = connection.execute(_LAST_SINCE, {"seq": seq}).all() if seq else connection.execute(_LAST_OF_UNBOUND).all()
            return latest, {session: None if is_bound else _last_line(*line) for session, is_bound, *line in rows}

    def pending(self) -> tuple[Entry, ...]:
        """Return the intents that are not settled, oldest first."""
        with self._database.read() as connection:
            return _entries(connection, _PENDING)

    def owner_of(self, session_id: str) -> str | None:
        """The id of the thread that is bound to this session."""
        with self._database.read() as connection:
            return _owner(connection, session_id)


def _last_line(thread_id: str, at: object, seq: int) -> LastLine:
    return LastLine(thread_id, at if isinstance(at, datetime) else LONG_AGO, seq)


def _refuse_settled(connection: Connection, entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        if entry.intent is None or entry.event not in SETTLES:
            continue
        if connection.scalar(_IS_SETTLED, {"thread": entry.thread_id, "intent": entry.intent}):
            raise Refused("This change was settled by another t3tray process in the meantime.", CHOOSE_AGAIN)


def _refuse_changed(connection: Connection, entries: tuple[Entry, ...], since: int) -> None:
    """Compare before writing, in the same transaction, so that it also holds between processes. Raises Refused."""
    for other in under_way(connection, entries[0].thread_id, {entry.intent for entry in entries if entry.intent}):
        raise Refused(
            f"Another change of this thread was begun at {other.at:%H:%M:%S} UTC and is not finished ({other.why}).",
            "Wait for its end, then open the thread again. `t3tray doctor` shows why it is unfinished.",
        )
    latest = connection.scalar(_LATEST_CHANGE, {"thread": entries[0].thread_id})
    if (latest or 0) != since:
        raise Refused("The binding of this thread has changed since it was shown.", CHOOSE_AGAIN)


def _refuse_on_its_way(connection: Connection, entry: Entry) -> None:
    """Raises Refused while a message is on its way: arriving in the old session, it would be missing in the thread's next one."""
    handed_over = connection.scalars(select(prompts.c.at).where(prompts.c.thread_id == entry.thread_id)).all()
    if any(isinstance(at, datetime) and abs((entry.at - at).total_seconds()) < MAY_ARRIVE_FOR for at in handed_over):
        raise Refused(
            "A message was sent in this thread a moment ago and is not in its session yet. Nothing was changed.",
            "Wait until it has arrived, then open the thread again.",
        )


def under_way(connection: Connection, thread_id: str, but: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return the unsettled changes of this thread's binding. Repairs are excluded: they change T3 Code's binding, not ours, and
    may stay unsettled for long when T3 Code's home is gone."""
    found = _entries(connection, _PENDING_OF_THREAD, thread=thread_id)
    return tuple(entry for entry in found if entry.intent not in but and (entry.deed is None or entry.deed.repair is None))


def append_entry(connection: Connection, entry: Entry) -> Entry:
    apply_entry(connection, entry)
    values = {name: value for name, value in vars(entry).items() if name != "seq"}
    return replace(entry, seq=connection.execute(_ADD, values).lastrowid)


def apply_entry(connection: Connection, entry: Entry) -> None:
    """Apply the entry to `cursors`. Raises Refused where the thread or the session has another binding."""
    mine = cursors.c.thread_id == entry.thread_id
    match entry.event:
        case Event.INTENDED | Event.ABANDONED | Event.PUT_AWAY | Event.DONE | Event.RETURNED:
            return
        case Event.CONFIRMED:
            _bind(connection, entry, _cursor_of(entry))
        case Event.PROVEN:
            cursor = _cursor_of(entry)
            _refuse_another(connection, entry, live_cursor(connection, entry.thread_id))
            connection.execute(update(cursors).where(mine).values(cursor=cursor))
        case Event.SUPERSEDED | Event.RELEASED:
            live = live_cursor(connection, entry.thread_id)
            if live is not None and entry.session_id is not None:
                _refuse_another(connection, entry, live)
            connection.execute(delete(cursors).where(mine))


def _bind(connection: Connection, entry: Entry, cursor: Cursor) -> None:
    row = {"thread_id": entry.thread_id, "session_id": cursor.session_id, "cursor": cursor}
    try:
        connection.execute(_BIND, row)
    except IntegrityError as error:
        live = live_cursor(connection, entry.thread_id)
        if live is not None:
            raise Refused(
                f"This thread is already bound to {live.session_id}, so it was not bound to {cursor.session_id}.",
                "Unbind its current session first, or choose another remedy.",
            ) from error
        owner = _owner(connection, cursor.session_id)
        if owner is None:
            raise
        title = connection.scalar(select(threads.c.title).where(threads.c.id == owner))
        raise Refused(
            f"{cursor.session_id} is already bound to thread {owner} ({title}); a session belongs to one thread only.",
            "Choose another session, or release it from that thread first.",
        ) from error


def _refuse_another(connection: Connection, entry: Entry, live: Cursor | None) -> None:
    if live is None or live.session_id != entry.session_id:
        bound = bound_to(live.session_id if live else None)
        raise Refused(f"This thread is now {bound}, no longer to {entry.session_id}.", "Open it again before you continue.")


def _cursor_of(entry: Entry) -> Cursor:
    if entry.cursor is None or entry.cursor.session_id != entry.session_id:
        raise OurBug(f"A journal entry “{entry.event}” has no cursor of its own session.")
    return entry.cursor


def live_cursor(connection: Connection, thread_id: str) -> Cursor | None:
    """Return the cursor of the session that the thread is bound to."""
    row = connection.execute(_CURSOR_OF_THREAD, {"thread": thread_id}).one_or_none()
    return None if row is None else _sound(connection, *row)


def _sound(connection: Connection, thread_id: object, session_id: object, cursor: object) -> Cursor:
    """Return the cursor of this row. For a damaged one return the journal's last cursor if it names the same session, otherwise
    a malformed cursor, so that the thread's verdict is *bad-cursor*."""
    if isinstance(cursor, Cursor) and cursor.session_id == session_id:
        return cursor
    detail = cursor.detail if isinstance(cursor, Unreadable) else TWO_SESSIONS
    note(connection, f"cursors {thread_id}", detail)
    named = {session_id, cursor.session_id if isinstance(cursor, Cursor) else None}
    last = _entries(connection, _LAST_CURSOR, thread=thread_id)
    known = last[0].cursor if last else None
    return known if known and known.session_id in named else Cursor("", "")


def _decoded(text: object) -> Cursor | Unreadable:
    try:
        return decode(text, Cursor)  # type: ignore[arg-type]
    except StoreError as error:
        return Unreadable(error.message)


def _owner(connection: Connection, session_id: str) -> str | None:
    return connection.scalar(_OWNER, {"session": session_id})


def _pending() -> Select[*tuple[object, ...]]:
    later = journal.alias()
    settled = exists().where(
        and_(
            later.c.intent == journal.c.intent,
            later.c.thread_id == journal.c.thread_id,
            later.c.seq > journal.c.seq,
            later.c.event.in_(SETTLES),
        )
    )
    intended = and_(journal.c.event == Event.INTENDED, journal.c.intent.is_not(None))
    return select(journal).where(intended, ~settled).order_by(journal.c.seq)


def _entries(connection: Connection, wanted: Select[*tuple[object, ...]], **values: object) -> tuple[Entry, ...]:
    """Return the entries; those with a damaged essential value are left out."""
    rows = connection.execute(wanted, values).all()
    return tuple(Entry(**values) for values in readable(connection, journal, rows, _STAND_INS))


_STAND_INS = {"why": UNREADABLE_TEXT, "at": LONG_AGO}

# Built once: building a statement takes longer than running it.
_MINE, _LATER = journal.c.thread_id == bindparam("thread"), journal.c.seq > bindparam("seq")
_ALL = select(journal).order_by(journal.c.seq)
_OF_THREAD = _ALL.where(_MINE)
_PENDING = _pending()
_PENDING_OF_THREAD = _PENDING.where(_MINE)
_HAS_HISTORY = select(exists().where(_MINE))
_IS_SETTLED = select(exists().where(_MINE, journal.c.intent == bindparam("intent"), journal.c.event.in_(SETTLES)))
_LAST_CURSOR = (
    select(journal).where(_MINE, journal.c.event.in_((Event.CONFIRMED, Event.PROVEN))).order_by(journal.c.seq.desc()).limit(1)
)
_LATEST = select(func.max(journal.c.seq))
_LATEST_CHANGE = _LATEST.where(_MINE, journal.c.event.in_(CHANGES))
_INTENTS_SINCE = select(journal.c.intent).where(_LATER, journal.c.intent.is_not(None)).distinct()
_CONFIRMED_SINCE = select(journal.c.session_id).where(_LATER, journal.c.event == Event.CONFIRMED).distinct()
_TOUCHED = select(journal.c.thread_id).where(_LATER)
_UNBOUND_SINCE = _TOUCHED.where(journal.c.thread_id.not_in(select(cursors.c.thread_id))).distinct()
# As plain text: after a start this reads all cursors, and a typed column takes twice as long.
_LIVE = select(cursors.c.thread_id, cursors.c.session_id, type_coerce(cursors.c.cursor, Text))
_LIVE_SINCE = _LIVE.where(cursors.c.thread_id.in_(_TOUCHED.distinct()))
_IS_BOUND = journal.c.session_id.in_(select(cursors.c.session_id))
_LAST = (
    select(journal.c.session_id, _IS_BOUND, journal.c.thread_id, journal.c.at, func.max(journal.c.seq))
    .where(journal.c.session_id.is_not(None))
    .group_by(journal.c.session_id)
)
_LAST_SINCE, _LAST_OF_UNBOUND = _LAST.where(journal.c.thread_id.in_(_TOUCHED)), _LAST.where(~_IS_BOUND)
_ADD, _BIND = insert(journal), insert(cursors)
_CURSORS = select(cursors)
_CURSOR_OF_THREAD = _CURSORS.where(cursors.c.thread_id == bindparam("thread"))
_OWNER = select(cursors.c.thread_id).where(cursors.c.session_id == bindparam("session"))
