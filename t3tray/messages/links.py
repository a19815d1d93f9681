"""Sentences on `t3tray://` links. None of them repeats the link, which may be anybody's text."""

from __future__ import annotations

from t3tray.domain.verdict import Kind, Verdict
from t3tray.errors import NoScreen, UsageError

INVALID_LINK = "This is not a link of t3tray: one names a thread, as in t3tray://thread/ID or t3tray://resume/ID."
UNKNOWN_THREAD = "This link names a thread that t3tray does not know."
THREAD_NOT_FOUND_NOW = "This link names a thread that t3tray does not find now: some threads could not be read."
NO_LINK_TO_THREAD = "The thread's id cannot be part of a link."

_RESUME_WANTED = {
    Kind.RESUMABLE: "A link asks to resume this thread. Nothing was started: choose Resume in Terminal if you want that.",
    Kind.BLOCKED: "A link asks to resume this thread, which cannot be resumed now: the reason is below.",
    Kind.UNKNOWN: "A link asks to resume this thread. Whether it can be resumed is unknown: the reason is below.",
}
NOT_OURS_TO_RESUME = "A link asks to resume this thread, which t3tray cannot do: another provider stores its conversation."
RESUME_NOTES = (*_RESUME_WANTED.values(), NOT_OURS_TO_RESUME)


def resume_wanted(verdict: Verdict) -> str:
    """Return the note above a thread that was opened by a `resume` link."""
    return _RESUME_WANTED[verdict.kind]


def invalid_link() -> UsageError:
    return UsageError(INVALID_LINK)


def no_window_for_link() -> NoScreen:
    return NoScreen("A link opens t3tray's window, and no display is named here.", "`t3tray show ID` prints the thread.")
