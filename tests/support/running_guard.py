"""The guard of a running tray app, and that of another process of ours beside it, with a T3 Code's home: fixtures and checks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.domain.guard_state import GuardState
from t3tray.guard.host import GuardHost
from t3tray.guard.runner import GuardRunner
from t3tray.guard.service import GuardService
from t3tray.system.port_owner import may_be_t3tray
from t3tray.threads.scan import Scan
from tests.support.t3_world import World, empty_world

LIMIT = 90


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = empty_world(tmp_path / "world")
    (made.home / "userdata" / "settings.json").write_text("{}")
    monkeypatch.setenv("T3CODE_HOME", str(made.home))
    return made


@pytest.fixture
async def backend(world: World) -> AsyncIterator[Backend]:
    opened = await Backend.open(None, "tray")
    yield opened
    await opened.close()


@pytest.fixture
def host(backend: Backend) -> GuardHost:
    return backend.guard_host


@pytest.fixture
def owners() -> PortOwners:
    return PortOwners()


@pytest.fixture
def service(host: GuardHost, owners: PortOwners) -> GuardService:
    return GuardService(host, may_be_ours=owners.may_be_ours)


@pytest.fixture
async def runner(host: GuardHost, service: GuardService) -> AsyncIterator[GuardRunner]:
    made = runner_of(host, service)
    yield made
    await made.close()


def runner_of(host: GuardHost, service: GuardService | None = None) -> GuardRunner:
    return GuardRunner(host, service or GuardService(host), lambda: None)


@dataclass
class PortOwners:
    """Whether the owner of a port may be a t3tray: what the system shows, or the `verdict` of the test."""

    verdict: bool | None = None

    def may_be_ours(self, port: int) -> bool:
        return may_be_t3tray(port) if self.verdict is None else self.verdict


@asynccontextmanager
async def another_host() -> AsyncIterator[GuardHost]:
    """The parts of another process of ours that the guard uses."""
    backend = await Backend.open(None, "command")
    try:
        yield backend.guard_host
    finally:
        await backend.close()


@asynccontextmanager
async def another() -> AsyncIterator[GuardService]:
    """The guard of another process of ours: of a command, or of `t3tray guard run`."""
    async with another_host() as host:
        service = GuardService(host)
        try:
            yield service
        finally:
            await service.stop()


async def state(runner: GuardRunner) -> GuardState:
    await runner.check()
    return (await runner.seen(Scan(())))[0]


def settings(world: World) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = json.loads((world.home / "userdata" / "settings.json").read_text())
    return found


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT):
        while not await true():
            await asyncio.sleep(0.02)
