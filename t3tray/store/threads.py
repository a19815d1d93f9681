"""The threads that t3tray has recorded. Bindings are changed by the journal only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import asdict
from sqlalchemy import Connection, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from t3tray.domain.thread import Source, Thread, matching
from t3tray.messages.thread_names import no_such_thread, not_one_thread
from t3tray.store.column_types import Moment
from t3tray.store.damaged_rows import LONG_AGO, UNREADABLE_TEXT, readable
from t3tray.store.database import Database
from t3tray.store.schema import threads

# Built once: building a statement takes longer than running it.
_ALL = select(threads).order_by(threads.c.last_activity_at.desc(), threads.c.id)
_NOT_ARCHIVED = _ALL.where(threads.c.archived_at.is_(None))
_OURS = select(threads).where((threads.c.source == Source.T3TRAY) | (threads.c.draft != ""))
_FITTING = select(threads).where(func.substr(threads.c.id, 1, bindparam("length")) == bindparam("prefix")).order_by(threads.c.id)
_DRAFT = select(threads.c.draft).where(threads.c.id == bindparam("thread"))
_ADD = insert(threads)


class StoredThreads:
    """Table of threads. Every method raises StoreError; those with a thread's id raise ThreadNotFound for an unknown one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, thread: Thread) -> None:
        """Record a new thread. Raises OurBug for an existing id."""
        with self._database.write() as connection:
            insert_thread(connection, thread)

    def save(self, thread: Thread) -> None:
        """Record or update another program's thread; the draft is ours and stays."""
        shown = {name: value for name, value in asdict(thread).items() if name not in ("id", "draft")}
        with self._database.write() as connection:
            statement = upsert(threads).values(asdict(thread))
            connection.execute(statement.on_conflict_do_update(index_elements=[threads.c.id], set_=shown))

    def all(self, include_archived: bool = True) -> tuple[Thread, ...]:
        """Return all threads, newest activity first."""
        with self._database.read() as connection:
            return _threads(connection, _ALL if include_archived else _NOT_ARCHIVED)

    def ours(self) -> tuple[Thread, ...]:
        """Return t3tray's own threads, and other programs' threads that have a draft here."""
        with self._database.read() as connection:
            return _threads(connection, _OURS)

    def find(self, prefix: str) -> Thread:
        """Find a thread by an unambiguous prefix of its id among the recorded ones, like `named`."""
        with self._database.read() as connection:
            return named(prefix, _threads(connection, _FITTING, {"prefix": prefix, "length": len(prefix)}))

    def draft(self, thread_id: str) -> str:
        """Return the text that the user has not sent; empty for a thread that is not recorded."""
        with self._database.read() as connection:
            return _draft(connection, thread_id) or ""

    def touch(self, thread_id: str, at: datetime) -> None:
        """Record an activity at this time; an earlier time changes nothing."""
        self._change(thread_id, last_activity_at=func.max(threads.c.last_activity_at, literal(at, Moment)))

    def rename(self, thread_id: str, title: str) -> None:
        self._change(thread_id, title=title)

    def set_directory(self, thread_id: str, directory: str) -> None:
        self._change(thread_id, directory=directory)

    def set_archived(self, thread_id: str, at: datetime | None) -> None:
        """Archive a thread, or restore it with None."""
        self._change(thread_id, archived_at=at)

    def set_draft(self, thread_id: str, text: str) -> None:
        """Replace the draft, the text that the user has not sent."""
        self._change(thread_id, draft=text)

    def save_draft(self, thread_id: str, text: str) -> None:
        """Append a refused message to the draft after a blank line, unless the draft contains it already."""
        with self._database.write() as connection:
            draft = _draft(connection, thread_id)
            if draft is None:
                raise no_such_thread(thread_id)
            if text and f"\n\n{text}\n\n" not in f"\n\n{draft}\n\n":
                _update(connection, thread_id, draft=f"{draft}\n\n{text}" if draft else text)

    def _change(self, thread_id: str, **values: object) -> None:
        with self._database.write() as connection:
            _update(connection, thread_id, **values)


def _draft(connection: Connection, thread_id: str) -> str | None:
    """Return a recorded thread's draft; a damaged one counts as empty, as in `_STAND_INS`. None for an unknown thread."""
    draft: object = connection.execute(_DRAFT, {"thread": thread_id}).scalar_one_or_none()
    return draft if draft is None or isinstance(draft, str) else ""


def insert_thread(connection: Connection, thread: Thread) -> None:
    connection.execute(_ADD, asdict(thread))


def _update(connection: Connection, thread_id: str, **values: object) -> None:
    if connection.execute(update(threads).where(threads.c.id == thread_id).values(**values)).rowcount == 0:
        raise no_such_thread(thread_id)


def _threads(
    connection: Connection, wanted: Select[*tuple[object, ...]], values: Mapping[str, object] | None = None
) -> tuple[Thread, ...]:
    rows = connection.execute(wanted, values).all()
    return tuple(Thread(**values) for values in readable(connection, threads, rows, _STAND_INS))


# A thread with a damaged value is still shown: a hidden thread would count as deleted.
_STAND_INS = {
    "title": UNREADABLE_TEXT,
    "directory": UNREADABLE_TEXT,
    "source": Source.T3TRAY,
    "created_at": LONG_AGO,
    "last_activity_at": LONG_AGO,
    "draft": "",
}


def named(prefix: str, threads: Iterable[Thread]) -> Thread:
    """Return the thread with this id, or the only one whose id begins so. Raises ThreadNotFound, UsageError for several."""
    found = matching(prefix, threads)
    if len(found) != 1:
        raise not_one_thread(prefix, found)
    return found[0]
