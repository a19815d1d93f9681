"""Rows of `archive.sqlite`: encoding of a message and of a transcript's state, and detection of damage.

The content of a row names its session and message, and is stored with its SHA-256: a row in a wrong place or with a wrong byte is
always detected. SQLite itself has no such check.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

import msgspec

from t3tray.domain.archived import ArchivedTranscript
from t3tray.domain.redaction import concealed, may_hold_password
from t3tray.domain.transcript import Message
from t3tray.store.errors import DamagedFile

# Compression dictionary with the text common to all messages: a short message shrinks to a quarter. Part of the file's format:
# never change it.
_COMMON = (
    b'[{"id":"msg_","role":"user","created_ms":17,"text":"","tools":[],"files":["file.png"],"error":"","model":"",'
    b'"finished":true,"summarises":false,"pieces":[{"id":"prt_","kind":"text","text":"","tool":null}],"stopped":false,'
    b'"sent_tokens":0,"cost":0.0},{"id":"msg_","role":"assistant","created_ms":17,"text":"","tools":[{"name":"bash",'
    b'"status":"completed","title":"","input":"{\\"command\\":\\"\\",\\"description\\":\\"\\",\\"filePath\\":\\"/","output":"",'
    b'"child_session":null,"agent":""},{"name":"read","status":"completed","title":"","input":"","output":"",'
    b'"child_session":null,"agent":""},{"name":"edit","status":"error","title":"","input":"","output":"",'
    b'"child_session":null,"agent":""},{"name":"grep","status":"","title":"","input":"","output":"","child_session":null,'
    b'"agent":""}],"files":[],"error":"","model":"anthropic/claude-","finished":true,"summarises":false,"pieces":[{"id":"prt_",'
    b'"kind":"thought","text":"","tool":null},{"id":"prt_","kind":"tool","text":"","tool":{"name":"task","status":"completed",'
    b'"title":"","input":"{\\"filePath\\":\\"","output":"","child_session":"ses_","agent":"general"}},{"id":"prt_",'
    b'"kind":"tool","text":"","tool":{"name":"bash","status":"completed","title":"","input":"{\\"command\\":\\"","output":"",'
    b'"child_session":null,"agent":""}},{"id":"prt_","kind":"text","text":"","tool":null}],"stopped":false,"sent_tokens":0,'
    b'"cost":0.0}]'
)


@dataclass(frozen=True)
class MessageRow:
    """A stored message. An empty `body` is a lost message, of which only id and time are known."""

    message_id: str
    created_ms: int
    hash: bytes
    body: bytes


def message_row(session_id: str, message: Message) -> MessageRow:
    """Encode a message. Our own passwords are replaced: they never get into the archive."""
    json = msgspec.json.encode(message)
    if may_hold_password(json):
        json = concealed(json.decode()).encode()
    content = session_id.encode() + b"\n" + json
    squeezer = zlib.compressobj(zdict=_COMMON)
    body = squeezer.compress(content) + squeezer.flush()
    return MessageRow(message.id, message.created_ms, hashlib.sha256(content).digest(), body)


def message_of(digest: bytes, body: bytes) -> tuple[str, Message]:
    """Decode a row into session id and message. Raises DamagedFile."""
    try:
        content = zlib.decompressobj(zdict=_COMMON).decompress(body)
        if hashlib.sha256(content).digest() != digest:
            raise DamagedFile("a message is not what was written")
        session, _, json = content.partition(b"\n")
        return session.decode(), msgspec.json.decode(json, type=Message)
    except (zlib.error, msgspec.DecodeError, TypeError) as error:
        raise DamagedFile(f"a message is not what was written: {error}") from error


def checked_message(session_id: str, row: MessageRow) -> Message:
    """Decode the row of a message of this session. Raises DamagedFile, also when the content belongs to another row."""
    session, message = message_of(row.hash, row.body)
    if (session, message.id, message.created_ms) != (session_id, row.message_id, row.created_ms):
        raise DamagedFile(f"the message {message.id} is stored in another message's row")
    return message


def state_row(state: ArchivedTranscript) -> tuple[bytes, bytes]:
    """Return hash and content of an encoded state."""
    content = msgspec.json.encode(state)
    return hashlib.sha256(content).digest(), content


def state_of(digest: bytes, content: bytes) -> ArchivedTranscript:
    """Decode a transcript's state. Raises DamagedFile."""
    try:
        if hashlib.sha256(content).digest() != digest:
            raise DamagedFile("a transcript's state is not what was written")
        return msgspec.json.decode(content, type=ArchivedTranscript)
    except (msgspec.DecodeError, TypeError) as error:
        raise DamagedFile(f"a transcript's state is not what was written: {error}") from error
