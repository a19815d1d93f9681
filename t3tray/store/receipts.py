"""The receipts of resumes: the newest fifty of each thread."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select

from t3tray.domain.receipt import Receipt
from t3tray.store.damaged_rows import readable
from t3tray.store.database import Database
from t3tray.store.schema import receipts

KEPT = 50
# Built once: building the statements takes longer than executing them, and each resume does.
_ADD = insert(receipts)
_OF_THREAD = receipts.c.thread_id == bindparam("thread")
_NEWEST = select(receipts.c.id).where(_OF_THREAD).order_by(receipts.c.id.desc()).limit(KEPT)
_REMOVE_OLDEST = delete(receipts).where(_OF_THREAD, receipts.c.id.not_in(_NEWEST))


class Receipts:
    """Table of receipts. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # How many rows this process has added or removed.
        self.rows_changed = 0

    def add(self, receipt: Receipt) -> None:
        """Store a receipt, and remove the thread's oldest above fifty."""
        with self._database.write() as connection:
            connection.execute(_ADD, {"thread_id": receipt.thread_id, "receipt": receipt})
            removed = connection.execute(_REMOVE_OLDEST, {"thread": receipt.thread_id}).rowcount
            self.rows_changed += 1 + removed

    def check(self) -> None:
        """Read all receipts, so that damaged ones are noted."""
        with self._database.read() as connection:
            readable(connection, receipts, connection.execute(select(receipts)).all())

    def last(self, thread_id: str) -> Receipt | None:
        """Return the thread's newest readable receipt."""
        wanted = select(receipts).where(receipts.c.thread_id == thread_id).order_by(receipts.c.id.desc())
        with self._database.read() as connection:
            for row in connection.execute(wanted.limit(KEPT)).all():
                for values in readable(connection, receipts, [row]):
                    found: Receipt = values["receipt"]
                    return found
        return None
