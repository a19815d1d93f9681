"""A model server on loopback that streams OpenAI chat completions and records every request.

A test reads `requests` to check which context reached the model. The answer depends only on the
last user message:

- "what is the codeword" → the word of the newest "the codeword is WORD" in the messages, else a plain "UNKNOWN …";
- "run: COMMAND"         → a `bash` tool call (the permission flow);
- "ask: QUESTION"        → a `question` tool call with the options Yes and No (the question flow);
- "task: PROMPT"         → a `task` tool call: a sub-agent with this prompt;
- "think: TEXT"          → that text as reasoning, then "OK.";
- "fail: TEXT"           → HTTP 400 with that text (the `session.error` flow);
- "fill: TOKENS"         → "OK.", and reports that many input tokens (OpenCode compacts before the next turn);
- "hold"                 → the first words, then nothing until `release()` (a running turn);
- "say: TEXT"            → that text;
- "break: TEXT"          → that text, then an error instead of its end;
- OpenCode's request for a summary (a compaction) → SUMMARY;
- anything else          → "OK.".

While `refuses` is set it answers every request with HTTP 400.

Run by hand: `python -m tests.support.stub_model PORT`.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

UNKNOWN = "UNKNOWN - I have no earlier context"
SUMMARY = "A summary of it all."
# OpenCode 1.15 frames messages that the user sent while the model was working.
_FRAMED = re.compile(r"<system-reminder>\nThe user sent the following message:\n(.*?)\n\nPlease address this message", re.DOTALL)
_CODEWORD = re.compile(r"the codeword is (\w+)")


class StubModel:
    """A running model on its own threads, also as a context manager; `stop()` ends it."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refuses = False
        self._arrived = threading.Condition()
        self._gate = threading.Event()
        self._answering = 0
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="stub-model", daemon=True)
        self._thread.start()

    def __enter__(self) -> StubModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def release(self) -> None:
        """Let every held turn continue to its end."""
        self._gate.set()

    def hold_again(self) -> None:
        self._gate.clear()

    def forget(self) -> bool:
        """Reset to the initial state if no request is being answered; else return False."""
        self.release()
        with self._arrived:
            is_quiet = self._arrived.wait_for(lambda: self._answering == 0, 10)
            self.requests, self.refuses = [], False
        self.hold_again()
        return is_quiet

    @contextmanager
    def answering(self, body: dict[str, Any]) -> Iterator[None]:
        """Record a request, and that it is being answered until the end of the context."""
        with self._arrived:
            self.requests.append(body)
            self._answering += 1
            self._arrived.notify_all()
        try:
            yield
        finally:
            with self._arrived:
                self._answering -= 1
                self._arrived.notify_all()

    def chats(self) -> list[dict[str, Any]]:
        """Return the requests of turns, without those of the title generator."""
        with self._arrived:
            return [request for request in self.requests if not _is_title_request(request)]

    def wait_for_chats(self, count: int, timeout: float = 30) -> list[dict[str, Any]]:
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.chats()) >= count, timeout)
        assert enough, f"the model got {len(self.chats())} of {count} requests in {timeout} s"
        return self.chats()

    def words_sent(self, index: int = -1) -> str:
        """Return all text of a request without the system prompt, as the model saw it."""
        return "\n".join(_text_of(message) for message in self.chats()[index]["messages"] if message["role"] != "system")

    def answer(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        asked = next((_text_of(m) for m in reversed(body["messages"]) if m["role"] == "user"), "")
        if body["messages"][-1]["role"] == "tool":
            yield {"content": "Done."}
        elif "anchored summary" in asked or "-summary>" in asked:
            yield {"content": SUMMARY}
        elif "what is the codeword" in asked:
            words = _CODEWORD.findall("\n".join(_text_of(m) for m in body["messages"] if m["role"] != "system"))
            yield {"content": words[-1] if words else UNKNOWN}
        elif asked.startswith("run: "):
            yield _tool_call("bash", command=asked.removeprefix("run: "), description="a command")
        elif asked.startswith("ask: "):
            options = [{"label": label, "description": f"say {label.lower()}"} for label in ("Yes", "No")]
            question = {"question": asked.removeprefix("ask: "), "header": "A choice", "options": options}
            yield _tool_call("question", questions=[question])
        elif asked.startswith("task: "):
            yield _tool_call("task", description="look into it", prompt=asked.removeprefix("task: "), subagent_type="general")
        elif asked.startswith("think: "):
            yield {"reasoning_content": asked.removeprefix("think: ")}
            yield {"content": "OK."}
        elif asked.startswith("hold"):
            yield {"content": "I am "}
            self._gate.wait()
            yield {"content": "done."}
        elif asked.startswith("say: "):
            for word in re.findall(r"\S+\s*", asked.removeprefix("say: ")):
                yield {"content": word}
        else:
            yield {"content": "OK."}


def _tool_call(name: str, **arguments: object) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
    framed = _FRAMED.match(text)
    return framed[1] if framed else text


def _is_title_request(body: dict[str, Any]) -> bool:
    return any(m["role"] == "system" and "title generator" in _text_of(m) for m in body["messages"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], model: StubModel) -> None:
        self.model = model
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect during an answer: tests kill servers on purpose."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = cast("_Server", self.server).model
        with model.answering(body):
            self._answer(model, body)

    def _answer(self, model: StubModel, body: dict[str, Any]) -> None:
        last = _text_of(body["messages"][-1])
        if model.refuses:
            return self._refuse("Not now.")
        if last.startswith("fail: "):
            return self._refuse(last.removeprefix("fail: "))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        finish = "stop"
        if last.startswith("break: "):
            self._chunk({"role": "assistant", "content": last.removeprefix("break: ")}, None)
            self.wfile.write(b'data: {"error": {"message": "broken", "type": "invalid_request_error", "code": 400}}\n\n')
            return
        for delta in model.answer(body):
            finish = "tool_calls" if "tool_calls" in delta else "stop"
            self._chunk({"role": "assistant", **delta}, None)
        self._chunk({}, finish, int(last.removeprefix("fill: ")) if last.startswith("fill: ") else 10)
        self.wfile.write(b"data: [DONE]\n\n")

    def _refuse(self, message: str) -> None:
        payload = json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _chunk(self, delta: dict[str, Any], finish: str | None, tokens: int = 10) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk: dict[str, Any] = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "stub-1",
            "choices": [choice],
        }
        if finish:
            chunk["usage"] = {"prompt_tokens": tokens, "completion_tokens": 2, "total_tokens": tokens + 2}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log requests; tests read `requests`."""


def opencode_config(url: str) -> str:
    """Return the OPENCODE_CONFIG_CONTENT that makes this model the only one, and disables git snapshots of the folder."""
    models = {"stub-1": {"limit": {"context": 100000, "output": 4096}}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": url, "apiKey": "none"}, "models": models}
    return json.dumps({"provider": {"stub": provider}, "model": "stub/stub-1", "small_model": "stub/stub-1", "snapshot": False})


if __name__ == "__main__":
    running = StubModel(int(sys.argv[1]))
    print(opencode_config(running.url), flush=True)
    threading.Event().wait()
