"""Interface to the desktop's notification service.

The service may be absent, hang or crash: no method raises, and each returns within seconds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from t3tray.messages.notifications import NotificationWording

_log = logging.getLogger(__name__)

# Key of a click on the notification itself, beside the keys of its buttons.
CLICKED = "default"


@dataclass(frozen=True)
class NotificationPress:
    """The user pressed a notification or one of its buttons. `token` is the desktop's activation token for raising a window;
    empty where there is none."""

    notice_id: str
    key: str
    token: str = ""


class Notifications(Protocol):
    """Used on the event loop. `trouble` is a sentence on why nothing can be shown; empty where no problem is known."""

    @property
    def trouble(self) -> str: ...

    async def check(self) -> None:
        """Check whether notifications can be shown, and update `trouble`."""
        ...

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        """Show a notification; with `stays` until it is pressed or withdrawn, where the desktop supports that."""
        ...

    async def withdraw(self, notice_id: str) -> None:
        """Close a notification. Does nothing when it is closed already."""
        ...

    async def close(self) -> None: ...


class Trouble:
    """The reason why nothing can be shown. Each change is logged once."""

    def __init__(self) -> None:
        self.sentence = ""

    def set(self, sentence: str) -> None:
        if sentence != self.sentence:
            _log.info(sentence or "The desktop shows notifications again.")
            self.sentence = sentence
