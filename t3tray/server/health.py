"""Read-only status of a server: nothing is started, joined or changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import ServerDown, T3TrayError
from t3tray.messages.server import is_stray, started_on
from t3tray.opencode.health_request import ask_health
from t3tray.server.handles import ExternalServer, Sighting
from t3tray.server.lease import ServerLease
from t3tray.server.port import HOST
from t3tray.server.supervisor import LONGEST_START, START_LIMIT
from t3tray.server.token_bearers import find_stray
from t3tray.server.work_meter import WorkMeter

# In seconds: how long the activity of a server that is late to start is measured.
_LONG_ENOUGH = 1.0


async def managed_status(lease: ServerLease) -> ServerStatus:
    """Return the status of the managed server, whichever process started it. Raises StoreError when our data cannot be read."""
    sighting = await lease.find()
    if sighting and sighting.elsewhere:
        return ServerStatus(ServerState.STOPPED, reason=started_on(sighting.elsewhere))
    if sighting is None or not (sighting.process or sighting.is_coming):
        return ServerStatus(ServerState.STOPPED)
    if sighting.process is None:
        return ServerStatus(ServerState.STARTING, sighting.url)
    memory = await asyncio.to_thread(sighting.process.memory)
    seen = ServerStatus(ServerState.READY, sighting.url, sighting.process.pid, memory=memory)
    try:
        version = await ask_health(seen.url, await lease.password_of(sighting.lease))
    except ServerDown as error:
        starting = sighting.age < START_LIMIT or await _is_at_work(sighting)
        return replace(seen, state=ServerState.STARTING if starting else ServerState.UNRESPONSIVE, reason=error.message)
    except T3TrayError as error:
        return replace(seen, state=ServerState.UNRESPONSIVE, reason=error.message)
    return replace(seen, version=version)


async def stray_status(folder: Path) -> ServerStatus | None:
    """Return the status of a server of this data folder that our data does not record; None where there is none. Takes 10 ms."""
    stray = await asyncio.to_thread(find_stray, folder)
    if stray is None:
        return None
    reason = is_stray(bool(stray.password))
    seen = ServerStatus(ServerState.READY, f"http://{HOST}:{stray.port}", stray.process.pid, reason=reason)
    try:
        return replace(seen, version=await ask_health(seen.url, stray.password or None))
    except T3TrayError as error:
        return replace(seen, state=ServerState.UNRESPONSIVE, reason=f"{reason} {error.message}")


async def _is_at_work(sighting: Sighting) -> bool:
    if sighting.process is None or sighting.age >= LONGEST_START:
        return False
    meter = await asyncio.to_thread(WorkMeter, sighting.process.pid)
    await asyncio.sleep(_LONG_ENOUGH)
    return await asyncio.to_thread(meter.has_worked)


async def external_status(external: ExternalServer) -> ServerStatus:
    seen = ServerStatus(ServerState.EXTERNAL, external.url)
    try:
        return replace(seen, version=await ask_health(external.url, external.password, user=external.user))
    except T3TrayError as error:
        return replace(seen, reason=error.message)
