"""The cursor: which session a thread is bound to, and the evidence to prove it later."""

from __future__ import annotations

from msgspec import Struct

from t3tray.domain.carries import Context

SESSION_PREFIX = "ses_"


class Cursor(Struct, frozen=True):
    """What was recorded of the bound session when it was last seen.

    `session_created_ms` is OpenCode's own time of creation in ms since the epoch. The ids of messages are None as long as
    the session has none. `message_count` is None where nobody counted (an adopted long session). `context`: what the model got of
    the session when `last_message_id` was its newest message; None where that was never read.

    What a remedy made true stays: `restored` says when and from where the conversation was carried into this session; `afresh`:
    the user wanted it empty; `chosen_over` is the session that T3 Code named when the user chose this one instead ("": none);
    `lacks`: what of the conversation this session is known not to hold, a clause for people, until it is brought into it.
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
        """An id that OpenCode could have made; anything else it answers with 400 or 500, never with 404."""
        return self.session_id.startswith(SESSION_PREFIX) and self.session_id != SESSION_PREFIX


_TAKEN_BACK = "a revert took back "


def taken_back(count: int | None) -> str:
    """What a session lacks after a revert was made final; `count` is None where nobody counted."""
    some = "messages" if count is None else f"{count:,} message{'' if count == 1 else 's'}"
    return f"{_TAKEN_BACK}{some}"


def was_taken_back(lacks: str) -> bool:
    """Whether a revert took something back: no session holds that any more."""
    return _TAKEN_BACK in lacks


def together(*lacks: str) -> str:
    """Several things that are lacking, as one clause."""
    return "; ".join(dict.fromkeys(filter(None, lacks)))
