"""Start at login for the data folder that an engine works on, as the face asks for it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from t3tray.domain.autostart import AutostartState
from t3tray.errors import WorldError
from t3tray.system.autostart import open_autostart
from t3tray.system.autostart_entry import Autostart
from t3tray.system.paths import usual_data_directory


async def look_at_login(data: Path) -> AutostartState:
    """Whether t3tray starts at login."""
    return await asyncio.to_thread(_way(data).look)


async def set_login(data: Path, is_on: bool) -> AutostartState:
    """Turn it on (anew, for the copy that runs now) or off; how it stands then, with what went wrong."""
    way = _way(data)
    try:
        await asyncio.to_thread(way.turn_on if is_on else way.turn_off)
    except WorldError as error:
        state = await asyncio.to_thread(way.look)
        return replace(state, trouble=f"{error.message} {error.hint or ''}".strip())
    return await asyncio.to_thread(way.look)


def _way(data: Path) -> Autostart:
    words = () if data == usual_data_directory() else ("--data-dir", str(data))
    return open_autostart(os.environ, Path.home(), words)
