"""The tray app's backend in the demo: builds the scratch world first, then runs in it, and ends its processes."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TextIO

import httpx

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.demo.folders import make_folders
from t3tray.demo.live_events import SWITCHED, end_turn, switch
from t3tray.demo.model import Model
from t3tray.demo.scratch import Scratch
from t3tray.demo.t3 import T3Player
from t3tray.demo.world import RunningTurn, WorldBuilder
from t3tray.domain.inventory import AutostartState
from t3tray.domain.notification import Click
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import BinaryNotFound, T3TrayError, WorldError
from t3tray.opencode.binary import find_binary
from t3tray.system.login_shell import login_environment
from t3tray.threads.snapshot import Snapshot

BANNER = "Demo: a scratch world; nothing of yours is touched"
# In s, from when the world stands; and the variable that sets another time.
SWITCH_AFTER = 30.0
SWITCH_VARIABLE = "T3TRAY_DEMO_SWITCH_AFTER"
_T3_SINCE = timedelta(hours=3, minutes=12)
_log = logging.getLogger(__name__)


class DemoBackend(Backend):
    """The backend of the demo, which ends the processes of the scratch world too. Opened by `open_demo`."""

    banner = BANNER
    world: DemoWorld

    async def run(self, publish: Callable[[Snapshot], None], clicked: Callable[[Click], None] = lambda click: None) -> None:
        live_events = asyncio.create_task(self.world.run_live_events(self))
        try:
            await super().run(publish, clicked)
        finally:
            live_events.cancel()

    async def set_autostart(self, is_on: bool) -> AutostartState:
        return AutostartState(False, "The demo does not start at login: it is removed when you quit it.")

    async def close(self) -> None:
        """Close the model and T3 Code's database too. The server, which was started to stay, ends with the scratch world."""
        await super().close()
        await self.world.close()


class DemoWorld:
    """What runs in the scratch world beside t3tray: the model, and T3 Code's player. `close` ends both."""

    def __init__(self, scratch: Scratch, outside: Mapping[str, str]) -> None:
        self.switch_after = float(outside.get(SWITCH_VARIABLE) or SWITCH_AFTER)
        self._scratch = scratch
        self._outside = outside
        self._model: Model | None = None
        self._t3: T3Player | None = None
        self._running_turns: tuple[RunningTurn, ...] = ()

    async def build(self, report: Callable[[str], None]) -> None:
        """Build the world. `report` is called with the progress, as a text for the user. Raises T3TrayError."""
        outside, home = self._outside, Path(self._outside.get("HOME") or self._outside.get("USERPROFILE") or "/")
        report("Building the demo world")
        program = await asyncio.to_thread(_find, outside, home)
        os.environ["PATH"] = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
        environment_id = str(uuid.uuid4())
        self._model = model = Model(environment_id)
        os.environ["OPENCODE_CONFIG_CONTENT"] = model.config()
        self._scratch.write_command(os.environ, outside)
        await asyncio.to_thread(make_folders, self._scratch.code, os.environ)
        self._t3 = t3 = T3Player.create(self._scratch.t3_home, environment_id)
        t3.say_it_runs(os.getpid(), model.origin, model.server_port, utc_now() - _T3_SINCE)
        try:
            self._running_turns = await WorldBuilder(self._scratch, t3, report).build()
        except httpx.HTTPError as error:
            raise WorldError(f"OpenCode refused a request of the demo: {error}.") from error

    async def run_live_events(self, backend: Backend) -> None:
        """Play what happens while the demo runs."""
        t3 = self._t3
        assert t3 is not None

        async def switch_later() -> None:
            await asyncio.sleep(self.switch_after)
            await switch(backend, t3, self._scratch)

        scenes = (switch_later(), *(end_turn(backend, t3, each) for each in self._running_turns))
        for outcome in await asyncio.gather(*scenes, return_exceptions=True):
            if isinstance(outcome, Exception):
                # The app keeps running; only T3 Code's side of the demo stops.
                _log.warning("An event of the demo failed: %r", outcome)

    async def close(self) -> None:
        if self._model:
            await asyncio.to_thread(self._model.stop)
        if self._t3:
            self._t3.close()


async def open_demo(
    scratch: Scratch,
    outside: Mapping[str, str],
    publish: Callable[[Snapshot], None],
    print_line: Callable[[str], None] | None = None,
) -> DemoBackend:
    """Build the scratch world, which this process's environment is already, and open a backend in it. Raises T3TrayError.

    `outside` is the previous environment. `print_line` receives the messages for the user; by default they go to stdout, and
    errors to stderr.
    """
    world = DemoWorld(scratch, outside)
    write = print_line or partial(_print, sys.stdout)
    backend: DemoBackend | None = None
    try:
        await world.build(lambda text: publish(Snapshot(ServerStatus(ServerState.STARTING), banner=text)))
        backend = await DemoBackend.open(str(scratch.data), "tray")
        backend.world = world
        write(f"{BANNER}. Its folder is {scratch.root}")
        write(f"The command line on it:  {scratch.command} threads")
        write(
            f"In {world.switch_after:g} s T3 Code silently sends the next message of “{SWITCHED.title}” to a new, empty session,"
            " and t3tray reports it. The demo ends when you quit it, and everything in it is removed."
        )
    except BaseException as error:
        # The backend closes the world too.
        await (backend or world).close()
        if isinstance(error, T3TrayError) and print_line is None:
            _print(sys.stderr, f"{error.title}: {error.message}\n{error.hint or ''}")
        raise
    return backend


def _print(out: TextIO | None, text: str) -> None:
    """Write a line, if there is an output: a windowed program may have none."""
    if out:
        out.write(f"{text.rstrip()}\n")
        out.flush()


def _find(outside: Mapping[str, str], home: Path) -> Path:
    """Find the user's own `opencode`, as outside of the demo. Raises BinaryNotFound."""
    try:
        return find_binary("", outside, home)
    except BinaryNotFound:
        return find_binary("", outside, home, (login_environment(outside) or {}).get("PATH"))
