"""One sentence for each reason of a verdict, and the remedies for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from t3tray.domain.carries import CarriesKind
from t3tray.domain.receipt import Receipt
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Reason, Verdict
from t3tray.messages.carries import carried_sentence


@dataclass(frozen=True)
class Wording:
    """A complete sentence, and the reason's own remedies, best first. `remedy_offers` decides which are offered."""

    sentence: str
    remedies: tuple[Remedy, ...] = ()


WORDING: dict[Reason, Wording] = {
    Reason.PROVED: Wording(
        "The session is there and its last recorded message was found, so your next message carries the whole conversation."
    ),
    Reason.UNPROVEN: Wording("The session is there, but nothing proves yet that it is the right one."),
    Reason.INTERRUPTED: Wording(
        "The session is there and holds the conversation, but its last turn never finished.", (Remedy.FORK,)
    ),
    Reason.REWOUND: Wording(
        "The session is there and begins as recorded, but its latest part was reverted away.", (Remedy.BIND, Remedy.FORK)
    ),
    Reason.BUSY: Wording("The session is there and a turn is running in it right now."),
    Reason.NEW: Wording("Nothing was said in this thread yet: its first message begins the conversation."),
    Reason.UNBOUND: Wording(
        "This thread has an earlier conversation, but no session is recorded for it.",
        (Remedy.BIND, Remedy.CARRY, Remedy.START_AFRESH),
    ),
    Reason.MISSING: Wording(
        "The session that held this conversation no longer exists in OpenCode.",
        (Remedy.BIND, Remedy.CARRY, Remedy.START_AFRESH, Remedy.RELEASE),
    ),
    Reason.HISTORY_LOST: Wording(
        "The session exists, but neither the first nor the last recorded message is in it any more.",
        (Remedy.BIND, Remedy.CARRY, Remedy.START_AFRESH, Remedy.RELEASE),
    ),
    Reason.EMPTY: Wording(
        "The session exists but is empty, although this thread has an earlier conversation.",
        (Remedy.BIND, Remedy.CARRY, Remedy.START_AFRESH, Remedy.RELEASE),
    ),
    Reason.DIRECTORY_MISSING: Wording("The thread's folder no longer exists.", (Remedy.RELOCATE, Remedy.RETRY, Remedy.RELEASE)),
    Reason.DIRECTORY_MISMATCH: Wording(
        "The session works in another folder than this thread.", (Remedy.MOVE_SESSION, Remedy.RELOCATE, Remedy.BIND, Remedy.CARRY)
    ),
    Reason.SPLIT: Wording("Several sessions claim to be this thread's conversation.", (Remedy.JOIN, Remedy.BIND)),
    Reason.CONFLICT: Wording("T3 Code and t3tray name different sessions for this thread.", (Remedy.BIND, Remedy.REPAIR)),
    Reason.CHILD: Wording("The recorded session is a sub-agent's, not the conversation itself.", (Remedy.BIND, Remedy.RELEASE)),
    Reason.BAD_CURSOR: Wording(
        "What is recorded as this thread's session is not a session id.", (Remedy.BIND, Remedy.START_AFRESH)
    ),
    Reason.SERVER_DOWN: Wording(
        "OpenCode's server does not run, so it cannot be said whether the session is there.", (Remedy.START_SERVER, Remedy.RETRY)
    ),
    Reason.UNAUTHORIZED: Wording(
        "OpenCode's server refused the password, so it cannot be said whether the session is there.",
        (Remedy.SIGN_IN, Remedy.RETRY),
    ),
    Reason.TIMEOUT: Wording(
        "OpenCode's server did not answer in time, so it cannot be said whether the session is there.", (Remedy.RETRY,)
    ),
    Reason.SERVER_ERROR: Wording(
        "What is needed to tell could not be read, so it cannot be said whether the session is there.", (Remedy.RETRY,)
    ),
    Reason.UNSUPPORTED: Wording(
        "What answered is not an OpenCode server that t3tray understands, so nothing can be said.", (Remedy.RETRY,)
    ),
    Reason.OTHER_DATABASE: Wording(
        "OpenCode may use another database than the one that t3tray reads, so it is not known whether this session exists.",
        (Remedy.START_SERVER, Remedy.RETRY),
    ),
    Reason.DIRECTORY_UNREADABLE: Wording(
        "The thread's folder cannot be looked at, so it cannot be said whether its session could work there.", (Remedy.RETRY,)
    ),
    Reason.STRANDED: Wording(
        "OpenCode 2 holds this conversation; OpenCode 1 would begin it anew.", (Remedy.RETRY, Remedy.BIND, Remedy.START_AFRESH)
    ),
    Reason.OPEN_ELSEWHERE: Wording(
        "Another OpenCode process seems to be in the middle of a turn in this session.", (Remedy.RETRY, Remedy.FORK)
    ),
}


# The label of each remedy's button; the session follows that of BIND.
REMEDIES = {
    Remedy.HEAL: "Give T3 Code Its Memory Back…",
    Remedy.BIND: "Bind to",
    Remedy.JOIN: "Join the Sessions…",
    Remedy.MOVE_SESSION: "Move the Session Here…",
    Remedy.RELOCATE: "Choose Another Folder…",
    Remedy.CARRY: "Carry the Conversation Over…",
    Remedy.FORK: "Continue in a Fork…",
    Remedy.START_AFRESH: "Start Afresh…",
    Remedy.RELEASE: "Unbind the Session…",
    Remedy.REPAIR: "Repair T3 Code's Cursor…",
    Remedy.UNDO: "Undo the Last Remedy…",
}


def deleted_sentence(at: datetime | None) -> str:
    """Return the sentence on a thread that T3 Code no longer shows. `at` is None if the time of deletion is unknown."""
    gone = f"was deleted in T3 Code at {at:%Y-%m-%d %H:%M} UTC" if at else "is no longer in T3 Code"
    return f"This thread {gone}. t3tray keeps its binding and its journal."


_FOUND = "The session is there and its last recorded message was found."
_NOT_KNOWN = "How much of the conversation your next message carries is not known."


def sentence(verdict: Verdict) -> str:
    """Return the reason's sentence, what the next message carries, and the details of this case in brackets."""
    plain, carried = WORDING[verdict.reason].sentence, carried_sentence(verdict.carries)
    if verdict.reason is Reason.PROVED and verdict.carries.kind is not CarriesKind.WHOLE:
        plain, carried = _FOUND, carried or _NOT_KNOWN
    plain = f"{plain} {carried}" if carried else plain
    return f"{plain[:-1]} ({verdict.detail})." if verdict.detail else plain


def receipt_text(receipt: Receipt) -> str:
    """The receipt of a resume as text that can be copied: lines for people."""
    marks = {True: "✓", False: "✗", None: "·"}
    lines = [
        f"thread   {receipt.thread_id}",
        f"session  {receipt.session_id or 'none'}",
        f"verdict  {receipt.verdict.kind} / {receipt.verdict.reason}",
        f"         {sentence(receipt.verdict)}",
        f"checked  {receipt.taken_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, by {receipt.asked or 'nobody'}",
    ]
    for check in receipt.checks:
        then_and_now = check.found if check.recorded in ("", check.found) else f"{check.recorded} → {check.found}"
        lines.append(f"  {marks[check.passed]} {check.name}: {then_and_now}")
    return "\n".join([*lines, *(f"  ! {note}" for note in receipt.notes)])
