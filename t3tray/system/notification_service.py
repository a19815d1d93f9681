"""The desktop's notification service as the rest of the program knows it.

Whoever is behind it may be absent, hang or die: no method raises, and each comes back within seconds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from t3tray.messages.notifications import NotificationWording

_log = logging.getLogger(__name__)

# What the user did with a notice is told by the key of a button, or by this one.
CLICKED = "default"


@dataclass(frozen=True)
class Heard:
    """A button of a notice was pressed, or the notice itself. `token` is the desktop's leave to come to the front, where it gives
    one."""

    notice_id: str
    key: str
    token: str = ""


class Notifications(Protocol):
    """Lives on the event loop. `trouble` says in a sentence why nothing can be shown; it is empty where that is not known."""

    @property
    def trouble(self) -> str: ...

    async def look(self) -> None:
        """Find out whether something can be shown."""
        ...

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        """`stays`: until it is answered or withdrawn, as far as the desktop does that."""
        ...

    async def withdraw(self, notice_id: str) -> None:
        """Nothing happens with one that is gone."""
        ...

    async def close(self) -> None: ...


class Trouble:
    """Why nothing can be shown. One quiet line in the log for each change."""

    def __init__(self) -> None:
        self.sentence = ""

    def tell(self, sentence: str) -> None:
        if sentence != self.sentence:
            _log.info(sentence or "The desktop shows notices again.")
            self.sentence = sentence
