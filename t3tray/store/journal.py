"""The append-only record of every change of a binding, and the live cursors that it comes to.

An entry and what it does to `cursors` are one transaction. What entries mean is `domain.journal`; here is only their storage.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, Text, and_, delete, exists, func, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import CHANGES, SETTLES, Binding, Entry, Event
from t3tray.domain.transcript import MAY_ARRIVE_FOR
from t3tray.errors import OurBug, Refused, StoreError
from t3tray.store.column_types import Unreadable, decode
from t3tray.store.damaged_rows import LONG_AGO, UNREADABLE_TEXT, note, readable
from t3tray.store.database import Database
from t3tray.store.journal_file import JournalFile
from t3tray.store.schema import cursors, journal, prompts, threads

_LOOK_AGAIN = "Look at the thread again, and choose again."


class LastLine(NamedTuple):
    """Which thread it is of, when it was written, and its place."""

    thread_id: str
    at: datetime
    seq: int


class Journal:
    """Every method raises StoreError."""

    def __init__(self, database: Database, file: JournalFile) -> None:
        self._database = database
        self._file = file

    def append(self, *entries: Entry, since: int | None = None) -> tuple[Entry, ...]:
        """Record these and bring the cursors to what they say; returns them with their places.

        `since` is `last_change` of the thread as the caller saw it when it was decided. Raises Refused, and records nothing, when
        something has changed since, another remedy is under way or a message is on its way in the thread, when the intent was
        settled meanwhile, and when the thread or the session is bound otherwise than an entry takes for granted.
        """
        with self._file.recording(self._database) as connection:
            _refuse_settled(connection, entries)
            if since is not None:
                _refuse_changed(connection, entries, since)
                _refuse_on_its_way(connection, entries[0])
            return tuple(append_entry(connection, entry) for entry in entries)

    def prove(self, entry: Entry) -> bool:
        """Record a renewed proof, if the thread is still bound to that session and there is anything new. True when recorded."""
        with self._database.write() as connection:
            live = live_cursor(connection, entry.thread_id)
            if live is None or live.session_id != entry.session_id or live == entry.cursor:
                return False
            append_entry(connection, entry)
            return True

    def entries(self, thread_id: str | None = None) -> tuple[Entry, ...]:
        """Oldest first."""
        wanted = select(journal).order_by(journal.c.seq)
        if thread_id is not None:
            wanted = wanted.where(journal.c.thread_id == thread_id)
        with self._database.read() as connection:
            return _entries(connection, wanted)

    def binding(self, thread_id: str) -> Binding:
        """What `fold` would make of the thread's entries."""
        with self._database.read() as connection:
            pending = _entries(connection, _pending().where(journal.c.thread_id == thread_id))
            return Binding(
                cursor=live_cursor(connection, thread_id),
                pending=tuple(entry.intent or "" for entry in pending),
                has_history=bool(connection.scalar(select(exists().where(journal.c.thread_id == thread_id)))),
            )

    def cursors(self) -> dict[str, Cursor]:
        """The live cursor of every thread that has one, by the thread's id."""
        with self._database.read() as connection:
            return {row.thread_id: _sound(connection, *row) for row in connection.execute(select(cursors)).all()}

    def bound(self) -> frozenset[str]:
        """The ids of the threads that have a live cursor."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(cursors.c.thread_id)))

    def with_history(self) -> frozenset[str]:
        """The ids of the threads that were ever bound or about to be."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(journal.c.thread_id).distinct()))

    def changes_since(self, seq: int) -> tuple[int, dict[str, Cursor | None]]:
        """The latest place in the journal, and what each thread that was written of after `seq` is bound to now."""
        later = select(journal.c.thread_id).where(journal.c.seq > seq).distinct()
        # As plain text: after a start these are all that there are, and a typed column takes twice as long.
        live = select(cursors.c.thread_id, cursors.c.session_id, type_coerce(cursors.c.cursor, Text))
        unbound = later.where(journal.c.thread_id.not_in(select(cursors.c.thread_id)))
        with self._database.read() as connection:
            latest = connection.scalar(select(func.max(journal.c.seq))) or 0
            found: dict[str, Cursor | None] = dict.fromkeys(connection.scalars(unbound))
            rows = connection.execute(live.where(cursors.c.thread_id.in_(later)) if seq else live).all()
            found.update((name, _sound(connection, name, session, _decoded(text))) for name, session, text in rows)
            return latest, found

    def intents_since(self, seq: int) -> tuple[int, frozenset[str]]:
        """The latest place in the journal, and the intents that were written of after `seq`."""
        named = select(journal.c.intent).where(journal.c.seq > seq, journal.c.intent.is_not(None)).distinct()
        with self._database.read() as connection:
            return connection.scalar(select(func.max(journal.c.seq))) or 0, frozenset(map(str, connection.scalars(named).all()))

    def confirmed_since(self, seq: int) -> frozenset[str]:
        """The sessions that a thread was bound to by a line after `seq`."""
        named = select(journal.c.session_id).where(journal.c.seq > seq, journal.c.event == Event.CONFIRMED).distinct()
        with self._database.read() as connection:
            return frozenset(map(str, connection.scalars(named).all()))

    def let_go_since(self, seq: int) -> tuple[int, dict[str, LastLine | None]]:
        """The latest place in the journal, and each session of the threads that were written of after `seq`: the last line that
        one of them has about it, None where a thread is bound to it. From the beginning (0) on, only those that none is bound to.
        """
        bound = journal.c.session_id.in_(select(cursors.c.session_id))
        last = select(journal.c.session_id, bound, journal.c.thread_id, journal.c.at, func.max(journal.c.seq))
        last = last.where(journal.c.session_id.is_not(None)).group_by(journal.c.session_id)
        touched = journal.c.thread_id.in_(select(journal.c.thread_id).where(journal.c.seq > seq))
        with self._database.read() as connection:
            latest = connection.scalar(select(func.max(journal.c.seq))) or 0
            rows = connection.execute(last.where(touched if seq else ~bound)).all() if latest > seq else ()
            return latest, {session: None if is_bound else _last_line(*line) for session, is_bound, *line in rows}

    def pending(self) -> tuple[Entry, ...]:
        """The intents that nothing has settled, oldest first."""
        with self._database.read() as connection:
            return _entries(connection, _pending())

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
        same = and_(journal.c.thread_id == entry.thread_id, journal.c.intent == entry.intent)
        if connection.scalar(select(exists().where(same, journal.c.event.in_(SETTLES)))):
            raise Refused("What was begun here was settled by another t3tray process meanwhile.", _LOOK_AGAIN)


def _refuse_changed(connection: Connection, entries: tuple[Entry, ...], since: int) -> None:
    """Compare and set: in one transaction with what is written then, so between processes too."""
    mine = journal.c.thread_id == entries[0].thread_id
    for other in under_way(connection, entries[0].thread_id, {entry.intent for entry in entries if entry.intent}):
        raise Refused(
            f"Another change of this thread was begun at {other.at:%H:%M:%S} UTC and is not finished ({other.why}).",
            "Wait for its end, then look at the thread again. `t3tray doctor` tells why it stands open.",
        )
    latest = connection.scalar(select(func.max(journal.c.seq)).where(mine, journal.c.event.in_(CHANGES)))
    if (latest or 0) != since:
        raise Refused("The binding of this thread has changed since you looked.", _LOOK_AGAIN)


def _refuse_on_its_way(connection: Connection, entry: Entry) -> None:
    """A message that arrives in the session that is left would be missing in the thread's next one."""
    handed_over = connection.scalars(select(prompts.c.at).where(prompts.c.thread_id == entry.thread_id)).all()
    if any(isinstance(at, datetime) and abs((entry.at - at).total_seconds()) < MAY_ARRIVE_FOR for at in handed_over):
        raise Refused(
            "A message was sent in this thread a moment ago and is not in its session yet. Nothing was changed.",
            "Wait until it has arrived, then look at the thread again.",
        )


def under_way(connection: Connection, thread_id: str, but: Collection[str] = ()) -> tuple[Entry, ...]:
    """The changes of this thread's binding that were begun and not settled. A repair is none: it changes T3 Code's binding, not
    ours, and may stand open for long, with its home gone."""
    found = _entries(connection, _pending().where(journal.c.thread_id == thread_id, journal.c.intent.not_in(but)))
    return tuple(entry for entry in found if entry.deed is None or entry.deed.repair is None)


def append_entry(connection: Connection, entry: Entry) -> Entry:
    apply_entry(connection, entry)
    values = {name: value for name, value in vars(entry).items() if name != "seq"}
    return replace(entry, seq=connection.execute(insert(journal).values(values)).lastrowid)


def apply_entry(connection: Connection, entry: Entry) -> None:
    """Bring `cursors` to what the entry says. Raises Refused where the thread or the session is bound otherwise."""
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
        connection.execute(insert(cursors).values(row))
    except IntegrityError as error:
        live = live_cursor(connection, entry.thread_id)
        if live is not None:
            raise Refused(
                f"This thread is already bound to {live.session_id}, so it was not bound to {cursor.session_id}.",
                "Unbind the session that it has first, or choose another remedy.",
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
        bound = f"bound to {live.session_id}" if live else "bound to no session"
        raise Refused(f"This thread is {bound} by now, no longer to {entry.session_id}.", "Look at it again before you go on.")


def _cursor_of(entry: Entry) -> Cursor:
    if entry.cursor is None or entry.cursor.session_id != entry.session_id:
        raise OurBug(f"A journal line “{entry.event}” came without the cursor of its own session.")
    return entry.cursor


def live_cursor(connection: Connection, thread_id: str) -> Cursor | None:
    """What the thread is bound to."""
    row = connection.execute(select(cursors).where(cursors.c.thread_id == thread_id)).one_or_none()
    return None if row is None else _sound(connection, *row)


def _sound(connection: Connection, thread_id: object, session_id: object, cursor: object) -> Cursor:
    """The live cursor of this row. Where it is damaged the journal's last one counts, if it says the same session; else one that
    is well-formed in no way, so that the thread's verdict is *bad-cursor*."""
    if isinstance(cursor, Cursor) and cursor.session_id == session_id:
        return cursor
    detail = cursor.detail if isinstance(cursor, Unreadable) else "it names two sessions"
    note(connection, f"cursors {thread_id}", detail)
    named = {session_id, cursor.session_id if isinstance(cursor, Cursor) else None}
    wanted = select(journal).where(journal.c.thread_id == thread_id, journal.c.event.in_((Event.CONFIRMED, Event.PROVEN)))
    last = _entries(connection, wanted.order_by(journal.c.seq.desc()).limit(1))
    known = last[0].cursor if last else None
    return known if known and known.session_id in named else Cursor("", "")


def _decoded(text: object) -> Cursor | Unreadable:
    try:
        return decode(text, Cursor)  # type: ignore[arg-type]
    except StoreError as error:
        return Unreadable(error.message)


def _owner(connection: Connection, session_id: str) -> str | None:
    return connection.scalar(select(cursors.c.thread_id).where(cursors.c.session_id == session_id))


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


def _entries(connection: Connection, wanted: Select[*tuple[object, ...]]) -> tuple[Entry, ...]:
    """A line of which the meaning cannot be read is left out."""
    rows = connection.execute(wanted).all()
    return tuple(Entry(**values) for values in readable(connection, journal, rows, _STAND_INS))


_STAND_INS = {"why": UNREADABLE_TEXT, "at": LONG_AGO}
