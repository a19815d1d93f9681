"""Limits of a request's time and of its response's size, against a server that sends slowly or endlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from t3tray.errors import ServerFault

# In seconds, from the request to the last byte of the response.
OVERALL_LIMIT = 60.0
# In bytes. The largest responses of OpenCode are pages of messages with files.
ANSWER_LIMIT = 512_000_000
# The first request for a folder takes longer: the server installs plugins and reads repositories.
FIRST_FACTOR = 3
_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")


async def ask(
    http: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    params: dict[str, str] | None,
    json: Mapping[str, object] | None,
    timeout: httpx.Timeout,
    within: float,
) -> httpx.Response:
    """Return the complete response. `timeout` applies to each step, `within` (in seconds) to all of them.

    Raises httpx.RequestError, TimeoutError, and ServerFault for a response that is too large.
    """
    content, length = [], 0
    async with (
        asyncio.timeout(within),
        http.stream(method, path, params=params, json=json, timeout=timeout) as response,
    ):
        async for chunk in response.aiter_bytes():
            content.append(chunk)
            length += len(chunk)
            if length > ANSWER_LIMIT:
                raise ServerFault(f"The server answered {method} {path} with more than {ANSWER_LIMIT:,} bytes.")
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(content), request=response.request)
