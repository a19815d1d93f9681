"""The health request: one request on a separate connection, with a limit. Read-only."""

from __future__ import annotations

import asyncio

import httpx

from t3tray.errors import ServerError, TimedOut, Unsupported, UnsupportedVersion
from t3tray.messages.versions import HINT_NEXT, opencode2_sentence, trouble_with_version
from t3tray.opencode.client import OpenCodeClient
from t3tray.system.environment import SERVER_USER

WITHIN = 1.0


async def ask_health(url: str, password: str | None, program: str = "", user: str = SERVER_USER) -> str:
    """Return the server's version. Raises ServerError (UnsupportedVersion for an unsupported one), and UsageError when `url` is
    not an address. `program` is the path of the server's program, where it is known.

    Uses a new connection each time: one made before the server's handlers were ready hangs forever (1.18.33).
    """
    # Reading the machine's certificates would block the event loop for 50 ms; plain http needs none.
    verify = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False) if url.startswith("https:") else False
    client = OpenCodeClient(url, password, transport=httpx.AsyncHTTPTransport(verify=verify, trust_env=False), user=user)
    try:
        async with asyncio.timeout(2 * WITHIN):
            version = await _version(client, program)
    except TimeoutError:
        raise TimedOut(f"{url} did not respond in time.") from None
    finally:
        await client.aclose()
    trouble, hint = trouble_with_version(version, program)
    if trouble:
        raise UnsupportedVersion(trouble, hint)
    return version


async def _version(client: OpenCodeClient, program: str) -> str:
    try:
        return await client.health(WITHIN)
    except Unsupported:
        try:
            opencode2 = await client.opencode2_version(WITHIN)
        except ServerError:
            opencode2 = None
        if opencode2 is None:
            raise
        raise UnsupportedVersion(opencode2_sentence(opencode2, program or client.url), HINT_NEXT) from None
