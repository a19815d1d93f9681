"""Start at login for a data folder, asynchronously."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.system.autostart import open_autostart, words_for
from t3tray.system.autostart_entry import Autostart


async def login_state(data: Path) -> AutostartState:
    """Return whether t3tray starts at login."""
    return await asyncio.to_thread(_autostart(data).state)


async def set_login_state(data: Path, is_on: bool) -> AutostartState:
    """Turn it on (for the copy that runs now) or off. Return the state afterwards, with any error as `trouble`."""
    autostart = _autostart(data)
    try:
        await asyncio.to_thread(autostart.turn_on if is_on else autostart.turn_off)
    except WorldError as error:
        state = await asyncio.to_thread(autostart.state)
        return replace(state, trouble=f"{error.message} {error.hint or ''}".strip())
    return await asyncio.to_thread(autostart.state)


def _autostart(data: Path) -> Autostart:
    return open_autostart(os.environ, Path.home(), words_for(data))
