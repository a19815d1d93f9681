"""The tests' model, on the demo's server: it records every request.

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

from t3tray.demo.model_server import Delta, JsonObject, ModelExchange, ModelServer, is_title_request, text_of, tool_call

MODEL = "stub-1"
UNKNOWN = "UNKNOWN - I have no earlier context"
SUMMARY = "A summary of it all."
# OpenCode 1.15 frames messages that the user sent while the model was working.
_FRAMED = re.compile(r"<system-reminder>\nThe user sent the following message:\n(.*?)\n\nPlease address this message", re.DOTALL)
_CODEWORD = re.compile(r"the codeword is (\w+)")


class StubModel(ModelServer):
    """A running model, also as a context manager; `stop()` ends it."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[JsonObject] = []
        self.refuses = False
        self._arrived = threading.Condition()
        self._gate = threading.Event()
        self._answering = 0
        super().__init__(MODEL, port)

    def __enter__(self) -> StubModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.release()
        super().stop()

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
    def answering(self, body: JsonObject) -> Iterator[None]:
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

    def chats(self) -> list[JsonObject]:
        """Return the requests of turns, without those of the title generator."""
        with self._arrived:
            return [request for request in self.requests if not is_title_request(request)]

    def wait_for_chats(self, count: int, timeout: float = 30) -> list[JsonObject]:
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.chats()) >= count, timeout)
        assert enough, f"the model got {len(self.chats())} of {count} requests in {timeout} s"
        return self.chats()

    def words_sent(self, index: int = -1) -> str:
        """Return all text of a request without the system prompt, as the model saw it."""
        return "\n".join(_text_of(message) for message in self.chats()[index]["messages"] if message["role"] != "system")

    def answer_chat(self, exchange: ModelExchange, request: JsonObject) -> None:
        with self.answering(request):
            last = _text_of(request["messages"][-1])
            if self.refuses or last.startswith("fail: "):
                error = _error("Not now." if self.refuses else last.removeprefix("fail: "))
                exchange.send_text("application/json", json.dumps(error), 400)
            elif last.startswith("break: "):
                exchange.begin_stream()
                exchange.send_chunk({"content": last.removeprefix("break: ")})
                exchange.wfile.write(f"data: {json.dumps(_error('broken', code=400))}\n\n".encode())
            else:
                asked = int(last.removeprefix("fill: ")) if last.startswith("fill: ") else 10
                exchange.stream(self._answer(request), asked, 2)

    def _answer(self, body: JsonObject) -> Iterator[Delta]:
        asked = next((_text_of(m) for m in reversed(body["messages"]) if m["role"] == "user"), "")
        if body["messages"][-1]["role"] == "tool":
            yield {"content": "Done."}
        elif "anchored summary" in asked or "-summary>" in asked:
            yield {"content": SUMMARY}
        elif "what is the codeword" in asked:
            words = _CODEWORD.findall("\n".join(_text_of(m) for m in body["messages"] if m["role"] != "system"))
            yield {"content": words[-1] if words else UNKNOWN}
        elif asked.startswith("run: "):
            yield tool_call("bash", command=asked.removeprefix("run: "), description="a command")
        elif asked.startswith("ask: "):
            options = [{"label": label, "description": f"say {label.lower()}"} for label in ("Yes", "No")]
            question = {"question": asked.removeprefix("ask: "), "header": "A choice", "options": options}
            yield tool_call("question", questions=[question])
        elif asked.startswith("task: "):
            yield tool_call("task", description="look into it", prompt=asked.removeprefix("task: "), subagent_type="general")
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


def _error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def _text_of(message: JsonObject) -> str:
    framed = _FRAMED.match(text := text_of(message))
    return framed[1] if framed else text


def opencode_config(url: str) -> str:
    """Return the OPENCODE_CONFIG_CONTENT that makes this model the only one, and disables git snapshots of the folder."""
    models = {MODEL: {"limit": {"context": 100000, "output": 4096}}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": url, "apiKey": "none"}, "models": models}
    name = f"stub/{MODEL}"
    return json.dumps({"provider": {"stub": provider}, "model": name, "small_model": name, "snapshot": False})


if __name__ == "__main__":
    running = StubModel(int(sys.argv[1]))
    print(opencode_config(running.url), flush=True)
    threading.Event().wait()
