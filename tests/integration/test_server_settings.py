"""The settings for the server take effect when it is started: its port, and that it starts with the app."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.domain.server import ServerState
from t3tray.errors import ServerFailed
from t3tray.server.port import HOST, choose_port
from t3tray.threads.snapshot import Snapshot
from tests.support import fake_opencode

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server is a POSIX script")


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program, behaviour = tmp_path / "opencode", tmp_path / "behaviour"
    behaviour.write_text("")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {fake_opencode.__file__} "$@"\n')
    program.chmod(0o700)
    monkeypatch.setenv(fake_opencode.VARIABLE, str(behaviour))
    return program


async def with_settings(**values: object) -> None:
    backend = await Backend.open(None, "command")
    for name, value in values.items():
        await backend.preferences.change(name, value)
    await backend.close()


async def test_the_server_listens_on_the_port_that_was_set(binary: Path) -> None:
    port = choose_port()
    await with_settings(opencode_path=str(binary), server_port=port)
    backend = await Backend.open(None, "command")
    try:
        assert (await backend.server.start()).url == f"http://{HOST}:{port}"
    finally:
        await backend.close()


async def test_a_port_that_another_program_has_is_named(binary: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        await with_settings(opencode_path=str(binary), server_port=port)
        backend = await Backend.open(None, "command")
        try:
            with pytest.raises(ServerFailed, match=f"Another program has port {port}"):
                await backend.server.start()
            assert list((backend.data_directory / "secrets").iterdir()) == []
        finally:
            await backend.close()


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_server_starts_with_the_app_only_where_that_was_set(binary: Path, wanted: bool) -> None:
    await with_settings(opencode_path=str(binary), server_with_app=wanted)
    backend, told = await Backend.open(os.environ["T3TRAY_DATA_DIR"], "tray"), asyncio.Queue[Snapshot]()
    running = asyncio.create_task(backend.run(told.put_nowait))
    try:
        if wanted:
            async with asyncio.timeout(90):
                while (await told.get()).server.state is not ServerState.READY:
                    pass
        else:
            await told.get()
            await backend.change_setting("terminal", "kitty")
            assert (await told.get()).server.state is ServerState.STOPPED
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await backend.close()
