"""The guard before the real opencode cannot be distinguished from the server: random requests, streams, many clients."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.guarded import Guarded
from tests.support.opencode import OpenCodeHome
from tests.support.rounds import rounds
from tests.support.stub_model import StubModel
from tests.support.t3_world import empty_world

REQUESTS = 300
CLIENTS = 20
CROWD_ROUNDS = 3
LIMIT = 90.0
# They never end, wait for a user, end the server, ask the network, or answer with random names.
SKIPPED = (
    "worktree",
    "event",
    "wait",
    "control",
    "dispose",
    "upgrade",
    "oauth",
    "auth",
    "console",
    "pty",
    "sync",
    "connect",
    "integration",
    "mcp",
)

_MADE = re.compile(rb'[a-z]{3}_[0-9A-Za-z]+|\d{10,}|"slug":"[^"]*"|\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}-[0-9a-f-]{27}')


@pytest.fixture
def all_models(opencode_home: OpenCodeHome) -> None:
    """The server has its built-in list of models: the largest answer there is."""
    del opencode_home.environment["OPENCODE_MODELS_PATH"]


@pytest.fixture
def guarded(
    request: pytest.FixtureRequest, tmp_path: Path, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Guarded]:
    """A guard before the shared server where the test has that, else before one that t3tray starts."""
    world = empty_world(tmp_path / "world")
    is_shared = "shared_server" in request.fixturenames
    served = request.getfixturevalue("shared_server") if is_shared else opencode_home
    for name, value in {**served.environment, "T3CODE_HOME": str(world.home)}.items():
        monkeypatch.setenv(name, value)
    with Guarded(str(tmp_path / "data")) as running:
        yield running


@pytest.fixture
def straight(guarded: Guarded) -> Iterator[httpx.Client]:
    endpoint = guarded.call(guarded.backend.server.ensure_ready())
    with httpx.Client(
        base_url=endpoint.url, auth=("opencode", endpoint.password or ""), trust_env=False, verify=False, timeout=LIMIT
    ) as client:
        yield client


@pytest.fixture
def through(guarded: Guarded, straight: httpx.Client) -> Iterator[httpx.Client]:
    """A client through the guard, ready like the other one."""
    with httpx.Client(
        base_url=guarded.url, auth=("opencode", guarded.password), trust_env=False, verify=False, timeout=LIMIT
    ) as client:
        yield client


@dataclass(frozen=True)
class Seen:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def ask(client: httpx.Client, asked: dict[str, Any]) -> Seen:
    with client.stream(**asked) as answer:
        body = b"".join(answer.iter_raw())
    headers = tuple(header for header in answer.headers.raw if header[0].lower() not in (b"date", b"connection", b"keep-alive"))
    return Seen(answer.status_code, headers, body)


def masked(seen: Seen) -> Seen:
    """Return an answer without what the server generates for each: ids, times, and random names."""
    headers = tuple(header for header in seen.headers if header[0].lower() != b"content-length")
    packed = (b"Content-Encoding", b"gzip") in headers
    return Seen(seen.status, headers, _MADE.sub(b"?", gzip.decompress(seen.body) if packed else seen.body))


def random_request(chance: random.Random, routes: list[tuple[str, str]], folder: Path) -> dict[str, object]:
    method, path = chance.choice(routes)
    while "{" in path:
        name = path[path.index("{") : path.index("}") + 1]
        path = path.replace(name, chance.choice([f"ses_{chance.randrange(10**9)}", "msg_1", "x%20y", "%C3%BC", "nonsense"]), 1)
    query = [("directory", str(folder))] * chance.randint(0, 1) + [("limit", chance.choice(["1", "x"]))] * chance.randint(0, 1)
    headers = [("x-opencode-directory", str(folder)), ("Accept-Encoding", chance.choice(["gzip", "identity"])), ("X-Odd", "1")]
    bodies = [b"", b"{}", b"[", json.dumps({"title": "ü" * chance.randrange(50), "parts": []}).encode(), b"\xff\x00"]
    content = b"" if method == "GET" else chance.choice(bodies)
    kind = {"content-type": "application/json"} if content else {}
    return {"method": method, "url": path, "params": query, "headers": {**dict(headers), **kind}, "content": content}


def test_random_requests_have_the_same_answers(straight: httpx.Client, through: httpx.Client, tmp_path: Path) -> None:
    chance = random.Random("guard")
    paths = straight.get("/doc").json()["paths"]
    known = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    routes = [(method, path) for method, path in known if not any(part in path for part in SKIPPED)]
    assert len(routes) > 90
    folder, same = tmp_path / "code", 0
    folder.mkdir()
    for number in range(rounds(REQUESTS)):
        asked = random_request(chance, routes, folder)
        first, guarded, second = ask(straight, asked), ask(through, asked), ask(straight, asked)
        if first == second:
            assert guarded == first, f"request {number}: {asked}"
            same += 1
        else:
            assert masked(guarded) in (masked(first), masked(second)), f"request {number}: {asked}"
    assert same > 0.6 * rounds(REQUESTS), f"only {same} could be compared to the byte"


@pytest.mark.usefixtures("all_models")
def test_the_large_answer_is_the_same(straight: httpx.Client, through: httpx.Client, tmp_path: Path) -> None:
    for encoding in ("identity", "gzip, deflate"):
        asked: dict[str, object] = {
            "method": "GET",
            "url": "/provider",
            "params": {"directory": str(tmp_path)},
            "headers": {"accept-encoding": encoding},
        }
        seen = ask(through, asked)
        assert seen == ask(straight, asked) and len(seen.body) > (6_000_000 if encoding == "identity" else 300_000)


@pytest.mark.usefixtures("shared_server")
def test_events_come_through_one_by_one(straight: httpx.Client, through: httpx.Client, tmp_path: Path) -> None:
    with through.stream("GET", "/event", params={"directory": str(tmp_path)}, timeout=LIMIT) as stream:
        lines = stream.iter_lines()
        assert "server.connected" in next(lines)
        for number in range(5):
            made = straight.post("/session", params={"directory": str(tmp_path)}, json={"title": f"number {number}"}).json()
            assert next(line for line in lines if "session.created" in line and made["id"] in line)


@pytest.mark.usefixtures("shared_server")
def test_a_crowd_is_served(guarded: Guarded, straight: httpx.Client, tmp_path: Path) -> None:
    """Twenty clients at once, a stream and requests each; for long in `make soak`."""

    async def client(number: int) -> None:
        auth, folder = ("opencode", guarded.password), tmp_path / str(number)
        folder.mkdir()
        async with httpx.AsyncClient(base_url=guarded.url, auth=auth, trust_env=False, verify=False, timeout=LIMIT) as http:
            made = (await http.post("/session", params={"directory": str(folder)}, json={})).json()["id"]
            async with http.stream("GET", "/event", params={"directory": str(folder)}) as stream:
                lines = stream.aiter_lines()
                await anext(lines)
                for done in range(min(rounds(CROWD_ROUNDS), 200)):
                    title = f"{number}-{done}"
                    assert (await http.patch(f"/session/{made}", json={"title": title})).json()["title"] == title
                    async for line in lines:
                        if "session.updated" in line and title in line:
                            break
                    assert (await http.get(f"/session/{made}")).json()["title"] == title

    async def crowd() -> None:
        await asyncio.gather(*(client(number) for number in range(CLIENTS)))

    asyncio.run(crowd())
    guarded.call(_nothing_under_way(guarded))


async def _nothing_under_way(guarded: Guarded) -> None:
    async with asyncio.timeout(LIMIT):
        while guarded.service.under_way:
            await asyncio.sleep(0.02)


def test_a_server_killed_in_mid_stream_ends_the_stream_and_the_next_one_is_reached(
    guarded: Guarded, straight: httpx.Client, through: httpx.Client, model: StubModel, tmp_path: Path
) -> None:
    made = through.post("/session", params={"directory": str(tmp_path)}, json={}).json()["id"]
    with through.stream("GET", "/event", params={"directory": str(tmp_path)}, timeout=LIMIT) as stream:
        lines = stream.iter_lines()
        next(lines)
        through.post(f"/session/{made}/prompt_async", json={"parts": [{"type": "text", "text": "hold it"}]}).raise_for_status()
        model.wait_for_chats(1)
        pid = guarded.backend.server.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    model.release()
    until = time.monotonic() + 60
    while (answer := through.get(f"/session/{made}", timeout=LIMIT)).status_code != 200:
        assert answer.status_code in (502, 503) and time.monotonic() < until, (
            "a session that is there is never told to be missing"
        )
    assert guarded.backend.server.status.pid != pid
