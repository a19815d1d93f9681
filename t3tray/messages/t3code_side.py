"""The sentence on T3 Code's next message in a thread: where it goes, and whether it carries the conversation."""

from __future__ import annotations

from datetime import datetime

from t3tray.domain.remedy import Remedy
from t3tray.domain.t3code_side import HAND_OFF_LIMIT, NextCase, NextFacts, NextMessage, Otherwise
from t3tray.domain.times import local
from t3tray.domain.verdict import Kind

# What makes T3 Code let go of all sessions that it holds open, whatever else fails.
HOW_TO_FREE = "Quit T3 Code and start it again"
_NEXT = "In T3 Code your next message"
_UNTOLD = "Where your next message in T3 Code"
_PROTECTED = "T3 Code is protected"
_OR_FAILS = ", or fails with a clear message"
_GUARDED = {
    Kind.RESUMABLE: f"{_NEXT} continues this conversation{_OR_FAILS}: {_PROTECTED}.",
    Kind.BLOCKED: f"{_NEXT} fails with a clear message, and nothing is lost: {_PROTECTED}.",
    Kind.UNKNOWN: (
        f"{_NEXT} continues this conversation or fails with a clear message: {_PROTECTED}, and which of them cannot be told now."
    ),
}
_OTHERWISE = {
    Otherwise.EMPTY: "would start empty",
    Otherwise.SUMMARY: "would get only a summary",
    Otherwise.OTHER_SESSION: "goes to another session",
    Otherwise.REFUSED: "fails with a clear message",
}


# The other cases have functions.
_SENTENCES = {
    NextCase.CONTINUES: f"{_NEXT} continues this conversation.",
    NextCase.BEGINS: f"{_NEXT} begins this conversation.",
    NextCase.UNKNOWN: f"{_UNTOLD} would go cannot be told now.",
    NextCase.GUARD_SILENT: f"{_NEXT} fails: T3 Code is set to go through t3tray's protection, which does not answer.",
    NextCase.MALFORMED: f"{_NEXT} fails: what T3 Code keeps as the thread's session is not the id of one.",
    NextCase.HOLDS_NOTHING: f"{_NEXT} goes to a session that holds nothing of this conversation.",
    NextCase.HOLDS_PART: f"{_NEXT} goes to a session that holds only a part of this conversation.",
    NextCase.KNOWS_PART: (
        f"{_NEXT} goes to a session that knows {{known:,}} of the {{shown:,}} answers shown there, not the earlier ones."
    ),
    NextCase.LACKS: f"{_NEXT} goes to a session that holds only a part of this conversation{{or_fails}} ({{lacks}}).",
    NextCase.AS_HERE: f"{_NEXT} meets the same trouble as here.",
    NextCase.OTHER_SESSION: f"{_NEXT} goes to another session{{counted}}, not to the one that is used here.",
    NextCase.HELD_IN_DOUBT: f"{_UNTOLD} goes cannot be told: it may still hold another session open. {HOW_TO_FREE}.",
    NextCase.HELD_OTHER_GONE: f"{_NEXT} fails: T3 Code still holds a session open that is gone. {HOW_TO_FREE}.",
    NextCase.HELD_OTHER: "T3 Code holds another session open{counted}: your next message there goes into it{later}.",
    NextCase.HELD_GONE: f"{_NEXT} fails with “Session not found”, and after T3 Code was started again it {{otherwise}}.",
    NextCase.NAMED_GONE: f"{_NEXT} {{otherwise}}: the session that T3 Code names no longer exists.",
    NextCase.COPIED_ELSEWHERE: (
        f"{_NEXT} goes to a copy of the session that works in another folder, and T3 Code waits for the reply for ever."
    ),
    NextCase.ANSWERED_ELSEWHERE: f"{_NEXT} is answered in another folder, and T3 Code waits for the reply for ever.",
}


def next_sentence(message: NextMessage) -> str:
    """Return where T3 Code's next message goes, and what a revert that is pending there deletes."""
    text = _sentence(message)
    if not message.facts.reverting:
        return text
    count = message.facts.taken_back
    what = "messages" if count is None else f"{count:,} message{'' if count == 1 else 's'}"
    return f"{text} A revert is pending there: your next message deletes {what} for good."


def _sentence(message: NextMessage) -> str:
    facts = message.facts
    match message.case:
        case NextCase.GUARDED:
            return _GUARDED[message.kind]
        case NextCase.HELD:
            return _held(facts)
        case NextCase.NOTHING_NAMED:
            what = " of this conversation" if facts.otherwise is Otherwise.SUMMARY else ""
            return f"{_NEXT} {_OTHERWISE[facts.otherwise]}{what}: T3 Code knows no session for this thread."
        case NextCase.WHOLE_COPY:
            copy = f"a written copy of the whole conversation ({facts.characters:,} characters)"
            return f"{_NEXT} goes to a new session, with {copy}."
        case NextCase.CUT_COPY:
            return _cut_copy(facts.characters)
        case NextCase.INSTANCE_CHANGED:
            changed = f"the thread was set from “{facts.was_instance}” to “{facts.instance}”"
            if message.kind is Kind.UNKNOWN:
                return f"{_UNTOLD} would go cannot be told: {changed}, and T3 Code may hand over a summary only."
            return f"{_NEXT} would start empty: {changed}."
        case NextCase.STUCK:
            return _stuck(facts.reply_at, Remedy.MOVE_SESSION in message.remedies)
    return _SENTENCES[message.case].format(
        known=facts.known,
        shown=facts.shown,
        lacks=facts.lacks,
        counted=_counted(facts),
        otherwise=_OTHERWISE[facts.otherwise],
        or_fails=_OR_FAILS if facts.guarded else "",
        later=f". {HOW_TO_FREE}, and it goes into this one" if facts.guarded else "",
    )


def _held(facts: NextFacts) -> str:
    goes = f"goes on with only a part of this conversation ({facts.lacks})" if facts.lacks else "continues this conversation"
    return f"{_NEXT} {goes} as long as T3 Code holds its session open. After that it {_OTHERWISE[facts.otherwise]}."


def _cut_copy(characters: int | None) -> str:
    rest = f" of {characters:,}" if characters is not None else ""
    most = "the" if characters is not None else "at most the"
    return f"{_NEXT} would carry only {most} last {HAND_OFF_LIMIT:,}{rest} characters of this conversation, into a new session."


def _stuck(reply_at: datetime | None, moves_first: bool) -> str:
    first = "Move the session first, then quit" if moves_first else "Quit"
    finished = f" at {local(reply_at):%H:%M}" if reply_at is not None else ""
    text = f"T3 Code still waits for a reply that was finished{finished} and can be read here."
    return f"{text} {first} T3 Code and start it again to free the thread."


def _counted(facts: NextFacts) -> str:
    count = facts.messages
    return "" if count is None else f" ({count:,} message{'' if count == 1 else 's'})"
