"""Links to threads, `t3tray://thread/ID` and `t3tray://resume/ID`, which any program and any web page may give to the desktop.

They are matched as they are, never decoded or normalised: a text that is not exactly of this form is no link.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SCHEME = "t3tray:"
# Ids are UUIDs, and T3 Code's also such as `import:codex:…`. The longest is far below the limit.
_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
_LINK = re.compile(rf"t3tray://(?P<host>thread|resume)/(?P<id>{_ID})")


class ThreadLink(NamedTuple):
    """A thread to show in the window. `is_to_resume`: with the question whether to resume it."""

    thread_id: str
    is_to_resume: bool = False

    def __str__(self) -> str:
        return f"{_SCHEME}//{'resume' if self.is_to_resume else 'thread'}/{self.thread_id}"


def parse_link(text: str) -> ThreadLink | None:
    """Return the link that a text is; None if it is none."""
    found = _LINK.fullmatch(text)
    return ThreadLink(found["id"], found["host"] == "resume") if found else None


def link_to(thread_id: str) -> str:
    """Return the link that shows this thread; empty if the thread's id cannot be part of one."""
    link = str(ThreadLink(thread_id))
    return link if parse_link(link) else ""


def is_like_link(text: str) -> bool:
    """Whether the desktop would give a text to t3tray as a link, well-formed or not."""
    return text[: len(_SCHEME)].lower() == _SCHEME
