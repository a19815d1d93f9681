"""A session of which OpenCode 2 holds the messages: OpenCode 1 sees it empty, and would begin it anew."""

from __future__ import annotations

from t3tray.domain.versions import Ability
from t3tray.errors import Refused
from t3tray.threads.session_server import SessionServer


async def refuse_stranded(server: SessionServer, session_id: str) -> None:
    """Raises Refused for an empty session of which OpenCode 2 holds the messages, ServerError where that cannot be told."""
    if Ability.OPENCODE2_MESSAGES not in server.abilities:
        return  # older than OpenCode 2
    held = len(await server.opencode2_messages(session_id))
    if held:
        messages = f"{held} message{'' if held == 1 else 's'}"
        raise Refused(
            f"OpenCode 2 holds the conversation of {session_id} ({messages}); OpenCode 1 would begin it anew.",
            "Go on with it in OpenCode 2. Nothing was changed.",
        )
