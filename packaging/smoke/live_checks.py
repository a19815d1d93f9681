"""Checks of a program that keeps running: the guard, the tray, a conversation with the real OpenCode, an update underneath it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from world import LIMIT, Running, Skipped, World, expect, wait_until

# In seconds: how long the tray has to live, and the limit for its end.
LIVES, ENDS = 5.0, 5.0
_OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}
# What Qt's offscreen platform writes when a window is to come to the front.
_RAISED = "This plugin does not support raise()"
_CODEWORD = "HELIOTROPE"


def guard(world: World) -> str:
    """It listens on loopback and answers 401 without its password."""
    with world.started("guard", "run", "--json") as running:
        document: dict[str, dict[str, str]] = {}

        def is_told() -> bool:
            nonlocal document
            running.expect_running()
            try:
                document = json.loads(running.said)
            except ValueError:
                return False
            return True

        wait_until(is_told, "the guard prints its address")
        url = document["guard"]["url"]
        expect(url.startswith("http://127.0.0.1:"), f"it listens at {url}")
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/session", timeout=LIMIT)
        except urllib.error.HTTPError as error:
            expect(error.code == 401, f"it answers {error.code} without a password")
        else:
            expect(False, "it answers without a password")
        # A command that a signal ends.
        took = world.end(running, ENDS, 128 + signal.SIGTERM)
    return f"401 at {url}, ended in {took:.1f} s"


def tray(world: World) -> str:
    """It lives, a second start brings up the first one and ends, SIGTERM ends it, and nothing of it is left."""
    with world.started(extra=_OFFSCREEN) as running:
        _lives(running, LIVES)
        raised = running.said.count(_RAISED)
        second = world.run(extra=_OFFSCREEN)
        wait_until(lambda: running.said.count(_RAISED) > raised, "the second start brings up the first one's window")
        running.expect_silence()
        took = world.end(running, ENDS)
    return f"second start {second.cpu:.1f} s of CPU, ended in {took:.1f} s"


def window_on_x(world: World) -> str:
    """A real X server shows the window of the second start: the libraries of Qt's X plug-in are there."""
    tools = ("Xvfb", "xdotool")
    if sys.platform != "linux" or not all(map(shutil.which, tools)):
        raise Skipped(f"needs {' and '.join(tools)}")
    number, server = x_server(world.root)
    try:
        display = {"DISPLAY": f":{number}"}
        with world.started(extra=display) as running:
            search = ["xdotool", "search", "--onlyvisible", "--name", "t3tray"]
            environment = world.environment | display
            wait_until(lambda: running.process.poll() is not None or _succeeds(search, environment), "a window appears")
            running.expect_running()
            running.expect_silence()
            world.end(running, ENDS)
    finally:
        server.terminate()
        server.wait(LIMIT)
    return "a window"


def codeword(world: World) -> str:
    """The model repeats in a later message what it was told in the first: the conversation is carried. With the real OpenCode."""
    if not world.opencode:
        raise Skipped("there is no opencode: --opencode names it")
    with world.model() as model:
        thread = world.json("new", "--dir", str(world.project), "--prompt", f"the codeword is {_CODEWORD}")["id"]
        verdict = world.json("resume", thread)["verdict"]
        expect((verdict["kind"], verdict["reason"]) == ("resumable", "proved"), f"the verdict is {verdict}")
        reply = world.run("send", thread, "what is the codeword").out.strip()
        expect(reply == _CODEWORD, f"the model answers {reply}")
        asked = len(model.chats())
    wait_until(lambda: not world.processes(), "OpenCode's server ends with its command", 10)
    return f"“{reply}”, {asked} turns"


def clean_children(world: World) -> str:
    """No program that it started so far has a variable or a path of the bundle. Runs after the others."""
    if sys.platform == "win32":
        raise Skipped("the recording programs are shell scripts")
    foreign = ("_PYI", "_MEI", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH", "QML_IMPORT_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    started: dict[str, int] = {}
    for program, environment in world.recorded():
        started[program] = started.get(program, 0) + 1
        for name, value in environment.items():
            is_ours = name.startswith(foreign) or (world.is_frozen and str(world.folder) in value)
            expect(not is_ours, f"{program} got {name}={value}")
    expect(started, "nothing was started")
    return ", ".join(f"{program} {count} times" for program, count in sorted(started.items()))


def replaced(world: World) -> str:
    """An update replaces the files of the running tray by others: it still brings up its window, and ends in order.

    The other files are none at all, so whatever it opens late is missed.
    """
    if not world.is_frozen or sys.platform == "win32":
        raise Skipped("of a packaged program that can be replaced while it runs")
    installed = world.root / "installed"
    shutil.copytree(world.folder, installed, symlinks=True)
    program = installed / Path(world.program[0]).name
    other = {"T3TRAY_DATA_DIR": str(world.root / "other data")}
    with (
        world.started(program=[str(program)], extra=_OFFSCREEN) as running,
        world.started("run", "--json", program=[str(program)], extra=other) as telling,
    ):
        wait_until(lambda: (world.data / "t3tray.sqlite").exists(), "the tray opens its store")
        wait_until(lambda: '"threads"' in telling.said, "the list is read")
        _lives(running, LIVES)
        installed.rename(world.root / "removed")
        shutil.rmtree(world.root / "removed")
        installed.mkdir()
        program.write_text("another version", encoding="utf-8")
        raised = running.said.count(_RAISED)
        world.run(extra=_OFFSCREEN)
        wait_until(lambda: running.said.count(_RAISED) > raised, "a second start brings up the window")
        _lives(running, LIVES)
        running.expect_silence()
        wait_until(lambda: "t3tray was updated while" in telling.said, "it says that it was updated")
        world.end(telling, ENDS, others=1)
        took = world.end(running, ENDS)
    return f"said so, ended in {took:.1f} s"


def _lives(running: Running, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        running.expect_running()
        time.sleep(0.05)


def _succeeds(command: list[str], environment: dict[str, str]) -> bool:
    return subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT).returncode == 0


def x_server(folder: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """Start an X server on a free display of its own choice; return its number."""
    number = folder / "display"
    with number.open("wb") as chosen, (folder / "x-server.log").open("wb") as log:
        command = ["Xvfb", "-displayfd", str(chosen.fileno()), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        server = subprocess.Popen(command, pass_fds=(chosen.fileno(),), stdout=log, stderr=log)
    wait_until(lambda: server.poll() is not None or number.read_text().endswith("\n"), "the X server starts")
    expect(server.poll() is None, "the X server ended")
    return int(number.read_text()), server
