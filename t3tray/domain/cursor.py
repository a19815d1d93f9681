"""The cursor: the session that a thread is bound to, and the evidence to prove it later."""

from __future__ import annotations

from msgspec import Struct

from t3tray.domain.carries import Context

SESSION_PREFIX = "ses_"


class Cursor(Struct, frozen=True):
    """What was recorded of the bound session when it was last seen.

    `session_created_ms` is OpenCode's creation time in ms since the epoch. The message ids are None while the session has no
    messages. `message_count` is None if not counted (a long session that was adopted). `context`: what the model got when
    `last_message_id` was the newest message; None if it was never read.

    Set by remedies, and permanent: `restored`: when and from where the conversation was carried into this session. `afresh`: the
    user wanted the session empty. `chosen_over`: the session that T3 Code named when the user chose this one ("": none). `lacks`:
    what of the conversation the session is known not to contain, a clause for people, until it is brought into it.
    """

    session_id: str
    directory: str
    title: str = ""
    session_created_ms: int | None = None
    first_message_id: str | None = None
    last_message_id: str | None = None
    last_finished_id: str | None = None
    message_count: int | None = None
    server_version: str = ""
    restored: str = ""
    afresh: bool = False
    chosen_over: str | None = None
    context: Context | None = None
    lacks: str = ""

    @property
    def is_well_formed(self) -> bool:
        """Whether OpenCode could have made this id; it answers any other with 400 or 500, never with 404."""
        return self.session_id.startswith(SESSION_PREFIX) and self.session_id != SESSION_PREFIX
