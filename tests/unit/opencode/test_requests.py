"""What the client puts into its requests."""

from __future__ import annotations

import httpx
import pytest

from t3tray.core.errors import ServerFault
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


async def test_a_broken_configuration_is_named_with_its_file_and_line_and_without_colours() -> None:
    said = "\n--- JSONC Input ---\n{ oops }\n--- Errors ---\n\x1b[31mInvalidSymbol at line 3, column 14\x1b[0m\n   Line 3: oops"
    refusal = {"name": "ConfigJsonError", "data": {"path": "/the work/opencode.json", "message": said}}
    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(400, json=refusal)))
    with pytest.raises(ServerFault) as error:
        await client.session("ses_1")
    await client.aclose()
    assert error.value.message == "OpenCode cannot use /the work/opencode.json: InvalidSymbol at line 3, column 14."
    assert error.value.hint == "Correct that file, then try again."
