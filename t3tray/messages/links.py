"""Sentences on `t3tray://` links. None of them repeats the link, which may be anybody's text."""

from __future__ import annotations

from t3tray.errors import NoScreen, UsageError

INVALID_LINK = "This is not a link of t3tray: one names a thread, as in t3tray://thread/ID or t3tray://resume/ID."
UNKNOWN_THREAD = "This link names a thread that t3tray does not know."
THREAD_NOT_FOUND_NOW = "This link names a thread that t3tray does not find now: some threads could not be read."
NO_LINK_TO_THREAD = "The thread's id cannot be part of a link."
RESUME_WANTED = "A link asks to resume this thread, and has started nothing. If it can be resumed, Resume in Terminal is below."
NOT_OURS_TO_RESUME = "A link asks to resume this thread, which t3tray cannot do: another provider stores its conversation."
# All notes on a link's thread.
NOTES = (UNKNOWN_THREAD, THREAD_NOT_FOUND_NOW, RESUME_WANTED, NOT_OURS_TO_RESUME)


def invalid_link() -> UsageError:
    return UsageError(INVALID_LINK)


def no_window_for_link() -> NoScreen:
    return NoScreen("A link opens t3tray's window, and no display is named here.", "`t3tray show ID` prints the thread.")
