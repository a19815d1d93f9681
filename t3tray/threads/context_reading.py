"""Reading a session's messages back from the newest, as far as is needed to say what the model would get of them.

A long session costs only what is newer than its cursor; one that was never read, what the model gets of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from msgspec.structs import replace

from t3tray.domain.carries import Context
from t3tray.domain.context import ContextReader
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import MessageFacts
from t3tray.threads.session_server import SessionServer

PAGE = 100
_FEW = 8


@dataclass(frozen=True)
class ReadBack:
    """`messages`: how many the session has, `until_tail`: how many up to the recorded end, not emptied; None: nobody counted.
    `taken_back`: how many a pending revert deletes."""

    context: Context
    messages: int | None
    taken_back: int
    until_tail: int | None = None


async def read_back(server: SessionServer, cursor: Cursor, taken_back: str | None, count_all: bool) -> ReadBack:
    """What the model would get of the session now, given what the cursor remembers of it. Raises ServerError.

    `count_all`: the number of messages is needed, even where only reading them all gives it.
    """
    reader, newer, seen, until_tail, deleted, met = ContextReader(taken_back), 0, 0, 0, 0, False
    async for facts in newest_first(server, cursor.session_id):
        met = met or facts.id == cursor.last_message_id
        if met and not count_all:
            total = None if cursor.message_count is None else cursor.message_count + newer
            remembered = cursor.context if taken_back is None else None
            if (context := continued(remembered, reader, newer)) is not None:
                return ReadBack(context, total, deleted)
            if reader.is_complete:
                return ReadBack(reader.context(None if total is None else total - reader.seen), total, deleted)
        newer, seen = newer + (not met), seen + 1
        until_tail += met and not facts.is_emptied
        deleted += taken_back is not None and facts.id >= taken_back
        reader.add(facts)
        if reader.is_complete and cursor.last_message_id is None and not count_all:
            return ReadBack(reader.context(None), None, deleted)
    return ReadBack(reader.context(seen - reader.seen), seen, deleted, until_tail if met else None)


def continued(before: Context | None, newer: ContextReader, count: int) -> Context | None:
    """What was remembered, with `count` newer messages; None where they may have changed more than that."""
    if before is None or before.is_pending or before.emptied or before.unsent or not before.is_settled or not newer.is_plain:
        return None
    return replace(before, messages=before.messages + count)


async def newest_first(server: SessionServer, session_id: str) -> AsyncIterator[MessageFacts]:
    """The session's messages, page by page, few at first: mostly a turn has few. Raises ServerError."""
    before: str | None = None
    limit = _FEW
    while True:
        page = await server.messages(session_id, limit, before)
        limit = PAGE
        for record in reversed(page.messages):
            yield record.facts
        before = page.older
        if before is None:
            return
