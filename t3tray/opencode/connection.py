"""A client of one server process that was ready when it was connected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import httpx

from t3tray.domain.versions import Ability, abilities_of
from t3tray.opencode.client import OpenCodeClient
from t3tray.system.environment import SERVER_USER


class Connection(OpenCodeClient):
    """Client of one server process. `version` is from its first health answer; another process needs another connection."""

    # The server also knows which sessions are busy.
    reports_turns = True

    def __init__(
        self,
        url: str,
        password: str | None,
        version: str,
        user: str = SERVER_USER,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, password, user=user, transport=transport)
        self.version = version

    @property
    def abilities(self) -> frozenset[Ability]:
        """Features that this server has, but not every supported version."""
        return abilities_of(self.version)

    async def busy_sessions(self, directories: Iterable[str]) -> frozenset[str]:
        """Return the sessions of these directories in which a turn is running. Raises ServerError."""
        found = await asyncio.gather(*(self.busy_in(directory) for directory in dict.fromkeys(directories)))
        return frozenset[str]().union(*found)
