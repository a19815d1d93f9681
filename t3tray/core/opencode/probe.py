"""The health question: one request, on a connection of its own, with a limit.

It changes nothing and asks nothing but the server's health.
"""

from __future__ import annotations

import asyncio

import httpx

from t3tray.core.errors import TimedOut
from t3tray.core.opencode.client import OpenCodeClient

WITHIN = 1.0


async def ask_health(url: str, password: str | None) -> str:
    """The server's version. Raises ServerError, and UsageError when `url` is not an address.

    A new connection each time: one that was made before the server's handlers were ready hangs for ever (1.18.33).
    """
    # Reading the machine's certificates takes 50 ms, for which the loop would stand still; plain http needs none.
    verify = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False) if url.startswith("https:") else False
    client = OpenCodeClient(url, password, transport=httpx.AsyncHTTPTransport(verify=verify, trust_env=False))
    try:
        async with asyncio.timeout(2 * WITHIN):
            return await client.health(WITHIN)
    except TimeoutError:
        raise TimedOut(f"{url} did not answer in time.") from None
    finally:
        await client.aclose()
