"""The composer's status: where a message would go and what would be carried with it. Pure; no PySide6 here."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.carries import carried_words
from t3tray.messages.verdicts import sentence
from t3tray.threads.snapshot import ThreadRow

# In characters: the end of a session's id, which distinguishes it from others.
_TAIL = 6
_NO_SESSION = "This thread has no session yet; send its first message where the thread was created."
_REMARKS = {
    Reason.INTERRUPTED: "its last turn never finished",
    Reason.REWOUND: "its latest part was taken back",
    Reason.UNPROVEN: "nothing is recorded yet to compare it with",
    Reason.BUSY: "a turn is running; this waits for its end",
}


@dataclass(frozen=True)
class SendStatus:
    """The status. `is_open`: a message may be sent. `kind` is the sentence's role in the style sheet.

    `can_override`: sending is closed only because another process may be working in the session; the user may know better.
    """

    sentence: str
    is_open: bool
    kind: str = "muted"
    can_override: bool = False


def send_status(row: ThreadRow, messages: int | None) -> SendStatus:
    """Return the status of a thread. `messages` is the number of messages in the session, None if unknown."""
    verdict = row.verdict
    if verdict.kind is not Kind.RESUMABLE:
        kind = "bad" if verdict.kind is Kind.BLOCKED else "unsure"
        return SendStatus(sentence(verdict), False, kind, verdict.reason is Reason.OPEN_ELSEWHERE)
    if row.session_id is None:
        return SendStatus(_NO_SESSION, False, "unsure")
    name = short_session(row.session_id)
    if verdict.reason is Reason.NEW:
        return SendStatus(f"Begins the conversation in {name}", True)
    parts = [f"Goes on in {name}"]
    if carried := _carried(verdict.carries, messages):
        parts.append(carried)
    detail = verdict.detail if verdict.reason in (Reason.REWOUND, Reason.PROVED) else ""
    if remark := detail or _REMARKS.get(verdict.reason):
        parts.append(remark)
    if row.t3 is not None:
        parts.append("T3 Code will not show it")
    unsure = verdict.reason in (Reason.INTERRUPTED, Reason.REWOUND) or verdict.carries.kind is CarriesKind.PART
    return SendStatus(" · ".join(parts), True, "unsure" if unsure else "muted")


def _carried(carries: Carries, counted: int | None) -> str:
    """Return what the next message carries. `counted` is newer than the verdict, but valid only if everything is carried."""
    match carries.kind:
        case CarriesKind.WHOLE:
            messages = carries.messages if counted is None else counted
            return "" if messages is None else f"{messages:,} message{'' if messages == 1 else 's'} carried"
        case CarriesKind.SINCE_COMPACTION:
            return f"{carried_words(carries)} carried"
        case CarriesKind.PART:
            return f"carries {carried_words(carries)}"
    return "" if counted is None else f"{counted:,} message{'' if counted == 1 else 's'} in it"


def short_session(session_id: str) -> str:
    """Return a session's id in short form: `ses_…Yfjg7e`."""
    head, _, rest = session_id.partition("_")
    return f"{head}_…{rest[-_TAIL:]}" if len(rest) > _TAIL + 2 else session_id
