"""Sentences of the window: placeholders of the thread list and the conversation, the notice above a copy, the guard's state."""

from __future__ import annotations

from t3tray.domain.conversation import CopyInfo
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.times import dated
from t3tray.domain.transcript import Origin
from t3tray.domain.verdict import Reason, Verdict
from t3tray.messages.guard import NO_T3CODE

WELCOME = "Welcome to t3tray"
FIRST_THREADS = "No threads yet. Those of T3 Code appear here by themselves; “New Thread…” creates one of your own."
ICON_HIDDEN = (
    "t3tray's icon is not in the menu bar. Allow it under Menu Bar in System Settings, or make room: macOS hides icons that do "
    "not fit, for example beside the camera of some screens. Opening t3tray again always shows this window."
)
NOTHING_LOST = "Nothing was lost: your threads, their sessions and what you typed are safe, and t3tray keeps running."
REPORT_ADVICE = "If something looks wrong now, quit t3tray and start it again. To have the mistake fixed, send this report."

# In place of the thread list. The first gap is the searched text, the second the reason.
NO_THREADS = (
    "No threads yet.\n\nThreads of T3 Code appear here by themselves. Create one of your own with “New…”, or take over a session "
    "of OpenCode with  t3tray adopt SESSION."
)
THREADS_LOADING = "Reading your threads…"
THREADS_UNREADABLE = "The threads could not be read just now.\n\nt3tray tries again by itself."
NO_MATCH = "No thread matches “{}”.\n\nTitles, folders, session ids and messages are searched."
STILL_SEARCHING = "No title or folder matches “{}”.\n\nThe conversations are being searched."
NOT_SEARCHED = "No title or folder matches “{}”.\n\nThe conversations could not be searched: {}"
ALL_FILTERED = "The filters hide all threads.\n\nClear them to see everything."

# In place of a conversation.
MESSAGES_LOADING = "The messages are being read…"
NO_SESSION = "No session is recorded for this thread, so there are no messages to show."
SESSION_GONE = "The session is gone from OpenCode, and there is no copy of its messages that could be shown here."
NO_MESSAGES = "No messages yet. What you write below begins the conversation."

_SOURCES = {
    Origin.VAULT: "From t3tray's archive",
    Origin.T3CODE: "T3 Code's own copy of this conversation",
    Origin.OPENCODE: "From OpenCode's database",
}
_WITHOUT_SESSION = "Without a session the model knows nothing of it."
_FORGOTTEN = "The model remembers nothing of it."
# For all other reasons the session may exist and hold the whole conversation.
_MEMORY = {
    Reason.MISSING: _FORGOTTEN,
    Reason.EMPTY: _FORGOTTEN,
    Reason.HISTORY_LOST: "The model remembers little or none of it.",
    Reason.UNBOUND: _WITHOUT_SESSION,
    Reason.BAD_CURSOR: _WITHOUT_SESSION,
}
_NOT_KNOWN = "Whether the model still remembers it is unknown."


def archived_notice(copy: CopyInfo, verdict: Verdict) -> str:
    """Return the notice above a copy of a conversation: its source, its date, and whether the model still knows it.

    `verdict` is the reason why the conversation itself cannot be shown.
    """
    when = f" on {dated(copy.at, '%b %Y, %H:%M')}" if copy.at else ""
    # No line break between a number and what it counts.
    count = f"{copy.messages:,}\N{NO-BREAK SPACE}message{'' if copy.messages == 1 else 's'}"
    return " ".join((f"{_SOURCES[copy.origin]}{when} · {count}.", *copy.missing, _MEMORY.get(verdict.reason, _NOT_KNOWN)))


_GUARD_STATES = {
    GuardPhase.NO_T3CODE: NO_T3CODE,
    GuardPhase.OFF: "T3 Code is not protected: it can switch a thread to an empty session, and t3tray tells you only afterwards.",
    GuardPhase.ON: "T3 Code is protected: a message continues in its thread's own session, or fails with a clear message.",
}


def guard_sentence(state: GuardState) -> str:
    """Return the guard's state in sentences."""
    plain = _GUARD_STATES.get(state.phase, "")
    return f"{plain} {state.sentence}".strip()
