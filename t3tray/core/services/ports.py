"""What the services need of a server that holds sessions. The 1.x client fulfils it; so can another dialect, or a test."""

from __future__ import annotations

from typing import Protocol

from t3tray.core.domain.evidence import Activity
from t3tray.core.opencode.wire import Marker, MessageRecord, Page, SessionRecord


class SessionServer(Protocol):
    """One server process. Every method raises the `ServerError`s of `core.errors`."""

    @property
    def version(self) -> str:
        """What its health answer named when the connection was made."""
        ...

    async def session(self, session_id: str) -> SessionRecord: ...

    async def sessions(self) -> tuple[SessionRecord, ...]: ...

    async def message(self, session_id: str, message_id: str) -> MessageRecord: ...

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page: ...

    async def activity(self, session_id: str, directory: str) -> Activity: ...

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord: ...

    async def prompt(self, session_id: str, text: str) -> None: ...
