"""The guard's sentences: refusals, which T3 Code shows to its user in one line, and lines of t3tray's own history.

T3 Code puts some 125 characters before a refusal and cuts after three lines, so a refusal is short and begins with what to do. It
hides errors that look like a lost connection, so no refusal may end in such words.
"""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.guard import (
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardAnswer,
    GuardRequest,
    OtherRequest,
    PromptRequest,
    ReadRequest,
    Refusal,
)
from t3tray.messages.t3code_side import HOW_TO_FREE

REFUSALS: dict[Refusal, str] = {
    Refusal.SESSION_GONE: (
        "Open t3tray: this thread's session is gone. Choose there how it goes on, then send your message again here."
    ),
    Refusal.HELD_IS_GONE: (
        "Quit T3 Code, start it again, then send your message again: T3 Code still holds a session open that is gone."
    ),
    Refusal.NO_SESSION: (
        "Open t3tray: no session is known for this thread. Choose there how it goes on, then send your message again here."
    ),
    Refusal.NOT_PROVED: (
        "Open t3tray: this thread's session no longer holds its conversation. Choose there how it goes on, then send again."
    ),
    Refusal.SPLIT: (
        "Open t3tray: this thread's conversation lies in several sessions. Choose there how it goes on, then send again."
    ),
    Refusal.ELSEWHERE: (
        "Open t3tray: this thread's session works in another folder. Choose there how it goes on, then send your message again."
    ),
    Refusal.FOLDER_GONE: "Open t3tray: this thread's folder is gone. Choose there how it goes on, then send your message again.",
    Refusal.CANNOT_TELL: "Open t3tray: this thread's session could not be checked just now. Send your message again.",
    Refusal.NOT_IDENTIFIED: (
        "Send your message again: t3tray could not tell which thread it is for, and starts no empty session in its place."
    ),
    Refusal.T3_UNREADABLE: (
        "Open t3tray: it cannot read this T3 Code's threads, and starts no empty session where one may belong to a thread."
    ),
    Refusal.MOVE_REFUSED: (
        "Open t3tray: this thread moved to a folder where its session cannot follow. Choose there how it goes on."
    ),
    Refusal.NOT_RECORDED: "Open t3tray: it could not record what it was about to do. Then send your message again.",
}

NO_T3CODE = "No T3 Code was found to protect."
# Sent by the proxy where there is no decision, because OpenCode cannot be asked.
SERVER_NOT_READY = "Open t3tray: the OpenCode server is not ready yet. Send your message again in a moment."
SERVER_DOWN = "Open t3tray: the OpenCode server gives no answer. Start it there, then send your message again."
SERVER_FAILED = "Open t3tray: the OpenCode server cannot be started. t3tray says why; then send your message again."
GUARD_FAILED = "Open t3tray: the guard made a mistake, and nothing was changed. Send your message again."
# Answers to requests that have no access to the guard, or cannot be handled. They reveal nothing confidential.
ONLY_THIS_MACHINE = "The guard answers only to programs on this machine."
NO_PAGES = "The guard does not answer pages in a browser."
ONLY_OWN_ADDRESS = "The guard answers only to its own address."
AMBIGUOUS = "This request is ambiguous."
PASSWORD_WRONG = "The guard's password is missing or wrong."
NONCE_REQUIRED = "A nonce of 64 hexadecimal digits is required."
TOO_LARGE = "This request is too large."

_REASONS: dict[Refusal, str] = {
    Refusal.SESSION_GONE: "the session that held this conversation is gone",
    Refusal.HELD_IS_GONE: "T3 Code still held a session open that is gone",
    Refusal.NO_SESSION: "no session was known for this thread",
    Refusal.NOT_PROVED: "the session no longer held this conversation",
    Refusal.SPLIT: "this conversation lay in several sessions",
    Refusal.ELSEWHERE: "the session works in another folder",
    Refusal.FOLDER_GONE: "the thread's folder was gone",
    Refusal.CANNOT_TELL: "the session could not be checked then",
    Refusal.NOT_IDENTIFIED: "it could not be told which thread it was for",
    Refusal.T3_UNREADABLE: "T3 Code's threads could not be read",
    Refusal.MOVE_REFUSED: "the thread moved to a folder where its session cannot follow",
    Refusal.NOT_RECORDED: "it could not be recorded",
}


def standing_refusal(answers: Sequence[GuardAnswer]) -> GuardAnswer | None:
    """Return the thread's last answer if it is a refusal (T3 Code has not asked again since). `answers` are oldest first."""
    return answers[-1] if answers and answers[-1].is_refusal else None


def next_step(refused: GuardAnswer, can_resume: bool) -> str:
    """Return what to do about a refusal that stands. `can_resume`: a follow-up would carry the thread's context now."""
    why = _REASONS[refused.decision.refusal or Refusal.CANNOT_TELL]
    if refused.decision.refusal is Refusal.HELD_IS_GONE:
        return f"T3 Code's last message was held back, because {why}. {HOW_TO_FREE}, then send your message again in T3 Code."
    if can_resume:
        return f"T3 Code's last message was held back, because {why}. It can go on now: send your message again in T3 Code."
    return (
        f"T3 Code's last message was held back, because {why}. Nothing was lost: choose how the thread goes on, "
        "then send your message again in T3 Code."
    )


def answer_sentence(answer: GuardAnswer) -> str:
    """Return one answer of the guard as a line of a thread's history."""
    decision, request = answer.decision, _request_line(answer.asked)
    match decision.answer:
        case GuardAction.REFUSE:
            return f"{request}; it was refused, because {_REASONS[decision.refusal or Refusal.CANNOT_TELL]}."
        case GuardAction.GIVE:
            return f"{request}; it was given {decision.session_id}{_size(decision.messages)}."
        case GuardAction.CREATE:
            return f"{request} for a new thread; it got {answer.session_id or 'none, OpenCode failed'}."
        case GuardAction.MOVE:
            return f"{request}; it was given {answer.session_id or 'none, OpenCode failed'}, moved to that folder."
        case GuardAction.PASS if isinstance(answer.asked, ReadRequest):
            return f"{request}, and went on in it." if answer.session_id else f"{request}; OpenCode's own answer was passed on."
        case GuardAction.PASS:
            return f"{request}; that was passed on."


def _request_line(request: GuardRequest) -> str:
    match request:
        case ReadRequest(session_id):
            return f"T3 Code asked for {session_id}"
        case CreateRequest(title):
            return f"T3 Code asked for a new session{f' called “{title}”' if title else ''}"
        case ForkRequest(session_id, directory):
            return f"T3 Code asked for a fork of {session_id} in {directory or 'its folder'}"
        case PromptRequest(session_id):
            return f"T3 Code sent a message into {session_id}"
        case OtherRequest():
            return "T3 Code sent a message"


def _size(messages: int | None) -> str:
    return "" if messages is None else f" ({messages} message{'' if messages == 1 else 's'})"
