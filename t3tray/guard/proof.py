"""Proof of identity: a guard answers a nonce with an HMAC keyed by its password.

Another program on the guard's port can imitate its answers, but cannot compute the HMAC of a new nonce.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from enum import Enum
from secrets import token_hex

import msgspec

from t3tray.guard.access import REALM
from t3tray.server.port import HOST

PROOF_PATH = b"/.well-known/t3tray-guard"
# In seconds: enough for a busy guard.
PROBE_LIMIT = 2.0
# In bytes: more than a guard's answer to this request.
_ANSWER_LIMIT = 1_000
_ASKED = re.compile(rb"nonce=([0-9a-f]{64})")
_BEGIN = b"HTTP/1.1 "
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Listening(Enum):
    """What listens on the guard's port.

    STRANGER: its answer cannot be a guard's with this password. UNPROVED: it may be a guard: a suspended or overloaded one does
    not answer, and one of an older t3tray requires the password.
    """

    OURS = "ours"
    STRANGER = "stranger"
    UNPROVED = "unproved"
    NOBODY = "nobody"


class _Proof(msgspec.Struct, frozen=True):
    proof: str


def proof_of(port: int, password: str, query: bytes) -> bytes | None:
    """Return the proof for this query as JSON; None for an invalid query. It covers the port: no relaying."""
    asked = _ASKED.fullmatch(query)
    return msgspec.json.encode(_Proof(_mac(port, password, asked[1].decode()))) if asked else None


async def probe_guard(port: int, password: str, limit: float | None = None) -> Listening:
    """Ask whether a guard with this password listens on this port, for up to `limit` seconds, else PROBE_LIMIT.

    Sends no password, and starts no server.
    """
    nonce = token_hex(32)
    asked = f"GET {PROOF_PATH.decode()}?nonce={nonce} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    answer, is_whole = bytearray(), False
    try:
        async with asyncio.timeout(PROBE_LIMIT if limit is None else limit):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(asked.encode())
                while not (is_whole := _is_whole(answer)) and (chunk := await reader.read(_ANSWER_LIMIT)):
                    answer += chunk
            finally:
                writer.close()
    except ConnectionRefusedError:
        return Listening.NOBODY
    except OSError:
        pass  # no answer in time, or no connection: judge what was received
    return _judged(bytes(answer), is_whole, _mac(port, password, nonce))


def _judged(answer: bytes, is_whole: bool, expected: str) -> Listening:
    if _is_none_of_ours(answer):
        return Listening.STRANGER
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[len(_BEGIN) :][:3]
    if not is_whole or status[:1] == b"5":
        return Listening.UNPROVED
    if status == b"401" and f'realm="{REALM}"'.encode() in head:
        return Listening.UNPROVED
    try:
        given = msgspec.json.decode(body, type=_Proof).proof if status == b"200" else ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Listening.STRANGER
    return Listening.OURS if hmac.compare_digest(given.encode(), expected.encode()) else Listening.STRANGER


def _is_none_of_ours(answer: bytes) -> bool:
    """Return whether this cannot be the beginning of a guard's answer."""
    return len(answer) > _ANSWER_LIMIT or answer[: len(_BEGIN)] != _BEGIN[: len(answer)]


def _is_whole(answer: bytearray) -> bool:
    """Return whether the answer is complete. Every guard sends a Content-Length with it."""
    head, end, body = bytes(answer).partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return _is_none_of_ours(bytes(answer)) or bool(end and (length is None or len(body) >= int(length[1])))


def _mac(port: int, password: str, nonce: str) -> str:
    return hmac.new(password.encode(), f"t3tray guard {port} {nonce}".encode(), hashlib.sha256).hexdigest()
