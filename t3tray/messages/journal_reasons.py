"""Why a binding was changed, as the journal stores it with each entry and the history shows it."""

from __future__ import annotations

MADE_FOR_THREAD = "made for this thread"
ADOPTED = "adopted"
NAMED_BY_T3_CODE = "the session that T3 Code names"
NEVER_MADE = "the server has no session for it"
HAS_ANOTHER_SESSION = "the thread has another session by now"
FOUND_BY_MARKER = "found by its marker after a crash"
FOUND_BY_MARK = "found by its mark: the journal lacked it"
SEEN_IN_DATABASE = "seen in OpenCode's database"
SEEN_AT_A_RESUME = "seen at a resume"
SEEN_BY_GUARD = "seen by the guard"
VERIFIED_AFTER_RESTORE = "verified after t3tray's data was put back from a copy"
ABANDONED_AS_IT_IS = "abandoned, left as it is"
HELD_OPEN = "T3 Code still held it open, and sent a message into it"


def new_thread(directory: str) -> str:
    return f"new thread in {directory}"


def taken_back_before(why: str) -> str:
    """Add to `why` that a revert was made final since the last entry."""
    return f"{why}; what had been recorded last was taken back before"


def begun_in(directory: str) -> str:
    return f"T3 Code began this thread in {directory}"


def forked_for(directory: str, session_id: str) -> str:
    """Return why the guard binds a fork: T3 Code forked this session for another folder."""
    return f"T3 Code moved this thread to {directory}, and forked {session_id}"


def left_as_it_is(session_id: str) -> str:
    """Return why a change was given up after it had made this session."""
    return f"{session_id} was left as it is"
