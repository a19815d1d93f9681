"""Sentences on a message that is sent: why it is not, what became of it, and how its turn ended."""

from __future__ import annotations

from t3tray.domain.pending_request import RequestKind
from t3tray.errors import NotTaken, TurnFailed, Unanswered
from t3tray.messages.conversation import not_answered

KEPT_AS_DRAFT = "Nothing was sent; the text is kept as the thread's draft."
PERHAPS_SENT = "The text is kept as the thread's draft. Sent again, it is looked up first, and never sent twice."
ARRIVED = "The message is in the conversation."
HAD_ARRIVED = "This message had arrived already, unseen; it was not sent again."
ANSWERED_TOGETHER = "Another program sent a message right after this one. OpenCode answered both at once:"
STOPPED = "It was stopped."
SERVER_WENT_AWAY = "The server went away."
SESSION_DELETED = "The session was deleted while its turn was followed."
REPLY_INCOMPLETE = "A message of this turn could not be read, so the reply may be incomplete."
TAKE_REVERT_BACK = f"Take the revert back in OpenCode, or send it anyway. {KEPT_AS_DRAFT}"
ANSWER_UNKNOWN = f"{ARRIVED} Whether it was answered cannot be told now."
LOOK_THEN_SEND = f"{KEPT_AS_DRAFT} Look at the thread, then send it again."
_ARRIVED_GO_ON = f"{ARRIVED} Send another one to go on."
_WAITS_FOR = {
    RequestKind.APPROVAL: "The agent asks for a permission.",
    RequestKind.QUESTION: "The agent asks a question.",
}


def waits_for(request: RequestKind) -> str:
    """Return to what the turn needs an answer."""
    return _WAITS_FOR[request]


def dropped(why: str) -> NotTaken:
    """`why` is what OpenCode reported in the session."""
    reason = why if why.endswith((".", "!", "?")) else f"{why}."
    return NotTaken(f"OpenCode dropped the message: {reason}", KEPT_AS_DRAFT)


def arrival_unknown(why: str) -> NotTaken:
    """`why` is the error of the last request."""
    return NotTaken(f"It is not known whether the message arrived: {why}", PERHAPS_SENT)


def never_arrived(seconds: float) -> NotTaken:
    """OpenCode accepted the message this long ago."""
    return NotTaken(f"OpenCode took the message {seconds:.0f} seconds ago, and it is not in the session.", PERHAPS_SENT)


def dated_ahead(when: str) -> NotTaken:
    """`when` is the local time of the session's newest message."""
    return NotTaken(
        f"The newest message of this session is dated {when}, which is still to come: the clock was ahead when it was "
        "written. Until then OpenCode would store a message and not ask the model.",
        f"Set this computer's clock right if it is behind, or wait until {when}. {KEPT_AS_DRAFT}",
    )


def draft_stays(why: str) -> str:
    """Return the warning for a message that was sent and is still in the draft."""
    return f"The message was sent, and its draft could not be put away: {why}"


def end_unread(why: str) -> str:
    return f"The end of the turn could not be read, so the reply may be incomplete: {why}"


def proof_not_renewed(why: str) -> str:
    return f"What t3tray has recorded of the session could not be renewed: {why}"


def archive_behind(why: str) -> str:
    return f"The archive could not be brought up to date: {why}"


def thread_left(session_id: str | None) -> str:
    """Return the warning for a thread that was bound to another session while the model answered."""
    return f"This thread has left {session_id} meanwhile: the message and its answer stay there."


def turn_failed(why: str) -> TurnFailed:
    return TurnFailed(not_answered(why), _ARRIVED_GO_ON)


def turn_stopped() -> TurnFailed:
    return TurnFailed("The turn was stopped before its end.", _ARRIVED_GO_ON)


def turn_broken_off() -> TurnFailed:
    return TurnFailed("The turn broke off: OpenCode was ended in its middle.", _ARRIVED_GO_ON)


def unanswered(why: str) -> Unanswered:
    """`why` is OpenCode's reason, empty if it gave none."""
    return Unanswered(f"OpenCode did not ask the model{f': {why}' if why else '.'}", _ARRIVED_GO_ON)
