"""Follows the events of the server that is used now, until another server takes its place."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from t3tray.backend.watched_tasks import WatchedTasks
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import T3TrayError
from t3tray.messages.trouble import FOLLOWING_EVENTS
from t3tray.opencode.connection import Connection
from t3tray.opencode.events import Connected, Gap, ServerEvent
from t3tray.server.connecting import ServerConnection

_LISTENED_TO = frozenset({ServerState.READY, ServerState.EXTERNAL})
_TELLING = ("session.", "permission.", "question.")
_log = logging.getLogger(__name__)


class ServerEvents:
    """Lives on the event loop. `on_event` gets every event and every (re)connect; `changed` leads to a scan."""

    def __init__(
        self,
        servers: ServerConnection,
        on_event: Callable[[Connected | ServerEvent], None],
        changed: Callable[[], None],
        tasks: WatchedTasks,
    ) -> None:
        self._servers = servers
        self._on_event = on_event
        self._changed = changed
        self._tasks = tasks
        self._listening: asyncio.Task[None] | None = None

    def server_changed(self, status: ServerStatus) -> None:
        """Follow the server's events once it answers, unless they are followed already."""
        if status.state in _LISTENED_TO and (self._listening is None or self._listening.done()):
            self._listening = self._tasks.start(FOLLOWING_EVENTS, self._listen)

    async def stop(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        if self._servers.server.status.state not in _LISTENED_TO:
            # It went away before this was begun again: connecting would start another one.
            return
        try:
            await self._follow(await self._servers.connect())
        except T3TrayError as error:
            _log.warning("The server's events cannot be followed: %s", error.message)
            self._changed()

    async def _follow(self, connection: Connection) -> None:
        stream = connection.events()
        self._servers.server.set_last_event(lambda: stream.last_event_at)
        async with contextlib.aclosing(stream.events()) as signals:
            async for signal in signals:
                if isinstance(signal, Gap):
                    if self._servers.current is not connection:
                        return
                    continue
                self._on_event(signal)
                if isinstance(signal, Connected) or signal.kind.startswith(_TELLING):
                    self._changed()
