"""The demo's model: it streams the answers of `model_script`.

The same server stands in for T3 Code's web page of a thread, so that the user's own T3 Code is never opened.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator

from t3tray.demo.model_script import ModelLine, ReceivedMessage, next_line, title
from t3tray.demo.model_server import Delta, JsonObject, ModelExchange, ModelServer, is_title_request, text_of, tool_call
from t3tray.demo.table import THREADS

PROVIDER = "demo"
MODEL = "rails-1"


class Model(ModelServer):
    """The running model. `stop` ends every answer in progress too."""

    def __init__(self, environment_id: str) -> None:
        self._environment_id = environment_id
        self._stopped = threading.Event()
        super().__init__(MODEL)

    def stop(self) -> None:
        self._stopped.set()
        super().stop()

    def config(self) -> str:
        """Return OpenCode's configuration with this as the only model; only `git push` needs the user's permission."""
        models = {MODEL: {"name": "Rails 1", "limit": {"context": 200_000, "output": 8_000}}}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Demo",
            "options": {"baseURL": self.url, "apiKey": "none"},
            "models": models,
        }
        name = f"{PROVIDER}/{MODEL}"
        return json.dumps(
            {
                "provider": {PROVIDER: provider},
                "enabled_providers": [PROVIDER],
                "model": name,
                "small_model": name,
                "permission": {"edit": "allow", "webfetch": "deny", "bash": {"*": "allow", "git push*": "ask"}},
            }
        )

    def answer_page(self, exchange: ModelExchange) -> None:
        if exchange.path == "/.well-known/t3/environment":
            return exchange.send_text("application/json", json.dumps({"environmentId": self._environment_id}))
        found = next((thread for thread in THREADS if exchange.path == f"/{self._environment_id}/{thread.id}"), None)
        subject = f"“{found.title}”" if found else "its threads"
        page = f"<!doctype html><meta charset=utf-8><title>Demo</title><p>T3 Code would show {html.escape(subject)} here."
        exchange.send_text("text/html; charset=utf-8", page)

    def answer_chat(self, exchange: ModelExchange, request: JsonObject) -> None:
        conversation = [ReceivedMessage(m["role"], text_of(m)) for m in request["messages"] if m["role"] != "system"]
        line = ModelLine(title(conversation), pace=0) if is_title_request(request) else next_line(conversation)
        exchange.stream(self._say(line), exchange.length // 4, len(line.words) // 4 + 12)

    def _say(self, line: ModelLine) -> Iterator[Delta]:
        for word in re.findall(r"\s*\S+", line.words):
            yield {"content": word}
            if self._stopped.wait(line.pace):
                raise ConnectionAbortedError("The demo ends.")
        if line.tool:
            yield tool_call(line.tool, **dict(line.arguments))
