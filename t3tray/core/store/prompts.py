"""Messages that are being handed to a server, written down before they go: one that was not seen to arrive is looked up later.

It judges nothing. A message is forgotten here when it was seen in its session, or when it cannot arrive any more.
"""

from __future__ import annotations

from msgspec.structs import asdict
from sqlalchemy import delete, insert, select

from t3tray.core.domain.prompt import Prompt
from t3tray.core.store.damaged_rows import LONG_AGO, readable
from t3tray.core.store.database import Database
from t3tray.core.store.schema import prompts


class Prompts:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, prompt: Prompt) -> None:
        with self._database.write() as connection:
            connection.execute(insert(prompts).values(asdict(prompt)))

    def of(self, thread_id: str) -> tuple[Prompt, ...]:
        """Oldest first."""
        wanted = select(prompts).where(prompts.c.thread_id == thread_id).order_by(prompts.c.at, prompts.c.message_id)
        with self._database.read() as connection:
            found = readable(connection, prompts, connection.execute(wanted).all(), {"at": LONG_AGO})
            return tuple(Prompt(**values) for values in found)

    def forget(self, message_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(prompts).where(prompts.c.message_id == message_id))
