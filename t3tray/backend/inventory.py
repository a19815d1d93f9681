"""Taking stock with an engine: what is there to work with. It changes nothing, and starts nothing but `opencode --version`."""

from __future__ import annotations

import asyncio

from t3tray.backend.engine import Engine
from t3tray.backend.find_programs import find_homes, find_program
from t3tray.domain.inventory import Inventory
from t3tray.system.secrets import Secrets


async def take_inventory(engine: Engine) -> Inventory:
    """Takes a second: the program is asked for its version. Raises StoreError."""
    picture, kept = await engine.look(), await engine.archive.size()
    program = find_program(engine.launching.program, engine.launching.environment)
    homes = asyncio.to_thread(find_homes, engine.t3_homes, picture.states, engine.settings.t3_homes)
    keyring = asyncio.to_thread(Secrets(engine.data_directory).keyring_name)
    found = await asyncio.gather(program, homes, keyring)
    return Inventory(*found, data=str(engine.data_directory), vault=kept)
