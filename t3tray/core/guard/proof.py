"""How a guard proves that it is ours: it has the password, and shows so without telling it.

A program that has the guard's port could answer as the guard does; it cannot make the proof of a number that it never saw before.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from enum import Enum
from secrets import token_hex

import httpx
import msgspec

from t3tray.core.opencode.port import HOST

PROOF_PATH = b"/.well-known/t3tray-guard"
# In seconds: for a guard of ours that has much to do.
PROBE_LIMIT = 2.0
_ANSWER_LIMIT = 1_000
_ASKED = re.compile(rb"nonce=([0-9a-f]{64})")


class Listening(Enum):
    """Who listens where the guard is expected. SILENT: somebody does, and says nothing within the limit."""

    OURS = "ours"
    STRANGER = "stranger"
    SILENT = "silent"
    NOBODY = "nobody"


class _Proof(msgspec.Struct, frozen=True):
    proof: str


def proof_of(port: int, password: str, query: bytes) -> bytes | None:
    """The answer to this query, as JSON; None for one that asks otherwise. The port is in it: nobody can pass on another's."""
    asked = _ASKED.fullmatch(query)
    return msgspec.json.encode(_Proof(_mac(port, password, asked[1].decode()))) if asked else None


async def who_listens(port: int, password: str, limit: float = PROBE_LIMIT) -> Listening:
    """Whether a guard with this password listens on this port. It is asked without the password, and starts no server."""
    nonce = token_hex(32)
    url = f"http://{HOST}:{port}{PROOF_PATH.decode()}?nonce={nonce}"
    answer = b""
    try:
        async with (
            asyncio.timeout(limit),
            httpx.AsyncClient(trust_env=False, timeout=limit, verify=False) as http,
            http.stream("GET", url, headers={"accept-encoding": "identity"}) as response,
        ):
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > _ANSWER_LIMIT:
                    return Listening.STRANGER
        given = msgspec.json.decode(answer, type=_Proof).proof
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return Listening.NOBODY
    except (TimeoutError, httpx.TimeoutException):
        return Listening.SILENT
    except (httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError):
        return Listening.STRANGER
    is_ours = hmac.compare_digest(given.encode(), _mac(port, password, nonce).encode())
    return Listening.OURS if is_ours else Listening.STRANGER


def _mac(port: int, password: str, nonce: str) -> str:
    return hmac.new(password.encode(), f"t3tray guard {port} {nonce}".encode(), hashlib.sha256).hexdigest()
