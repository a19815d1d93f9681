"""The tray app's desk in the demo: it builds the world first, then works in it, and ends what the world has running."""

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
from t3tray.backend.engine import utc_now
from t3tray.demo.folders import make_folders
from t3tray.demo.going_on import SWITCHED, end_turn, switch
from t3tray.demo.model import Model
from t3tray.demo.scratch import Scratch
from t3tray.demo.t3 import T3Player
from t3tray.demo.world import Live, WorldBuilder
from t3tray.domain.autostart import AutostartState
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
    """Make it where this process's environment is the scratch world's already; `outside` is what it was before."""

    banner = BANNER

    def __init__(self, scratch: Scratch, outside: Mapping[str, str], say: Callable[[str], None] | None = None) -> None:
        """`say` is told the story; without it that goes to standard output, and why there is none to standard error."""
        super().__init__(str(scratch.data))
        self._say = say or partial(_say, sys.stdout)
        self._is_told_here = say is None
        self._scratch = scratch
        self._outside = outside
        self._switch_after = float(outside.get(SWITCH_VARIABLE) or SWITCH_AFTER)
        self._model: Model | None = None
        self._t3: T3Player | None = None

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        def tell(words: str) -> None:
            publish(Snapshot(ServerStatus(ServerState.STARTING), banner=words))

        try:
            tell("Building the demo world")
            t3, live = await self._build(tell)
        except T3TrayError as error:
            if self._is_told_here:
                _say(sys.stderr, f"{error.title}: {error.message}\n{error.hint or ''}")
            raise
        except httpx.HTTPError as error:
            raise WorldError(f"OpenCode did not do what the demo asked of it: {error}.") from error
        self._say(f"{BANNER}. It lies in {self._scratch.root}")
        self._say(f"The command line on it:  {self._scratch.command} threads")
        self._say(
            f"In {self._switch_after:g} s T3 Code sends the next message of “{SWITCHED.title}” to a new, empty session, and says"
            " nothing. t3tray does. The demo ends when you quit it, and all of it is gone then."
        )
        going_on = asyncio.create_task(self._go_on(t3, live))
        try:
            await super().run(publish)
        finally:
            going_on.cancel()

    async def set_autostart(self, is_on: bool) -> AutostartState:
        return AutostartState(False, "The demo is gone when it is quit: it does not start at login.")

    async def close(self) -> None:
        """The server, which was started to stay, ends with the scratch world."""
        await super().close()
        if self._model:
            await asyncio.to_thread(self._model.stop)
        if self._t3:
            self._t3.close()

    async def _build(self, tell: Callable[[str], None]) -> tuple[T3Player, tuple[Live, ...]]:
        outside, home = self._outside, Path(self._outside.get("HOME") or self._outside.get("USERPROFILE") or "/")
        program = await asyncio.to_thread(_find, outside, home)
        os.environ["PATH"] = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
        environment_id = str(uuid.uuid4())
        self._model = model = Model(environment_id)
        os.environ["OPENCODE_CONFIG_CONTENT"] = model.config()
        self._scratch.write_command(os.environ, outside)
        await asyncio.to_thread(make_folders, self._scratch.code, os.environ)
        self._t3 = t3 = T3Player(self._scratch.t3_home, environment_id)
        t3.say_it_runs(os.getpid(), model.origin, model.port, utc_now() - _T3_SINCE)
        return t3, await WorldBuilder(self._scratch, t3, tell).build()

    async def _go_on(self, t3: T3Player, live: tuple[Live, ...]) -> None:
        engine = await self._opened()

        async def switch_later() -> None:
            await asyncio.sleep(self._switch_after)
            await switch(engine, t3, self._scratch)

        scenes = (switch_later(), *(end_turn(engine, t3, each) for each in live))
        for met in await asyncio.gather(*scenes, return_exceptions=True):
            if isinstance(met, Exception):
                # The app goes on; only T3 Code's side of the demo stands still.
                _log.warning("A scene of the demo broke off: %r", met)


def _say(out: TextIO | None, words: str) -> None:
    """A program with windows may have nobody who reads."""
    if out:
        out.write(f"{words.rstrip()}\n")
        out.flush()


def _find(outside: Mapping[str, str], home: Path) -> Path:
    """The user's own `opencode`, looked for as ever. Raises BinaryNotFound."""
    try:
        return find_binary("", outside, home)
    except BinaryNotFound:
        return find_binary("", outside, home, (login_environment(outside) or {}).get("PATH"))
