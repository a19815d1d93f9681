"""A proxy that passes everything on to a server, but drops its responses to prompts, which the server has accepted."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

_OWN = {"connection", "transfer-encoding", "keep-alive"}


class LossyProxy:
    """A context manager. `lost` counts the dropped responses; with `loses` False every response is delivered."""

    def __init__(self, port: int) -> None:
        self.lost = 0
        self.loses = True
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                upstream = http.client.HTTPConnection("127.0.0.1", port)
                with closing(upstream):
                    upstream.request(self.command, self.path, body, dict(self.headers))
                    self._answer(upstream.getresponse())

            def _answer(self, answer: http.client.HTTPResponse) -> None:
                if proxy.loses and self.path.partition("?")[0].endswith("/prompt_async"):
                    answer.read()
                    proxy.lost += 1
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.end_headers()
                while piece := answer.read1(65536):
                    self.wfile.write(piece)
                    self.wfile.flush()

            do_GET = do_POST = do_PATCH = do_DELETE = _pass_on

            def log_message(self, format: str, *args: Any) -> None:
                """Do not log requests."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore clients that are gone."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
