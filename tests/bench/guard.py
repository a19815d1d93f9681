"""The cost of the guard between T3 Code and the real server: direct and through it alternately, under the same load."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil

from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.t3_world import empty_world

REQUESTS = 1500
LARGE, MESSAGES, LENGTH = 9, 6, 1_066_000
EVENTS = 60
STREAMS = 20


class _Side:
    """A connection to the server: direct, or through the guard."""

    def __init__(self, url: str, password: str) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {"authorization": "Basic " + b64encode(f"opencode:{password}".encode()).decode()}
        self._kept = self.connect()

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self._address, timeout=60)

    def ask(self, path: str, method: str = "GET", body: str | None = None) -> bytes:
        headers = self._headers | ({"content-type": "application/json"} if body else {})
        self._kept.request(method, path, body, headers)
        return self._kept.getresponse().read()

    def stream(self, path: str) -> tuple[HTTPConnection, HTTPResponse]:
        connection = self.connect()
        connection.request("GET", path, headers=self._headers)
        return connection, connection.getresponse()


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """Measure requests, events, a large response and memory, with `t3tray guard run` in another process."""
    world = empty_world(scratch / "world")
    world.home.joinpath("userdata", "settings.json").write_text("{}")
    program = Program(scratch / "data", home.environment | {"T3CODE_HOME": str(world.home)})
    running = subprocess.Popen(
        program.argv("guard", "run"), env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert running.stdout
        running.stdout.readline()
        program.run("guard", "on", "--yes")
        provider = json.loads(world.home.joinpath("userdata", "settings.json").read_text())["providers"]["opencode"]
        through = _Side(provider["serverUrl"], provider["serverPassword"])
        through.ask("/global/health")
        server = program.json("server", "status")["server"]
        straight = _Side(server["url"], psutil.Process(server["pid"]).environ()["OPENCODE_SERVER_PASSWORD"])
        yield from _requests(straight, through)
        yield _late(straight, through, world.code)
        yield _large(straight, through, world.code)
        yield _memory(through, world.code, psutil.Process(running.pid))
    finally:
        running.terminate()
        running.wait(15)


def _requests(straight: _Side, through: _Side) -> Iterator[Line]:
    direct, guarded = [], []
    for _ in range(REQUESTS):
        direct.append(_timed(straight, "/global/health"))
        guarded.append(_timed(through, "/global/health"))
    for name, part, budget in (("median", 0.5, 1.2), ("99 of 100", 0.99, 5.0)):
        base, ours = (sorted(times)[int(part * REQUESTS)] for times in (direct, guarded))
        yield Line(
            f"guard, added to a request, {name}", ours - base, "ms", budget, f"straight {base:.2f} ms, through {ours:.2f} ms"
        )


def _timed(side: _Side, path: str) -> float:
    began = time.perf_counter()
    side.ask(path)
    return (time.perf_counter() - began) * 1000


def _late(straight: _Side, through: _Side, folder: Path) -> Line:
    """Return how much later each event arrives through the guard than directly."""
    where = f"directory={quote(str(folder), safe='')}"
    made = json.loads(straight.ask(f"/session?{where}", "POST", "{}"))["id"]
    times: tuple[dict[str, float], dict[str, float]] = ({}, {})
    with ExitStack() as stack:
        readers = []
        for side, seen in zip((straight, through), times, strict=True):
            connection, answer = side.stream(f"/event?{where}")
            stack.callback(connection.close)
            answer.readline()
            readers.append(threading.Thread(target=_read_events, args=(answer, seen), daemon=True))
            readers[-1].start()
        for number in range(EVENTS):
            straight.ask(f"/session/{made}", "PATCH", json.dumps({"title": f"title {number}"}))
        for reader in readers:
            reader.join(20)
    late = [(times[1][event] - times[0][event]) * 1000 for event in times[0] if event in times[1]]
    return Line(
        "guard, an event later, median", statistics.median(late), "ms", 1.0, f"{len(late)} events, worst {max(late):.2f} ms"
    )


def _read_events(answer: HTTPResponse, seen: dict[str, float]) -> None:
    while f'"title {EVENTS - 1}"'.encode() not in (line := answer.readline()):
        if line.startswith(b"data: "):
            event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            seen[event["id"]] = time.perf_counter()


def _large(straight: _Side, through: _Side, folder: Path) -> Line:
    path = _large_session(straight, f"directory={quote(str(folder), safe='')}")
    size = len(straight.ask(path)) / 1e6
    pairs = [(_timed(straight, path), _timed(through, path)) for _ in range(LARGE)]
    base, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Line(
        "guard, a large answer, time against straight",
        ours / base,
        "",
        1.25,
        f"{size:.1f} MB, straight {base:.0f} ms, through {ours:.0f} ms",
    )


def _large_session(straight: _Side, where: str) -> str:
    """Return the path of a conversation of 6.4 MB: a server without network has no other response of that size."""
    made = json.loads(straight.ask(f"/session?{where}", "POST", "{}"))["id"]
    path = f"/session/{made}/message?{where}"
    part = {"type": "text", "text": "A long text. " * (LENGTH // 13)}
    for _ in range(MESSAGES):
        straight.ask(path, "POST", json.dumps({"noReply": True, "parts": [part]}))
    return path


def _memory(through: _Side, folder: Path, process: psutil.Process) -> Line:
    before = process.memory_info().rss
    with ExitStack() as stack:
        for number in range(STREAMS):
            connection, answer = through.stream(f"/event?directory={quote(str(folder / str(number)), safe='')}")
            stack.callback(connection.close)
            answer.readline()
        more = (process.memory_info().rss - before) / 1e6
    return Line(f"guard, {STREAMS} open streams", more, "MB", 10.0, f"{before / 1e6:.0f} MB before")
