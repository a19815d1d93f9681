"""Why an entry was made, as the journal stores it (`Entry.why`) and the history shows it, and the sentences on open entries."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.journal import Entry
from t3tray.messages.carries import counted

# Of creating, importing and proving.
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
# Of remedies.
CHOSEN = "chosen by the user"
ANOTHER_CHOSEN = "another session was chosen"
NEW_CHOSEN = "a new session was chosen"
LET_GO = "let go by the user"
AFRESH = "started afresh, as the user asked"
AS_BEFORE = "as it was before"
CURSOR_WRITTEN = "T3 Code's cursor was written and read back"
REFUSED_FIRST = "refused before anything was made"
# After a crash.
FINISHED = "finished after a crash"
NEVER_BEGAN = "cut off before it began"
SESSION_GONE = "the session does not exist any more"
NOTHING_TO_UNDO = "the journal lacks what it was to undo"
# Recognised again in stored entries: the beginning of `carried_over` if nothing had to be carried.
_NONE_CARRIED = f"{counted(0)} "


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


def left_as_it_is(*sessions: str) -> str:
    """Return why a change was given up after it had made these sessions."""
    return f"{', '.join(sessions)} {'was left as it is' if len(sessions) == 1 else 'were left as they are'}"


def takes_its_place(session_id: str) -> str:
    return f"{session_id} takes its place"


def restored(origin: str, count: int) -> str:
    """`origin`: when and from where."""
    return f"restored {origin}: {counted(count)}"


def forked_from(session_id: str) -> str:
    return f"forked from {session_id}"


def joining(target: str, others: Sequence[str]) -> str:
    return f"join {', '.join(others)} into {target}" if others else f"bring the conversation back into {target}"


def joined_into(target: str) -> str:
    return f"joined into {target}"


def carried_over(count: int, sessions: Sequence[str]) -> str:
    """`sessions` had the messages; without any they are from T3 Code's own copy."""
    return f"{counted(count)} carried over from {', '.join(sessions) or 'T3 Code'}"


def none_carried(why: str) -> bool:
    """Whether this is `carried_over` of no message."""
    return why.startswith(_NONE_CARRIED)


def undoing(remedy: str) -> str:
    return f"undo “{remedy}”"


def repairing(session_id: str) -> str:
    return f"T3 Code is to go on in {session_id}"


def cut_off(why: str) -> str:
    """`why` it was not completed."""
    return f"cut off before its end: {why}"


def made_and_left(sessions: Sequence[str]) -> str:
    """`sessions`: those that the cut-off remedy had made."""
    return f"cut off before its end; {left_as_it_is(*sessions)}" if sessions else NEVER_BEGAN


def sent_into(sessions: Sequence[str]) -> str:
    """`sessions`: those that the cut-off remedy had made, and that t3tray used since."""
    return f"the journal lacks its end; messages were sent into {', '.join(sessions)}, so it is for the user to choose"


def gone_on_in(session_id: str) -> str:
    """`session_id`: the session of a cut-off join, which t3tray used since."""
    return f"the journal lacks its end; the conversation went on in {session_id}"


def taken_out(message_id: str | None) -> str:
    """`message_id`: the message that a cut-off join had carried into the session; None if there was none."""
    return f"cut off before it came to its end; {message_id} was taken out again" if message_id else NEVER_BEGAN


def unsettled(entry: Entry, why: str) -> str:
    """Return the sentence on an intent that recovery cannot settle now. `why` is a sentence."""
    return f"A change of thread {entry.thread_id} was cut off ({entry.why}) and cannot be settled yet: {why}"


def begun_elsewhere(entry: Entry) -> str:
    """Return the sentence on an intent that another machine wrote."""
    began = f"Another machine (or container) with this data folder began a change of thread {entry.thread_id}"
    when = f"at {entry.at:%Y-%m-%d %H:%M} UTC, which is not finished ({entry.why})"
    return f"{began} {when}. If that machine is gone for good, say so here: `t3tray server stop --forget`."
