"""The text of every notification and of its buttons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from t3tray.domain.controls import has_controls, without_controls
from t3tray.domain.notification import Fact, Notification, NotificationKind, option_key
from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState
from t3tray.messages.bugs import cause_of
from t3tray.messages.pending_requests import wish
from t3tray.messages.verdicts import REMEDIES

# In characters: what a button allows has to be readable in full in the notification; anything longer is answered in the app.
_READ_AT_A_GLANCE = 160
_LONGEST_LABEL = 40
_MOST_OPTIONS = 3
_LONGEST_TEXT = 300
_NAMED = 4

# Titles where one notification joins several facts of a kind; the names follow in the text.
_SEVERAL: dict[NotificationKind, str] = {
    NotificationKind.TURN: "{} threads have finished",
    NotificationKind.APPROVAL: "{} tools wait for your approval",
    NotificationKind.QUESTION: "{} questions wait for your answer",
    NotificationKind.BLOCKED: "{} threads cannot be resumed",
    NotificationKind.SWITCH: "{} threads may have forgotten their conversation",
    NotificationKind.GUARD: "{} messages were held back",
    NotificationKind.SERVER: "The OpenCode server needs a look",
    NotificationKind.REAP: "{} threads are about to be put to rest",
}
_ONE: dict[NotificationKind, str] = {
    NotificationKind.TURN: "{}",
    NotificationKind.APPROVAL: "{}",
    NotificationKind.QUESTION: "{}",
    NotificationKind.BLOCKED: "“{}” cannot be resumed",
    NotificationKind.SWITCH: "“{}” may have forgotten its conversation",
    NotificationKind.GUARD: "A message in “{}” was held back",
    NotificationKind.SERVER: "{}",
    NotificationKind.REAP: "“{}” is about to be put to rest",
}
FINISHED = "The agent has finished its turn."
NOT_ANSWERED = "Your answer did not arrive"
GUARD_UNFIT = "The guard cannot read T3 Code"
SERVER_TROUBLE = {
    ServerState.UNRESPONSIVE: "The OpenCode server does not answer",
    ServerState.WAITING: "The OpenCode server ended; it starts again soon",
    ServerState.FAILED: "The OpenCode server failed",
}


@dataclass(frozen=True)
class Button:
    key: str
    label: str


@dataclass(frozen=True)
class NotificationWording:
    """A notification's text: plain, without markup and control characters."""

    title: str
    text: str
    buttons: tuple[Button, ...] = ()


def wording(notification: Notification) -> NotificationWording:
    """Return the title, text and buttons of a notification."""
    if len(notification.facts) == 1:
        (fact,) = notification.facts
        title = _ONE[fact.kind].format(fact.title or "A thread without a name")
        return NotificationWording(visible(title, _LONGEST_TEXT), visible(fact.text, _LONGEST_TEXT), _buttons(fact))
    names = [fact.title for fact in notification.facts]
    more = f"\nand {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = "\n".join(visible(name, _LONGEST_LABEL) for name in names[:_NAMED])
    return NotificationWording(_SEVERAL[notification.kind].format(len(names)), f"{listed}{more}")


def reaping_sentence(at: datetime, is_resumable: bool) -> str:
    """Return what T3 Code's reaper does at `at`, and what comes of it."""
    stays = "The conversation stays." if is_resumable else "It could not be resumed as it is now."
    return f"T3 Code ends what is idle in it at {at:%H:%M}. {stays}"


def bug_sentence(bug: Exception) -> str:
    """Return why an answer failed, other than by an error of the tree, and what to do."""
    return f"This is {cause_of(bug)}. Answer in the window."


def _buttons(fact: Fact) -> tuple[Button, ...]:
    if fact.remedy:
        return (Button(fact.remedy, REMEDIES[fact.remedy]),)
    match fact.request:
        case ApprovalRequest() as request if is_read_at_a_glance(wish(request)):
            return Button(Reply.ONCE, "Allow Once"), Button(Reply.REJECT, "Reject")
        case QuestionRequest(questions=(question,)) if not question.multiple and is_read_at_a_glance(question.text):
            labels = [option.label for option in question.options]
            fits = len(labels) <= _MOST_OPTIONS and all(label and len(label) <= _LONGEST_LABEL for label in labels)
            if fits and not any(has_controls(label) for label in labels):
                return tuple(Button(option_key(number), label) for number, label in enumerate(labels))
    return ()


def is_read_at_a_glance(text: str) -> bool:
    """Whether the text is one short line without control characters that could hide or reorder it."""
    return len(text) <= _READ_AT_A_GLANCE and not has_controls(text)


def visible(text: str, limit: int) -> str:
    """Return at most `limit` characters without control characters; line breaks stay."""
    shown = without_controls(text.strip().replace("\t", " "))
    return shown if len(shown) <= limit else f"{shown[: limit - 1].rstrip()}…"
