"""Sentences on what the next message carries, and the clauses on what a session lacks of the conversation."""

from __future__ import annotations

from t3tray.domain.carries import Carries, CarriesKind, local_time

# Recognised again in `Cursor.lacks`, which holds the clauses on what a session lacks as text.
_TAKEN_BACK = "a revert took back "


def carried_sentence(carries: Carries) -> str:
    """Return what the next message carries as a sentence; empty where there is nothing particular to say."""
    match carries.kind:
        case CarriesKind.SINCE_COMPACTION:
            older = "" if carries.summary is None else f" ({_messages(carries.summary)})"
            since = "the last compaction" if carries.since_ms is None else local_time(carries.since_ms)
            return f"Your next message carries what was said since {since}, and a summary of what was before{older}."
        case CarriesKind.PART:
            some = "a part" if carries.messages is None else _messages(carries.messages)
            return f"Your next message carries {some}, which is not the whole conversation."
    return ""


def carried_words(carries: Carries) -> str:
    """Return the same in a few words: "14 messages and a summary of 212"."""
    known = None if carries.messages is None else _messages(carries.messages)
    match carries.kind:
        case CarriesKind.WHOLE:
            return f"{known or 'all messages'}, the whole conversation"
        case CarriesKind.SINCE_COMPACTION:
            older = "what was before" if carries.summary is None else f"{carries.summary:,}"
            return f"{known or 'what was said since the compaction'} and a summary of {older}"
        case CarriesKind.PART:
            return f"{known or 'a part'}, not the whole conversation"
        case CarriesKind.NOTHING:
            return "nothing"
    return f"{known}, not known whether that is the whole conversation" if known else "not known"


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def taken_back(count: int | None) -> str:
    """Return the clause on what a session lacks after a revert was made final. `count` is None if not counted."""
    some = "messages" if count is None else f"{count:,} message{'' if count == 1 else 's'}"
    return f"{_TAKEN_BACK}{some}"


def was_reverted(lacks: str) -> bool:
    """Whether a revert removed something: no session contains that any more."""
    return _TAKEN_BACK in lacks


def together(*lacks: str) -> str:
    """Join several clauses on what is lacking."""
    return "; ".join(dict.fromkeys(filter(None, lacks)))
