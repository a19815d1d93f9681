"""Starts that take long, and starts of an OpenCode that t3tray does not work with, with real processes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from t3tray.domain.server import ServerState
from t3tray.errors import ServerFailed, TimedOut, UnsupportedVersion
from t3tray.server import manager, supervisor, supervisor_runner, work_meter
from t3tray.server.handles import ServerProgram
from tests.support import fake_opencode
from tests.support.bad_server import LIMIT, BadServer, owning, until
from tests.support.opencode import OpenCodeHome, opencode_binary
from tests.support.server_owner import Owner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bad server is a POSIX script")


async def test_a_long_start_is_waited_for_told_and_left_to_finish(
    data: Path, bad: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SLOW", 0.2)
    monkeypatch.setattr(supervisor_runner, "LOOK_FOR_WORK", 0.1)
    monkeypatch.setattr(work_meter, "CPU_SECONDS", 0.05)
    bad.behave("works")
    async with owning(data, bad.program) as owner:
        waiting = asyncio.ensure_future(owner.server.ensure_ready())
        await until(lambda: owner.server.status.reason != "")
        assert owner.server.status.state is ServerState.STARTING
        waiting.cancel()
        monkeypatch.setattr(manager, "READY_LIMIT", 0.2)
        monkeypatch.setattr(manager, "PATIENCE", 0.2)
        with pytest.raises(TimedOut, match=r"after \d seconds. OpenCode has been starting since .* and is at work"):
            await owner.server.ensure_ready()
    assert bad.living() == bad.pids() and len(bad.pids()) == 1
    monkeypatch.setattr(manager, "READY_LIMIT", LIMIT)
    async with owning(data, bad.program) as owner:
        waiting = asyncio.ensure_future(owner.server.ensure_ready())
        await until(lambda: owner.server.status.state is ServerState.STARTING)
        bad.behave("")
        assert (await waiting).version == fake_opencode.VERSION
        assert (owner.launches, owner.server.status.reason) == (0, "")
    assert bad.living() == [] and len(bad.pids()) == 1


class Hesitating(Owner):
    """One whose program is found only when it may be, as behind a login shell that takes its time."""

    def __init__(self, data: Path, program: ServerProgram) -> None:
        self.may_launch = threading.Event()
        super().__init__(data, program)

    def _launch(self) -> ServerProgram:
        assert self.may_launch.wait(LIMIT)
        return super()._launch()


async def test_a_start_without_a_process_yet_is_not_told_by_its_number(
    data: Path, bad: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Hesitating(data, bad.program)
    starting = asyncio.ensure_future(owner.server.start())
    try:
        await until(lambda: owner.server.status.state is ServerState.STARTING)
        monkeypatch.setattr(manager, "STOP_LIMIT", 0.2)
        with pytest.raises(ServerFailed, match="The server is still starting and could not be stopped yet") as failed:
            await owner.server.stop()
        assert failed.value.hint == "Try again in a moment."
        monkeypatch.undo()
        owner.may_launch.set()
        await owner.server.stop()
        assert owner.server.status.state is ServerState.STOPPED and bad.living() == []
    finally:
        owner.may_launch.set()
        await owner.close()
        await asyncio.gather(starting, return_exceptions=True)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("opencode2", r"This is OpenCode 2 \(/.*\), and t3tray works with OpenCode 1.15.13 or a newer 1.x."),
        ("version=2.0.1", r"This is OpenCode 2 \(2.0.1, /.*\)"),
        ("version=1.15.4", r"OpenCode 1.15.4 \(/.*\) is too old: t3tray needs OpenCode 1.15.13"),
    ],
)
async def test_a_version_that_t3tray_does_not_work_with_is_named_and_started_once(
    data: Path, bad: BadServer, behaviour: str, told: str
) -> None:
    bad.behave(behaviour)
    async with owning(data, bad.program) as owner:
        began = time.monotonic()
        with pytest.raises(UnsupportedVersion, match=told):
            await owner.server.ensure_ready()
        assert owner.server.status.state is ServerState.FAILED
        assert len(bad.pids()) == 1 and bad.living() == []
        # 3 s as a user sees it; more only where the machine is very busy.
        assert time.monotonic() - began < LIMIT


@pytest.mark.skipif(not os.environ.get("T3TRAY_ROUNDS"), reason="takes 90 s: in `make soak` only")
async def test_a_server_behind_a_wrapper_that_works_for_90_seconds_is_waited_for(data: Path, opencode_home: OpenCodeHome) -> None:
    wrapper = opencode_home.root / "opencode"
    starts = opencode_home.root / "starts"
    busy = "import time; end = time.monotonic() + 90\nwhile time.monotonic() < end: sum(range(10000))"
    wrapper.write_text(
        f'#!/bin/sh\necho >> {starts}\n[ "$1" = serve ] && {sys.executable} -S -E -c \'{busy}\'\nexec {opencode_binary()} "$@"\n'
    )
    wrapper.chmod(0o700)
    program = ServerProgram(wrapper, opencode_home.environment, opencode_home.home, data / "unpacked")
    async with owning(data, program) as owner:
        began = time.monotonic()
        told: list[str] = []
        owner.server.subscribe(lambda status: told.append(status.reason))
        await owner.server.ensure_ready()
        assert time.monotonic() - began > 90
        assert len(starts.read_text()) == 1
        assert any(reason.startswith("OpenCode has been starting since ") for reason in told)
