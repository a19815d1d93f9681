"""Rows of OpenCode's tables `session` and `message`: the selected columns, and their conversion."""

from __future__ import annotations

from t3tray.domain.evidence import MessageFacts, SessionFacts
from t3tray.errors import Unsupported
from t3tray.opencode import wire
from t3tray.system.read_only_sqlite import Row

SESSION_COLUMNS = (
    "id",
    "parent_id",
    "directory",
    "title",
    "version",
    "revert",
    "time_created",
    "time_updated",
    "time_archived",
)
SESSIONS = f"SELECT {', '.join(SESSION_COLUMNS)} FROM session"
_SAYS = "json_extract(data, '$.type') = 'text' AND trim(json_extract(data, '$.text'), ' ' || char(9, 10, 13)) <> ''"
MAY_HAVE_FAILED = """instr(message.data, '"error"') > 0"""
WITHOUT_PARTS = "NOT EXISTS (SELECT 1 FROM part WHERE part.message_id = message.id)"
# Columns after id and data: for a message that requests a compaction, the first message that it keeps ('' for none), otherwise
# NULL (parts may be long, so only possible ones are parsed as JSON, and only valid JSON); whether the message has any part; and
# for a failed one whether it has text or tools.
MESSAGES = f"""SELECT message.id, message.data, (
    SELECT coalesce(json_extract(data, '$.tail_start_id'), '') FROM part WHERE message_id = message.id
    AND CASE WHEN instr(data, '"{wire.COMPACTION}"') AND json_valid(data) THEN json_extract(data, '$.type') END
    = '{wire.COMPACTION}' LIMIT 1
), NOT {WITHOUT_PARTS}, {MAY_HAVE_FAILED} AND EXISTS (SELECT 1 FROM part WHERE message_id = message.id AND CASE
    WHEN json_valid(data) THEN json_extract(data, '$.type') = 'tool' OR {_SAYS} END
) FROM message"""
# Messages that are only in OpenCode 2's table. Rows of other types are no messages: 1.15 to 1.17 write some of them.
ONLY_OPENCODE2 = """session_message WHERE type IN ('user', 'assistant', 'compaction')
    AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = session_message.id)"""


def session_facts(row: Row) -> SessionFacts:
    """Convert a row of `SESSION_COLUMNS`. Raises Unsupported where it lacks what a verdict needs."""
    session_id, parent, directory, title, version, revert, created, updated, archived = row
    if not (isinstance(directory, str) and isinstance(created, int) and isinstance(updated, int)):
        raise _odd(session_id)
    if not (parent is None or isinstance(parent, str)) or not (revert is None or isinstance(revert, str)):
        raise _odd(session_id)
    return SessionFacts(
        id=session_id,
        directory=directory,
        title=title if isinstance(title, str) else "",
        created_ms=created,
        updated_ms=updated,
        version=version if isinstance(version, str) else "",
        parent_id=parent,
        archived=archived is not None,
        reverted_to=wire.decode(revert, wire.Revert, "a revert").message_id if revert else None,
    )


def message_facts(row: Row) -> MessageFacts:
    """Convert a row of `MESSAGES`. Raises Unsupported where it is no valid message."""
    message_id, data, keeps_from, has_parts, has_words = row
    if not isinstance(data, str):
        raise Unsupported(f"Message {message_id} in OpenCode's database is not text.")
    body = wire.decode(data, wire.MessageBody, "a message")
    return body.facts(message_id, None if keeps_from is None else str(keeps_from), bool(has_parts), bool(has_words))


def _odd(session_id: object) -> Unsupported:
    return Unsupported(f"Session {session_id} in OpenCode's database has a format that t3tray does not support.")
