"""Sentences on what the next message carries, and the clauses on what a session lacks of the conversation."""

from __future__ import annotations

from datetime import datetime

from t3tray.domain.carries import Carries, CarriesKind, local_time

# Recognised again in `Cursor.lacks`, which holds the clauses on what a session lacks as text.
_TAKEN_BACK = "a revert took back "


def carried_sentence(carries: Carries) -> str:
    """Return what the next message carries as a sentence; empty where there is nothing particular to say."""
    match carries.kind:
        case CarriesKind.SINCE_COMPACTION:
            older = "" if carries.summary is None else f" ({counted(carries.summary)})"
            since = "the last compaction" if carries.since_ms is None else local_time(carries.since_ms)
            return f"Your next message carries what was said since {since}, and a summary of what was before{older}."
        case CarriesKind.PART:
            some = "a part" if carries.messages is None else counted(carries.messages)
            return f"Your next message carries {some}, which is not the whole conversation."
    return ""


def carried_words(carries: Carries) -> str:
    """Return the same in a few words: "14 messages and a summary of 212"."""
    known = None if carries.messages is None else counted(carries.messages)
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


def counted(count: int) -> str:
    """Return the number with the word "message" or "messages"."""
    return f"{count:,} message{'' if count == 1 else 's'}"


def taken_back(count: int | None) -> str:
    """Return the clause on what a session lacks after a revert was made final. `count` is None if not counted."""
    return f"{_TAKEN_BACK}{'messages' if count is None else counted(count)}"


def left_out_at_choice(count: int | None, day: datetime) -> str:
    """Return the clause on what a session lacked when the user chose it. `count` of messages is None if unknown."""
    when = f"when this session was chosen on {day:%Y-%m-%d}"
    if count is None:
        return f"how much of this conversation was left out {when} could not be told"
    what = "1 message of this conversation was" if count == 1 else f"{count:,} messages of this conversation were"
    return f"{what} left out {when}"


def turns_lost(count: int) -> str:
    """Return the clause on turns that t3tray sent, whose answers no source has."""
    turns = "1 turn that was sent from t3tray is" if count == 1 else f"{count:,} turns that were sent from t3tray are"
    return f"{turns} not in it"


def was_reverted(lacks: str) -> bool:
    """Whether a revert removed something: no session contains that any more."""
    return _TAKEN_BACK in lacks


def together(*lacks: str) -> str:
    """Join several clauses on what is lacking."""
    return "; ".join(dict.fromkeys(filter(None, lacks)))
