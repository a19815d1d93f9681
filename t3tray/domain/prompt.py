"""A message of the user's on its way to a session."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

# In s. One that was handed over and brought no answer may arrive for so long.
MAY_ARRIVE_FOR = 20.0


class Prompt(Struct, frozen=True):
    """`message_id` is the id that the message has in the session, once it is there; `at` is when it was handed over."""

    message_id: str
    thread_id: str
    session_id: str
    text: str
    at: datetime
