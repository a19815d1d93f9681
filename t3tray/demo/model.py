"""The demo's model server on loopback: it streams OpenAI chat completions, with the answers of `model_script`.

The same server stands in for T3 Code's web page of a thread, so that the user's own T3 Code is never opened.
"""

from __future__ import annotations

import html
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import msgspec

from t3tray.demo.model_script import TITLES, ModelLine, ReceivedMessage, next_line, title
from t3tray.demo.table import THREADS

PROVIDER = "demo"
MODEL = "rails-1"


class _Piece(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Piece] | None = None

    @property
    def received(self) -> ReceivedMessage:
        content = self.content or ""
        return ReceivedMessage(self.role, content if isinstance(content, str) else "\n".join(piece.text for piece in content))


class _Request(msgspec.Struct):
    messages: list[_Message]


class Model:
    """A running model server on its own threads. `stop` ends it, and every answer in progress."""

    def __init__(self, environment_id: str) -> None:
        self.environment_id = environment_id
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo-model", daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def config(self) -> str:
        """Return OpenCode's configuration with this as the only model; only `git push` needs the user's permission."""
        models = {MODEL: {"name": "Rails 1", "limit": {"context": 200_000, "output": 8_000}}}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Demo",
            "options": {"baseURL": f"{self.origin}/v1", "apiKey": "none"},
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], model: Model) -> None:
        self.model = model
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect during an answer: a turn was stopped, or a server ended."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        model = self._model
        if self.path == "/.well-known/t3/environment":
            return self._answer("application/json", json.dumps({"environmentId": model.environment_id}))
        found = next((thread for thread in THREADS if self.path == f"/{model.environment_id}/{thread.id}"), None)
        subject = f"“{found.title}”" if found else "its threads"
        page = f"<!doctype html><meta charset=utf-8><title>Demo</title><p>T3 Code would show {html.escape(subject)} here."
        self._answer("text/html; charset=utf-8", page)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        received = [message.received for message in msgspec.json.decode(body, type=_Request).messages]
        conversation = [each for each in received if each.role != "system"]
        is_title = any(each.role == "system" and TITLES in each.text for each in received)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self._stream(ModelLine(title(conversation), pace=0) if is_title else next_line(conversation), len(body) // 4)

    def _stream(self, line: ModelLine, tokens: int) -> None:
        for word in re.findall(r"\s*\S+", line.words):
            self._chunk({"content": word})
            if self._model.stopped.wait(line.pace):
                return
        if line.tool:
            function = {"name": line.tool, "arguments": json.dumps(dict(line.arguments))}
            call = {"index": 0, "id": f"call_{time.monotonic_ns()}", "type": "function", "function": function}
            self._chunk({"tool_calls": [call]})
        answered = len(line.words) // 4 + 12
        usage = {"prompt_tokens": tokens, "completion_tokens": answered, "total_tokens": tokens + answered}
        self._chunk({}, "tool_calls" if line.tool else "stop", usage)
        self.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, delta: dict[str, object], finish: str | None = None, usage: dict[str, int] | None = None) -> None:
        chunk: dict[str, object] = {
            "id": "demo",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": MODEL,
            "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}],
        }
        if usage:
            chunk["usage"] = usage
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def _answer(self, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @property
    def _model(self) -> Model:
        return cast("_Server", self.server).model

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests to stderr."""
