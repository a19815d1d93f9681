"""Read a session's messages back from the newest, as far as needed to know what the model would get of them.

A long session costs only what is newer than its cursor; one that was never read, only what the model gets of it.
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
    """`messages`: number in the session. `until_tail`: number up to the recorded last one, without emptied ones; both None if
    not counted. `taken_back`: number that a pending revert deletes."""

    context: Context
    messages: int | None
    taken_back: int
    until_tail: int | None = None


async def read_back(server: SessionServer, cursor: Cursor, taken_back: str | None, count_all: bool) -> ReadBack:
    """Return what the model would get of the session now, given the cursor's record of it. Raises ServerError.

    `count_all`: the number of messages is needed, even if all have to be read for it.
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
    """Return the recorded context with `count` newer messages; None if they may have changed more than that."""
    if before is None or before.is_pending or before.emptied or before.unsent or not before.is_settled or not newer.is_plain:
        return None
    return replace(before, messages=before.messages + count)


async def newest_first(server: SessionServer, session_id: str) -> AsyncIterator[MessageFacts]:
    """Yield the session's messages, newest first, page by page; the first page is small, because most turns are. Raises
    ServerError."""
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
