"""Reads T3 Code's own copy of a thread's messages, as shown in its window, from whichever sessions they came.

Without tools and without the model's reasoning. An unknown format gives None, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from t3tray.domain.evidence import Role
from t3tray.domain.t3code_thread import Shape
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.messages.t3code_homes import ONLY_SHOWN, STILL_WRITTEN, UNNAMED_FILES, left_out
from t3tray.system.known_secrets import conceal
from t3tray.system.read_only_sqlite import Row, SqliteReader, pattern
from t3tray.t3code import state_v2
from t3tray.t3code.times import needed_moment

_V1 = "projection_thread_messages"
_V2 = f"{state_v2.PREFIX}messages"
_NEEDED_V1 = frozenset({"message_id", "thread_id", "role", "text", "is_streaming", "created_at"})
_NEEDED_V2 = frozenset({"message_id", "thread_id", "role", "streaming", "created_at", "payload_json"})
_QUERY_V1 = f"""SELECT message_id, role, text, is_streaming, created_at, {{attachments}} FROM {_V1}
    WHERE thread_id = ? ORDER BY created_at, message_id"""
_QUERY_V2 = f"""SELECT message_id, role, CASE WHEN json_valid(payload_json) AND json_type(payload_json, '$.text') = 'text'
    THEN json_extract(payload_json, '$.text') END, streaming, created_at, NULL FROM {_V2}
    WHERE thread_id = ? ORDER BY created_at, message_id"""
_SAYING_V1 = f"SELECT DISTINCT thread_id FROM {_V1} WHERE text LIKE ? ESCAPE '\\'"
_SAYING_V2 = f"""SELECT DISTINCT thread_id FROM {_V2}
    WHERE json_valid(payload_json) AND json_extract(payload_json, '$.text') LIKE ? ESCAPE '\\'"""
_ROLES = {role.value: role for role in Role}


class _Attachment(msgspec.Struct, frozen=True):
    name: str = "a file"


def read(reader: SqliteReader, shape: Shape, thread_id: str) -> Transcript | None:
    """Return the thread's messages, unfinished ones marked; None where there are none, or their format is unknown.

    Raises the reader's errors.
    """
    columns = reader.columns(_V2 if shape is Shape.V2 else _V1)
    if not columns >= (_NEEDED_V2 if shape is Shape.V2 else _NEEDED_V1):
        return None
    attachments = "attachments_json" if "attachments_json" in columns else "NULL"
    query = _QUERY_V2 if shape is Shape.V2 else _QUERY_V1.format(attachments=attachments)
    return _transcript(reader.rows(query, thread_id))


def threads_saying(reader: SqliteReader, shape: Shape, text: str) -> frozenset[str]:
    """Return the ids of the threads whose messages contain this text. Raises the reader's errors."""
    columns = reader.columns(_V2 if shape is Shape.V2 else _V1)
    if not columns >= (_NEEDED_V2 if shape is Shape.V2 else _NEEDED_V1):
        return frozenset()
    query = _SAYING_V2 if shape is Shape.V2 else _SAYING_V1
    return frozenset(row[0] for row in reader.rows(query, pattern(text)))


def _transcript(rows: list[Row]) -> Transcript | None:
    if not rows or any(not isinstance(row[2], str) for row in rows):
        return None
    known = [row for row in rows if row[1] in _ROLES]
    return Transcript(Origin.T3CODE, tuple(_utterance(row) for row in known), missing=tuple(_missing(known, len(rows))))


def _missing(known: list[Row], there: int) -> Iterable[str]:
    yield ONLY_SHOWN
    if len(known) < there:
        yield left_out(there - len(known))
    if any(row[3] for row in known):
        yield STILL_WRITTEN


def _utterance(row: Row) -> Message:
    message_id, role, text, streaming, created, attachments = row
    return Message(
        id=message_id,
        role=_ROLES[role],
        created_ms=round(needed_moment(created).timestamp() * 1000),
        text=conceal(text),
        files=_files(attachments),
        finished=not streaming,
    )


def _files(attachments: str | None) -> tuple[str, ...]:
    try:
        return tuple(found.name for found in msgspec.json.decode(attachments or "[]", type=tuple[_Attachment, ...]))
    except msgspec.DecodeError:
        return (UNNAMED_FILES,)
