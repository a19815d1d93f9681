"""What the services need of a server that holds sessions. The 1.x client fulfils it; so can another dialect, or a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from t3tray.domain.evidence import Activity
from t3tray.domain.versions import Ability
from t3tray.opencode.events import EventSource
from t3tray.opencode.markers import Marker
from t3tray.opencode.message_reading import MessageReading
from t3tray.opencode.records import MessageRecord, Page, SessionRecord


class SessionServer(Protocol):
    """One server process. Every method raises the `ServerError`s of `core.errors`."""

    @property
    def version(self) -> str:
        """What its health answer named when the connection was made."""
        ...

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this server can do that not every supported one can."""
        ...

    def events(self) -> EventSource: ...

    async def session(self, session_id: str) -> SessionRecord: ...

    async def sessions(self) -> tuple[SessionRecord, ...]: ...

    async def message(self, session_id: str, message_id: str) -> MessageRecord: ...

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page: ...

    async def opencode2_messages(self, session_id: str) -> frozenset[str]: ...

    async def activity(self, session_id: str, directory: str) -> Activity: ...

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord: ...

    async def fork_session(self, session_id: str, directory: str) -> SessionRecord: ...

    async def set_metadata(self, session_id: str, metadata: Mapping[str, object]) -> None: ...

    async def move_session(self, session_id: str, directory: str) -> None: ...

    async def tell(self, session_id: str, text: str, mark: str, directory: str) -> str: ...

    async def delete_message(self, session_id: str, message_id: str) -> None: ...

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None: ...

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading: ...
