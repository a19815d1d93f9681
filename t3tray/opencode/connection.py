"""A client of one server process that was ready when it was connected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from t3tray.domain.versions import Ability, abilities_of
from t3tray.opencode.client import OpenCodeClient
from t3tray.system.environment import SERVER_USER


class Connection(OpenCodeClient):
    """`version` is what the server's health answer named at the beginning; another process means another connection."""

    # As one who tells a conversation.
    tells_turns = True

    def __init__(self, url: str, password: str | None, version: str, user: str = SERVER_USER) -> None:
        super().__init__(url, password, user=user)
        self.version = version

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this server can do that not every supported one can."""
        return abilities_of(self.version)

    async def busy_sessions(self, directories: Iterable[str]) -> frozenset[str]:
        """The sessions of these directories in which a turn runs. Raises ServerError."""
        found = await asyncio.gather(*(self.busy_in(directory) for directory in dict.fromkeys(directories)))
        return frozenset[str]().union(*found)
