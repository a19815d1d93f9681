"""Opening a thread in T3 Code: its page where its own server answers, else its app; the result claims no more than is true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.cli import text_tables
from t3tray.demo.t3_database import stamp
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.domain.verification import OpenResult, Verification
from t3tray.errors import Refused, WorldError
from tests.support.constant_server import answering
from tests.support.t3_world import NOON, World, add_thread, empty_world, hold_open, writing
from tests.support.views import receipt, row
from tests.support.waiting import until

OURS = b'{"environmentId":"env-1","label":"here"}'
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the desktop's programs of Linux are played")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1", title="Fix the parser")
    world.home.joinpath("userdata", "environment-id").write_text("env-1\n")
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    monkeypatch.setenv("TERM", "xterm")
    return world


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the desktop's programs, the only one in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest_asyncio.fixture
async def backend(world: World, tmp_path: Path) -> AsyncIterator[Backend]:
    opened = await Backend.open(str(tmp_path / "data"), "command")
    yield opened
    await opened.close()


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was opened with."""
    opened: list[str] = []

    def browse(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", browse)
    return opened


def run_file(world: World, pid: int, origin: str) -> None:
    hold_open(world.state)
    told = {"version": 1, "pid": pid, "origin": origin, "startedAt": stamp(NOON)}
    world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(told))


def play(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def ended_process() -> int:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    return ended.pid


async def open_it(backend: Backend) -> OpenResult:
    return await backend.opener.t3code(await backend.scanning.find("t1"))


async def test_where_its_server_answers_the_page_is_opened(world: World, backend: Backend, pages: list[str]) -> None:
    with answering(OURS) as origin:
        run_file(world, os.getpid(), origin)
        opened = await open_it(backend)
    assert pages == [f"{origin}/env-1/t1"] and (opened.address, opened.title) == (pages[0], "")
    assert pages[0] in opened.sentence and text_tables.opened(opened) == opened.sentence


@pytest.mark.process
@pytest.mark.parametrize("how", ["another environment", "a dead process", "nobody listens", "no file"])
async def test_else_its_app_is_asked_and_the_title_is_given_to_copy(
    world: World, desktop: Path, backend: Backend, pages: list[str], how: str
) -> None:
    asked = desktop / "asked"
    play(desktop, "xdg-mime", "[ \"$*\" = 'query default x-scheme-handler/t3code' ] && echo t3code.desktop")
    play(desktop, "xdg-open", f'echo "$@" > {asked}')
    with answering(b'{"environmentId":"env-2"}' if how == "another environment" else OURS) as origin:
        match how:
            case "another environment":
                run_file(world, os.getpid(), origin)
            case "a dead process":
                run_file(world, ended_process(), origin)
            case "nobody listens":
                run_file(world, os.getpid(), "http://127.0.0.1:9")
        opened = await open_it(backend)
    until(lambda: asked.exists() and asked.read_text() == "t3code://app\n", "the desktop's program")
    assert pages == [] and opened.title == "Fix the parser" and opened.sentence.startswith("Asked the system to open T3 Code")
    assert text_tables.opened(opened).endswith("Look for “Fix the parser” there.")


@pytest.mark.process
@pytest.mark.parametrize("has_xdg_mime", [True, False])
async def test_where_no_app_takes_the_address_nothing_is_started_and_that_is_said(
    desktop: Path, backend: Backend, has_xdg_mime: bool
) -> None:
    play(desktop, "xdg-open", f"touch {desktop / 'asked'}")
    if has_xdg_mime:
        play(desktop, "xdg-mime", "exit 0")
    opened = await open_it(backend)
    assert "its app was not found" in opened.sentence and opened.title == "Fix the parser"
    assert not (desktop / "asked").exists()


async def test_no_browser_is_an_error_that_names_the_page(
    world: World, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    with answering(OURS) as origin:
        run_file(world, os.getpid(), origin)
        with pytest.raises(WorldError) as failed:
            await open_it(backend)
    assert f"{origin}/env-1/t1" in str(failed.value.hint)


async def test_a_thread_of_our_own_is_refused(backend: Backend, tmp_path: Path) -> None:
    own = Thread("own", "Mine", str(tmp_path), Source.T3TRAY, NOON, NOON)
    with pytest.raises(Refused):
        await backend.opener.t3code(own)


async def test_a_page_that_would_ask_for_a_password_is_not_opened(
    backend: Backend, pages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Thread("own", "Mine", str(tmp_path), Source.T3TRAY, NOON, NOON)
    verification = Verification(own, "ses_1", Verdict(Reason.PROVED), receipt(row("own")))
    with pytest.raises(Refused) as told:
        await backend.opener.browser(verification)
    assert told.value.message == "OpenCode's page would ask for the server's password, which t3tray keeps to itself."
    assert told.value.hint == "Open the thread in a terminal: --open terminal." and pages == []
    assert not backend.server.status.state.answers, "no server was started for it"
