"""Messages on their way to a server, recorded before they are sent, so that one whose arrival is not known is checked later.

A message is removed when it was found in its session, or can no longer arrive.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import asdict
from sqlalchemy import bindparam, delete, insert, select

from t3tray.domain.transcript import Prompt
from t3tray.errors import Refused
from t3tray.messages.data_file import change_unfinished
from t3tray.store.damaged_rows import LONG_AGO, readable
from t3tray.store.database import Database
from t3tray.store.journal import live_cursor, under_way
from t3tray.store.schema import prompts

# Built once: building the statement takes longer than executing it, and each resume does.
_OF_THREAD = select(prompts).where(prompts.c.thread_id == bindparam("thread")).order_by(prompts.c.at, prompts.c.message_id)


class Prompts:
    """Table of messages on their way. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, prompt: Prompt, is_at_work: Callable[[str], bool], hint: str) -> None:
        """Record a message. Its thread's binding cannot be changed until the message is removed.

        Raises Refused, with `hint`, when the thread is now bound to another session, or a running process is changing its
        binding; `is_at_work(intent)` returns whether an intent's process is running.
        """
        with self._database.write() as connection:
            live = live_cursor(connection, prompt.thread_id)
            if live is None or live.session_id != prompt.session_id:
                raise Refused("The binding of this thread has changed since it was verified.", hint)
            for change in under_way(connection, prompt.thread_id):
                if is_at_work(change.intent or ""):
                    raise Refused(change_unfinished(change.why), hint)
            connection.execute(insert(prompts).values(asdict(prompt)))

    def of(self, thread_id: str) -> tuple[Prompt, ...]:
        """Return the thread's messages on their way, oldest first."""
        with self._database.read() as connection:
            found = readable(connection, prompts, connection.execute(_OF_THREAD, {"thread": thread_id}).all(), {"at": LONG_AGO})
            return tuple(Prompt(**values) for values in found)

    def forget(self, message_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(prompts).where(prompts.c.message_id == message_id))
