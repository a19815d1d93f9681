"""The server of sessions as `threads` and `remedies` need it. Implemented by the 1.x client, and by tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from t3tray.domain.evidence import Activity
from t3tray.domain.versions import Ability
from t3tray.errors import Refused
from t3tray.opencode.events import EventSource
from t3tray.opencode.markers import Marker
from t3tray.opencode.message_reading import MessageReading
from t3tray.opencode.records import MessageRecord, Page, SessionRecord


class SessionServer(Protocol):
    """One server process. Every method raises the `ServerError`s of `t3tray.errors`."""

    @property
    def version(self) -> str:
        """The version in its health answer when the connection was made."""
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

    async def add_message(self, session_id: str, text: str, mark: str, directory: str) -> str: ...

    async def delete_message(self, session_id: str, message_id: str) -> None: ...

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None: ...

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading: ...


async def refuse_stranded(server: SessionServer, session_id: str) -> None:
    """Raises Refused for an empty session whose messages OpenCode 2 holds, ServerError if that is unknown.

    OpenCode 1 sees such a session empty, and would begin it anew.
    """
    if Ability.OPENCODE2_MESSAGES not in server.abilities:
        return  # older than OpenCode 2
    held = len(await server.opencode2_messages(session_id))
    if held:
        messages = f"{held} message{'' if held == 1 else 's'}"
        raise Refused(
            f"OpenCode 2 holds the conversation of {session_id} ({messages}); OpenCode 1 would begin it anew.",
            "Go on with it in OpenCode 2. Nothing was changed.",
        )
