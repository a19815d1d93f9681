"""Messages that are being handed to a server, written down before they go: one that was not seen to arrive is looked up later.

It judges nothing. A message is forgotten here when it was seen in its session, or when it cannot arrive any more.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import asdict
from sqlalchemy import bindparam, delete, insert, select

from t3tray.domain.transcript import Prompt
from t3tray.errors import Refused
from t3tray.store.damaged_rows import LONG_AGO, readable
from t3tray.store.database import Database
from t3tray.store.journal import live_cursor, under_way
from t3tray.store.schema import prompts

# Made once: to make it anew takes longer than to carry it out, and each resume asks.
_OF_THREAD = select(prompts).where(prompts.c.thread_id == bindparam("thread")).order_by(prompts.c.at, prompts.c.message_id)


class Prompts:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, prompt: Prompt, is_at_work: Callable[[str], bool], hint: str) -> None:
        """From now on, until it is forgotten, its thread's binding stays as it is.

        Compare and set: raises Refused, with `hint`, when the thread is bound to another session by now, or a process is at work
        on a change of its binding; `is_at_work` tells that of an intent.
        """
        with self._database.write() as connection:
            live = live_cursor(connection, prompt.thread_id)
            if live is None or live.session_id != prompt.session_id:
                raise Refused("The binding of this thread has changed since it was verified.", hint)
            for change in under_way(connection, prompt.thread_id):
                if is_at_work(change.intent or ""):
                    begun = f"A change of this thread's binding was begun and is not finished ({change.why})."
                    raise Refused(f"{begun} `t3tray doctor` tells more.", hint)
            connection.execute(insert(prompts).values(asdict(prompt)))

    def of(self, thread_id: str) -> tuple[Prompt, ...]:
        """Oldest first."""
        with self._database.read() as connection:
            found = readable(connection, prompts, connection.execute(_OF_THREAD, {"thread": thread_id}).all(), {"at": LONG_AGO})
            return tuple(Prompt(**values) for values in found)

    def forget(self, message_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(prompts).where(prompts.c.message_id == message_id))
