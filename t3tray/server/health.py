"""What is true of a server, for those who only ask: nothing is started, joined or changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import ServerDown, T3TrayError
from t3tray.opencode.health_request import ask_health
from t3tray.server.lease import ExternalServer, ServerLease, Sighting, runs_elsewhere
from t3tray.server.port import HOST
from t3tray.server.supervisor import LONGEST_START, START_LIMIT
from t3tray.server.token_bearers import find_stray
from t3tray.server.work_meter import WorkMeter

# In s, for a look at a server that should be there by now: in which it shows whether it is still at work.
_LONG_ENOUGH = 1.0


async def look_at_managed(tenancy: ServerLease) -> ServerStatus:
    """The server that any process of ours runs. Raises StoreError when our data cannot be read."""
    sighting = await tenancy.find()
    if sighting and sighting.elsewhere:
        return ServerStatus(ServerState.STOPPED, reason=runs_elsewhere(sighting))
    if sighting is None or not (sighting.process or sighting.is_coming):
        return ServerStatus(ServerState.STOPPED)
    if sighting.process is None:
        return ServerStatus(ServerState.STARTING, sighting.url)
    memory = await asyncio.to_thread(sighting.process.memory)
    seen = ServerStatus(ServerState.READY, sighting.url, sighting.process.pid, memory=memory)
    try:
        version = await ask_health(seen.url, await tenancy.password_of(sighting.lease))
    except ServerDown as error:
        starting = sighting.age < START_LIMIT or await _is_at_work(sighting)
        return replace(seen, state=ServerState.STARTING if starting else ServerState.UNRESPONSIVE, reason=error.message)
    except T3TrayError as error:
        return replace(seen, state=ServerState.UNRESPONSIVE, reason=error.message)
    return replace(seen, version=version)


async def look_at_stray(folder: Path) -> ServerStatus | None:
    """The server of this data folder that runs though its data name none (any more); None where there is none. Takes 10 ms."""
    stray = await asyncio.to_thread(find_stray, folder)
    if stray is None:
        return None
    told = "t3tray's data do not name this server, which is of this data folder: `t3tray server stop` ends it"
    told += ", and whatever needs a server takes it over." if stray.password else "."
    seen = ServerStatus(ServerState.READY, f"http://{HOST}:{stray.port}", stray.process.pid, reason=told)
    try:
        return replace(seen, version=await ask_health(seen.url, stray.password or None))
    except T3TrayError as error:
        return replace(seen, state=ServerState.UNRESPONSIVE, reason=f"{told} {error.message}")


async def _is_at_work(sighting: Sighting) -> bool:
    if sighting.process is None or sighting.age >= LONGEST_START:
        return False
    meter = await asyncio.to_thread(WorkMeter, sighting.process.pid)
    await asyncio.sleep(_LONG_ENOUGH)
    return await asyncio.to_thread(meter.has_worked)


async def look_at_external(external: ExternalServer) -> ServerStatus:
    seen = ServerStatus(ServerState.EXTERNAL, external.url)
    try:
        return replace(seen, version=await ask_health(external.url, external.password, user=external.user))
    except T3TrayError as error:
        return replace(seen, reason=error.message)
