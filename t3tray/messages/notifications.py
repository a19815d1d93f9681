"""The words of every notice, and of its buttons. The only place where they are said."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.controls import has_controls, without_controls
from t3tray.domain.notification import Fact, Notification, NotificationKind, option_key
from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest, Reply
from t3tray.messages.verdicts import REMEDIES

# What a button allows must be read in full on the notice itself; more than that is answered in the app.
_READ_AT_A_GLANCE = 160
_LONGEST_LABEL = 40
_MOST_OPTIONS = 3
_LONGEST_TEXT = 300
_NAMED = 4

# The kind, told of several at once; what they are about follows by name.
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


@dataclass(frozen=True)
class Button:
    key: str
    label: str


@dataclass(frozen=True)
class NotificationWording:
    """Plain text, without any markup and without characters that cannot be seen."""

    title: str
    text: str
    buttons: tuple[Button, ...] = ()


def wording(notice: Notification) -> NotificationWording:
    """What a notice says."""
    if len(notice.facts) == 1:
        (fact,) = notice.facts
        title = _ONE[fact.kind].format(fact.title or "A thread without a name")
        return NotificationWording(visible(title, _LONGEST_TEXT), visible(fact.text, _LONGEST_TEXT), _buttons(fact))
    names = [fact.title for fact in notice.facts]
    more = f"\nand {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = "\n".join(visible(name, _LONGEST_LABEL) for name in names[:_NAMED])
    return NotificationWording(_SEVERAL[notice.kind].format(len(names)), f"{listed}{more}")


def wish(ask: ApprovalRequest) -> str:
    """`Wants to run git push`, for a text of its own."""
    return f"{ask.wish[:1].upper()}{ask.wish[1:]}"


def _buttons(fact: Fact) -> tuple[Button, ...]:
    if fact.remedy:
        return (Button(fact.remedy, REMEDIES[fact.remedy]),)
    match fact.ask:
        case ApprovalRequest() as ask if is_read_at_a_glance(ask.wish):
            return Button(Reply.ONCE, "Allow Once"), Button(Reply.REJECT, "Reject")
        case QuestionRequest(questions=(question,)) if not question.multiple and is_read_at_a_glance(question.text):
            labels = [option.label for option in question.options]
            fits = len(labels) <= _MOST_OPTIONS and all(label and len(label) <= _LONGEST_LABEL for label in labels)
            if fits and not any(has_controls(label) for label in labels):
                return tuple(Button(option_key(number), label) for number, label in enumerate(labels))
    return ()


def is_read_at_a_glance(text: str) -> bool:
    """One short line without anything that hides or turns around what it says."""
    return len(text) <= _READ_AT_A_GLANCE and not has_controls(text)


def visible(text: str, limit: int) -> str:
    """At most `limit` characters, none of them a control; lines stay lines."""
    shown = without_controls(text.strip().replace("\t", " "))
    return shown if len(shown) <= limit else f"{shown[: limit - 1].rstrip()}…"
