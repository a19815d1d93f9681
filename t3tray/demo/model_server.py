"""A model server on loopback: the HTTP side of OpenAI chat completions. Subclasses decide the answers, here and in the tests."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A piece of the assistant's message, as in OpenAI's chunks; and a request, or a message in one.
Delta = Mapping[str, object]
JsonObject = dict[str, Any]


class ModelServer(ThreadingHTTPServer):
    """A running server for the model `name`. Each request is answered on a thread of its own. `stop` ends it."""

    daemon_threads = True

    def __init__(self, name: str, port: int = 0) -> None:
        self.name = name
        super().__init__(("127.0.0.1", port), ModelExchange)
        self._thread = threading.Thread(target=self.serve_forever, name=f"model-{name}", daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)

    def answer_page(self, exchange: ModelExchange) -> None:
        """Answer a GET request."""
        exchange.send_text("text/plain", "Not found", 404)

    def answer_chat(self, exchange: ModelExchange, request: JsonObject) -> None:
        raise NotImplementedError

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore connections that end during an answer: a turn was stopped, or a server ended."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class ModelExchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: ModelServer

    @property
    def length(self) -> int:
        """Length of the request's body, in bytes."""
        return int(self.headers["content-length"])

    def do_GET(self) -> None:
        self.server.answer_page(self)

    def do_POST(self) -> None:
        self.server.answer_chat(self, json.loads(self.rfile.read(self.length)))

    def send_text(self, kind: str, text: str, status: int = 200) -> None:
        """Send a complete answer of this content type."""
        content = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self, deltas: Iterable[Delta], asked: int, answered: int) -> None:
        """Stream a message to its end, which reports these numbers of tokens. An error of `deltas` breaks it off."""
        self.begin_stream()
        finish = "stop"
        for delta in deltas:
            finish = "tool_calls" if "tool_calls" in delta else "stop"
            self.send_chunk(delta)
        self.send_chunk({}, finish, {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered})
        self.wfile.write(b"data: [DONE]\n\n")

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()

    def send_chunk(self, delta: Delta, finish: str | None = None, usage: Mapping[str, int] | None = None) -> None:
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
        chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": self.server.name, "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk | ({'usage': usage} if usage else {}))}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests to stderr."""


def tool_call(name: str, /, **arguments: object) -> Delta:
    """Return the call of a tool; it is the last delta of its message."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"index": 0, "id": f"call_{time.monotonic_ns()}", "type": "function", "function": function}]}


def text_of(message: JsonObject) -> str:
    """Return the text of one message of a request."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(piece.get("text", "") for piece in content)


def is_title_request(request: JsonObject) -> bool:
    """Whether OpenCode requests a title for a session, and no step of a turn."""
    return any(message["role"] == "system" and "title generator" in text_of(message) for message in request["messages"])
