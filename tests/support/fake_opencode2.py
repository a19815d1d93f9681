"""A program that answers like OpenCode 2, with recorded responses of its preview from `tests/data/opencode2`.

Started as `… FOLDER serve --hostname H --port N`. Its password is "its own", whatever OPENCODE_SERVER_PASSWORD says. An
unknown route is answered with 404 before the password is checked, and every request appends a line to the folder's file `asked`.
If the folder has a file `released`, it reports its version as a released one does (second-hand: GET /api/info from 2.0.4 on).
"""

from __future__ import annotations

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PASSWORD = "its own"
RELEASED = "2.4.1"
_RECORDED = Path(__file__).resolve().parents[1] / "data" / "opencode2"


def recorded() -> dict[str, tuple[int, str, bytes]]:
    """Return status, content type and body by method and path, as recorded with its password."""
    found = {}
    for file in sorted(_RECORDED.glob("*.txt")):
        asked, answered, *body = file.read_text().split("\n", 2)
        status, _, kind = answered.removeprefix("< ").partition(" ")
        if status != "401":
            found[asked.removeprefix("> ")] = (int(status), kind, "".join(body).strip().encode())
    return found


class Answers(BaseHTTPRequestHandler):
    answers = recorded()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()

    def do_GET(self) -> None:
        with (self.folder / "asked").open("a") as asked:
            asked.write(f"{self.command} {self.path}\n")
        if self.path == "/api/info" and (self.folder / "released").exists():
            self.answer(200, "application/json", json.dumps({"version": RELEASED}).encode())
            return
        status, kind, body = self.answers.get(f"{self.command} {self.path}", (404, "", b""))
        told = base64.b64encode(f"opencode:{PASSWORD}".encode()).decode()
        if (status != 404 or body) and self.headers["Authorization"] != f"Basic {told}":
            unauthorized = {"_tag": "UnauthorizedError", "message": "Authentication required"}
            status, kind, body = 401, "application/json", json.dumps(unauthorized).encode()
        self.answer(status, kind, body)

    do_POST = do_PATCH = do_DELETE = do_GET

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""


def main() -> None:
    if sys.argv[2:3] != ["serve"]:
        # The preview's own text.
        sys.exit(print("lildax vlocal") if "--version" in sys.argv else "unknown command")
    port = int(sys.argv[sys.argv.index("--port") + 1])
    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    server.daemon_threads = True
    print(f"server listening on http://127.0.0.1:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
