"""The receipts of resumes: the newest fifty of each thread."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from t3tray.core.domain.receipt import Receipt
from t3tray.core.store.database import Database
from t3tray.core.store.schema import receipts

KEPT = 50


class Receipts:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, receipt: Receipt) -> None:
        """Keep one; the thread's oldest above fifty go."""
        mine = receipts.c.thread_id == receipt.thread_id
        newest = select(receipts.c.id).where(mine).order_by(receipts.c.id.desc()).limit(KEPT)
        with self._database.write() as connection:
            connection.execute(insert(receipts).values(thread_id=receipt.thread_id, receipt=receipt))
            connection.execute(delete(receipts).where(mine, receipts.c.id.not_in(newest)))

    def last(self, thread_id: str) -> Receipt | None:
        """The newest one of a thread."""
        wanted = select(receipts.c.receipt).where(receipts.c.thread_id == thread_id).order_by(receipts.c.id.desc()).limit(1)
        with self._database.read() as connection:
            return connection.scalar(wanted)
