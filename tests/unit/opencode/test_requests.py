"""What the client puts into its requests."""

from __future__ import annotations

import httpx

from t3tray.core.opencode.client import OpenCodeClient

MESSAGE = {"info": {"id": "msg_1", "sessionID": "ses_1", "role": "user", "time": {"created": 1}}, "parts": []}
SESSION = {"id": "ses_2", "directory": "/the work", "title": "t", "time": {"created": 1, "updated": 1}}


async def test_what_makes_a_turn_or_a_session_names_the_folder() -> None:
    """Older versions run a turn in the server's own folder where none is named."""
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path.rpartition("/")[2], request.url.params.get("directory")))
        if request.url.path.endswith("prompt_async"):
            return httpx.Response(204)
        return httpx.Response(200, json=MESSAGE if request.url.path.endswith("message") else SESSION)

    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    await client.prompt("ses_1", "hello", "/the work")
    await client.tell("ses_1", "hello", "mark", "/the work")
    await client.fork_session("ses_1", "/the work")
    await client.aclose()
    assert asked == [("prompt_async", "/the work"), ("message", "/the work"), ("fork", "/the work")]
