"""The restores of this store, until the user confirms them, and the bindings that they put in doubt.

Also the store's id: t3tray writes it into the sessions that it creates, to distinguish them from another data folder's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from t3tray.domain.journal import Event
from t3tray.domain.restore import Restore
from t3tray.store.damaged_rows import LONG_AGO, readable
from t3tray.store.database import Database
from t3tray.store.schema import cursors, journal, restores
from t3tray.store.state import put_state, state_of

_STORE_ID = "store_id"
_PROVES = (Event.CONFIRMED, Event.PROVEN)
# Built once: building a statement takes longer than running it, and each scan and each change of a binding runs these.
_STANDS = restores.c.settled_at.is_(None)
_UNSETTLED = select(restores).where(_STANDS).order_by(restores.c.id.desc()).limit(1)
_DOUBTED_UP_TO = select(func.max(restores.c.last_seq)).where(_STANDS, restores.c.complete == 0)
_LAST_SEQ = select(func.max(journal.c.seq))


class Restores:
    """Table of restores. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unsettled(self) -> Restore | None:
        """Return the newest unconfirmed restore. With several, `in_doubt` covers the bindings of all of them."""
        with self._database.read() as connection:
            return _unsettled(connection)

    def note_gap(self, at: datetime, trouble: str) -> Restore | None:
        """Record a restore that was detected by missing journal entries. Return None when one is unconfirmed already."""
        with self._database.write() as connection:
            if _unsettled(connection) is not None:
                return None
            restore = Restore(at, trouble, last_seq(connection), complete=False)
            add_restore(connection, restore)
            return restore

    def settle(self, at: datetime) -> int:
        """Confirm all restores on the user's request, and return their number."""
        with self._database.write() as connection:
            return connection.execute(update(restores).where(restores.c.settled_at.is_(None)).values(settled_at=at)).rowcount

    def in_doubt(self) -> frozenset[str]:
        """Return the ids of bound threads whose binding was neither made nor proved since the data was restored."""
        with self._database.read() as connection:
            known = connection.scalar(_DOUBTED_UP_TO)
            if known is None:
                return frozenset()
            since = select(journal.c.thread_id).where(journal.c.seq > known, journal.c.event.in_(_PROVES))
            return frozenset(connection.scalars(select(cursors.c.thread_id).where(cursors.c.thread_id.not_in(since))))


def add_restore(connection: Connection, restore: Restore) -> None:
    values = {name: value for name, value in vars(restore).items() if name != "id"}
    connection.execute(insert(restores).values({**values, "complete": int(restore.complete)}))


def last_seq(connection: Connection) -> int:
    """Return the seq of the journal's last entry; 0 for none."""
    return connection.scalar(_LAST_SEQ) or 0


def store_id(connection: Connection) -> str:
    """Return the store's id; empty in a file without one."""
    return state_of(connection, _STORE_ID, str) or ""


def set_store_id(connection: Connection, name: str) -> None:
    put_state(connection, _STORE_ID, name)


def _unsettled(connection: Connection) -> Restore | None:
    stand_ins = {"at": LONG_AGO, "trouble": "was put back", "last_seq": 0, "complete": 0, "aside": ""}
    found = readable(connection, restores, connection.execute(_UNSETTLED).all(), stand_ins)
    return next((Restore(**{**values, "complete": bool(values["complete"])}) for values in found), None)
