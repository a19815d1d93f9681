"""What the client puts into its requests."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from t3tray.errors import ServerFault, UnusableConfiguration
from t3tray.opencode.client import OpenCodeClient
from t3tray.opencode.failures import of_output

MESSAGE = {"info": {"id": "msg_1", "sessionID": "ses_1", "role": "user", "time": {"created": 1}}, "parts": []}
SESSION = {"id": "ses_2", "directory": "/the work", "title": "t", "time": {"created": 1, "updated": 1}}


async def test_what_makes_a_turn_or_a_session_names_the_folder() -> None:
    """Older versions run a turn in the server's own folder if none is named."""
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path.rpartition("/")[2], request.url.params.get("directory")))
        if request.url.path.endswith("prompt_async"):
            return httpx.Response(204)
        return httpx.Response(200, json=MESSAGE if request.url.path.endswith("message") else SESSION)

    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    await client.prompt("ses_1", "hello", "/the work")
    await client.add_message("ses_1", "hello", "mark", "/the work")
    await client.fork_session("ses_1", "/the work")
    await client.aclose()
    assert asked == [("prompt_async", "/the work"), ("message", "/the work"), ("fork", "/the work")]


async def test_a_broken_configuration_is_named_with_its_file_and_line_and_without_colours() -> None:
    errors = "\x1b[31mInvalidSymbol at line 3, column 14\x1b[0m\n   Line 3: oops"
    said = f"\n--- JSONC Input ---\n{{ oops }} // line 7\n--- Errors ---\n{errors}"
    refusal = {"name": "ConfigJsonError", "data": {"path": "/the work/opencode.json", "message": said}}
    client = OpenCodeClient("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(400, json=refusal)))
    with pytest.raises(ServerFault) as error:
        await client.session("ses_1")
    await client.aclose()
    assert error.value.message == "OpenCode cannot use /the work/opencode.json: InvalidSymbol at line 3, column 14."
    assert (error.value.hint or "").startswith("Correct that file, then")


async def test_a_configuration_with_a_wrong_value_is_told_by_the_value() -> None:
    data = {"path": "/w/opencode.json", "issues": [{"path": ["provider", "x"], "message": "Expected ProviderConfig, got 4"}]}
    answer = httpx.MockTransport(lambda _: httpx.Response(400, json={"name": "ConfigInvalidError", "data": data}))
    client = OpenCodeClient("http://127.0.0.1:1", transport=answer)
    with pytest.raises(UnusableConfiguration) as error:
        await client.session("ses_1")
    await client.aclose()
    assert error.value.message == "OpenCode cannot use /w/opencode.json: Expected ProviderConfig, got 4 (provider.x)."


NOT_JSON = """[t3tray 2026-11-30 08:00:00] starting opencode serve
\x1b[91m\x1b[1mError: \x1b[0mConfig file at /a b/opencode.json is not valid JSON(C):\x20
--- JSONC Input ---
{ "a": 1, // line 9
--- Errors ---
InvalidSymbol at line 1, column 3
"""
NOT_VALID = (
    "\x1b[91mError: \x1b[0mConfiguration is invalid at /a b/opencode.json\n\u21b3 Expected string | undefined, got 3 model\n"
)


@pytest.mark.parametrize(
    ("output", "why"),
    [(NOT_JSON, "InvalidSymbol at line 1, column 3"), (NOT_VALID, "Expected string | undefined, got 3 model")],
)
def test_a_server_that_ends_by_its_configuration_is_understood(output: str, why: str) -> None:
    found = of_output(output)
    assert found is not None
    assert (found[0].message, found[1]) == (f"OpenCode cannot use /a b/opencode.json: {why}.", Path("/a b/opencode.json"))
    assert of_output("Error: Failed to start server. Is port 4711 in use?") is None
