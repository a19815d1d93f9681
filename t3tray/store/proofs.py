"""Records the proofs of many threads in one transaction, with the same result as `Journal` and `StoredThreads` one by one.

Never binds a thread to another session than it has, and never takes a session from another thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Thread
from t3tray.store.database import Database
from t3tray.store.journal_file import JournalFile
from t3tray.store.schema import cursors, journal, threads


@dataclass(frozen=True)
class Proof:
    """A thread, and the current state of its session as `cursor`."""

    thread: Thread
    cursor: Cursor


class Proofs:
    """Bulk recording of proofs. Every method raises StoreError."""

    def __init__(self, database: Database, file: JournalFile) -> None:
        self._database = database
        self._file = file

    def record(self, proofs: Sequence[Proof], at: datetime, why_renewed: str, why_bound: str) -> frozenset[str]:
        """Renew the cursors of threads bound to that session, and bind threads without a session.

        Return the ids of the threads whose session is bound to another thread: nothing is recorded for them.
        """
        with self._file.recording(self._database) as connection:
            live = {row.thread_id: row.cursor for row in connection.execute(_live([proof.thread.id for proof in proofs]))}
            owners = {row.session_id: row.thread_id for row in connection.execute(_owners(proofs))}
            renewed, bound, refused = [], [], []
            for proof in proofs:
                name, now = proof.thread.id, proof.cursor
                if (known := live.get(name)) is not None:
                    if known.session_id == now.session_id and known != now:
                        renewed.append(proof)
                elif owners.setdefault(now.session_id, name) == name:
                    bound.append(proof)
                else:
                    refused.append(name)
            if bound:
                _save_threads(connection, bound)
            if renewed or bound:
                _save_cursors(connection, [*renewed, *bound])
                entries = [_entry(proof, Event.PROVEN, Actor.TURN, why_renewed, at) for proof in renewed]
                entries += [_entry(proof, Event.CONFIRMED, Actor.IMPORT, why_bound, at) for proof in bound]
                connection.execute(insert(journal), [_values(entry) for entry in entries])
        return frozenset(refused)


def _live(thread_ids: Iterable[str]) -> Select[*tuple[object, ...]]:
    return select(cursors.c.thread_id, cursors.c.cursor).where(cursors.c.thread_id.in_(_each(thread_ids)))


def _owners(proofs: Iterable[Proof]) -> Select[*tuple[object, ...]]:
    sessions = (proof.cursor.session_id for proof in proofs)
    return select(cursors.c.session_id, cursors.c.thread_id).where(cursors.c.session_id.in_(_each(sessions)))


def _each(names: Iterable[str]) -> Select[*tuple[object, ...]]:
    """Return the names as a table: they would be too many for parameters."""
    return select(func.json_each(msgspec.json.encode(list(names)).decode()).table_valued("value").c.value)


def _save_threads(connection: Connection, proofs: Iterable[Proof]) -> None:
    statement = upsert(threads)
    shown = {column.name: statement.excluded[column.name] for column in threads.c if column.name not in ("id", "draft")}
    statement = statement.on_conflict_do_update(index_elements=[threads.c.id], set_=shown)
    connection.execute(statement, [msgspec.structs.asdict(proof.thread) for proof in proofs])


def _save_cursors(connection: Connection, proofs: Iterable[Proof]) -> None:
    statement = upsert(cursors)
    statement = statement.on_conflict_do_update(index_elements=[cursors.c.thread_id], set_={"cursor": statement.excluded.cursor})
    rows = [{"thread_id": one.thread.id, "session_id": one.cursor.session_id, "cursor": one.cursor} for one in proofs]
    connection.execute(statement, rows)


def _entry(proof: Proof, event: Event, actor: Actor, why: str, at: datetime) -> Entry:
    return Entry(proof.thread.id, event, actor, why, at, proof.cursor.session_id, cursor=proof.cursor)


def _values(entry: Entry) -> dict[str, object]:
    return {name: value for name, value in vars(entry).items() if name != "seq"}
