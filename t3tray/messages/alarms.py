"""Sentences on alarms: in full for the page and the command line, and short for notifications."""

from __future__ import annotations

from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents

_CAUSES: dict[Cause, str] = {
    Cause.SESSION_DELETED: "the old session no longer exists in OpenCode",
    Cause.CURSOR_WAS_NULL: "T3 Code had lost track of the old session",
    Cause.MOVED_DIRECTORY: "the thread moved to another folder and T3 Code forked the session",
    Cause.V2_IMPORT: "T3 Code's new version imported the thread without its session",
    Cause.INSTANCE_CHANGED: "the thread was set to another provider there",
    Cause.HELD_OPEN: "T3 Code still held it open",
    Cause.UNKNOWN: "why is not known",
}


# How a notification of a loss begins; the size of the lost session follows.
_LOST: dict[Cause, str] = {
    Cause.SESSION_DELETED: "Its session was deleted in OpenCode",
    Cause.V2_IMPORT: "T3 Code's new version took it over without its session",
    Cause.INSTANCE_CHANGED: "It was set to another provider in T3 Code",
}


_LOST_TRACK = "T3 Code no longer knows its session"


# In characters.
NOTICE_LIMIT = 90


def alarm_sentence(alarm: Alarm) -> str:
    """Return what happened in one sentence. What it means for the next message is said by the verdict and by T3 Code's side."""
    old, new = _contents(alarm.before), _contents(alarm.now)
    match alarm.kind:
        case AlarmKind.CLIFF:
            before, after = alarm.before.input_tokens or 0, alarm.now.input_tokens or 0
            return f"The last turn was sent {after:,} tokens of context, the one before {before:,}, and nothing was compacted."
        case AlarmKind.LOST:
            return f"T3 Code lost this thread's session{f' ({old})' if old else ''}: {_CAUSES[alarm.cause]}."
        case AlarmKind.SWITCHED if alarm.cause is Cause.HELD_OPEN:
            return (
                f"T3 Code sent a message into {alarm.now.session_id}, which it still held open, and not into the session that is "
                f"used here{f' ({old})' if old else ''}: each knows only its own part."
            )
        case AlarmKind.SWITCHED:
            source = f"a session with {old}" if old else "its session"
            target = f"one with {new}" if new else "another one"
            return f"T3 Code switched this thread from {source} to {target}: {_CAUSES[alarm.cause]}."
        case AlarmKind.LEFT:
            return "You chose to leave what is wrong on T3 Code's side of this thread as it is."


def alarm_notice(alarm: Alarm) -> str:
    """Return what happened in at most 90 characters."""
    match alarm.kind:
        case AlarmKind.CLIFF:
            before, after = alarm.before.input_tokens or 0, alarm.now.input_tokens or 0
            return f"The last turn was sent {after:,} tokens of context, the one before {before:,}."
        case AlarmKind.LOST:
            held = _messages(alarm.before)
            return f"{_LOST.get(alarm.cause, _LOST_TRACK)}{f' ({held})' if held else ''}."
        case AlarmKind.SWITCHED if alarm.cause is Cause.HELD_OPEN:
            return "T3 Code sent a message into a session that this thread had left."
        case AlarmKind.SWITCHED:
            old, new = _messages(alarm.before), _messages(alarm.now)
            held = f": {old} before, {new} now" if old and new else ""
            return f"T3 Code goes on in another session{held}."
        case AlarmKind.LEFT:
            return "What is wrong on T3 Code's side was left as it is."


def _messages(holding: SessionContents) -> str:
    return "" if holding.messages is None else f"{holding.messages:,} message{'' if holding.messages == 1 else 's'}"


def _contents(holding: SessionContents) -> str:
    tokens = holding.input_tokens
    # Tokens are counted when the first answer ends.
    tokens_text = f"{tokens:,} token{'' if tokens == 1 else 's'}" if tokens else ""
    return ", ".join(filter(None, (_messages(holding), tokens_text)))
