"""The messages in OpenCode's database that t3tray sent for this store, recognised by the mark in their ids.

For one thread at a time; every query may raise ServerError.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.marked_sessions import file_stamp
from t3tray.opencode.message_ids import MARK_AT, mark_of

# Uses the index of a session's messages by time, so that older ones are not read.
_SENT = f"""SELECT message.session_id, message.id FROM json_each(?) AS asked CROSS JOIN message
    ON message.session_id = asked.key AND message.time_created > asked.value WHERE substr(message.id, {MARK_AT}, ?) = ?"""
# OpenCode dates a message by its own clock; the times passed here are from ours.
_TOLERANCE_MS = 60_000


class SentMessages:
    """Cache of sent messages, valid until the file changes or another query is made."""

    def __init__(self, database: OpenCodeDatabase, store_id: str) -> None:
        self._database = database
        self._mark = mark_of(store_id)
        self._read_for: tuple[object, ...] = ()
        self._found: tuple[tuple[str, str], ...] = ()

    def since(self, times: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
        """Return session and id of our messages in these sessions, from about the given times (in ms) on."""
        asked = {session: at - _TOLERANCE_MS for session, at in times.items()}
        read_for = (file_stamp(self._database.path), asked)
        if asked and read_for != self._read_for:
            with self._database.reading() as reader:
                rows = reader.rows(_SENT, msgspec.json.encode(asked).decode(), len(self._mark), self._mark)
            self._found = tuple((str(session), str(message)) for session, message in rows)
        elif not asked:
            self._found = ()
        self._read_for = read_for
        return self._found
