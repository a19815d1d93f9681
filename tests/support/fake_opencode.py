"""A program that imitates a misbehaving `opencode serve`, as the file in FAKE_OPENCODE says.

The file contains words, read at every start and every request: `slow=S` (s until it listens) · `crash` (`crash=N`: only the
first N starts) · `stubborn` (ignores SIGTERM) · `flood` · `never-ready` · `hang` (health is never answered) ·
`exits-after=S` · `works` (uses the CPU before it listens, as long as the word is there) · `opencode2` (answers as OpenCode 2) ·
`version=V`. Every start appends its pid to the file `….starts` beside it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "1.99.9"
VARIABLE = "FAKE_OPENCODE"


def behaviour() -> dict[str, str]:
    words = Path(os.environ[VARIABLE]).read_text().split()
    return {name: value for name, _, value in (word.partition("=") for word in words)}


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if "hang" in behaviour():
            threading.Event().wait()
        if "opencode2" in behaviour():
            self.answer_as_opencode2()
            return
        name, password = os.environ["OPENCODE_SERVER_USERNAME"], os.environ["OPENCODE_SERVER_PASSWORD"]
        expected = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
        if self.headers["Authorization"] != expected:
            self.send_error(401)
            return
        self.answer(200, {"healthy": True, "version": behaviour().get("version", VERSION)})

    def answer_as_opencode2(self) -> None:
        """Answer unknown routes with an empty 404, and its own routes with 401, since we do not know its password."""
        if self.path.startswith("/api/health"):
            self.answer(401, {"_tag": "UnauthorizedError", "message": "Authentication required"})
        else:
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

    def answer(self, status: int, told: dict[str, object]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests, as the real one."""


def count_start() -> int:
    starts = Path(os.environ[VARIABLE] + ".starts")
    with starts.open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len(starts.read_text().splitlines())


def flood() -> None:
    line = "x" * 1023 + "\n"
    while True:
        sys.stdout.write(line * 64)
        sys.stdout.flush()
        time.sleep(0.002)


def main() -> None:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    does, starts = behaviour(), count_start()
    if "stubborn" in does:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "crash" in does and starts <= int(does["crash"] or "1000000"):
        sys.exit("the configuration is wrong")
    if "never-ready" in does:
        threading.Event().wait()
    time.sleep(float(does.get("slow", "0")))
    while "works" in behaviour():
        pass
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Health)
    except OSError:
        sys.exit("Error: Unexpected error\nServeError")
    server.daemon_threads = True
    print(f"opencode server listening on http://127.0.0.1:{port}", flush=True)
    if "flood" in does:
        threading.Thread(target=flood, daemon=True).start()
    if "exits-after" in does:
        threading.Timer(float(does["exits-after"]), os._exit, [7]).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
