"""The sentences on a thread that was named by its id, the beginning of it, or a `t3tray://` link.

None of those on links repeats the link, which may be anybody's text.
"""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.thread import Thread
from t3tray.errors import NoScreen, T3TrayError, ThreadNotFound, UsageError

# How many threads are listed where several ids begin so.
_SHOWN = 5

INVALID_LINK = "This is not a link of t3tray: one names a thread, as in t3tray://thread/ID or t3tray://resume/ID."
UNKNOWN_THREAD = "This link names a thread that t3tray does not know."
THREAD_NOT_FOUND_NOW = "This link names a thread that t3tray does not find now: some threads could not be read."
NO_LINK_TO_THREAD = "The thread's id cannot be part of a link."
RESUME_WANTED = "A link asks to resume this thread, and has started nothing. If it can be resumed, Resume in Terminal is below."
NOT_OURS_TO_RESUME = "A link asks to resume this thread, which t3tray cannot do: another provider stores its conversation."
# All notes on a link's thread.
NOTES = (UNKNOWN_THREAD, THREAD_NOT_FOUND_NOW, RESUME_WANTED, NOT_OURS_TO_RESUME)


def no_such_thread(name: str) -> ThreadNotFound:
    return ThreadNotFound(f"There is no thread “{name}”.", "`t3tray threads` lists them.")


def not_one_thread(prefix: str, found: Sequence[Thread]) -> T3TrayError:
    """Return the error that says why `prefix` names none of the threads, or which ones (`found`) it may mean."""
    if not prefix:
        return UsageError("A thread is named by its id or by the beginning of its id.")
    if not found:
        return no_such_thread(prefix)
    listed = ", ".join(f"{thread.id} ({thread.title})" for thread in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return UsageError(f"“{prefix}” is the beginning of {len(found)} threads: {listed}{more}.", "Give more of the id.")


def invalid_link() -> UsageError:
    return UsageError(INVALID_LINK)


def no_window_for_link() -> NoScreen:
    return NoScreen("A link opens t3tray's window, and no display is named here.", "`t3tray show ID` prints the thread.")
