"""The notice above a copy of a conversation: its source and date, and whether the model still knows it. Pure; no PySide6 here."""

from __future__ import annotations

from t3tray.domain.conversation import CopyInfo
from t3tray.domain.times import dated
from t3tray.domain.transcript import Origin
from t3tray.domain.verdict import Reason, Verdict

_SOURCES = {
    Origin.VAULT: "From t3tray's archive",
    Origin.T3CODE: "T3 Code's own copy of this conversation",
    Origin.OPENCODE: "From OpenCode's database",
}
_WITHOUT_SESSION = "Without a session the model knows nothing of it."
_FORGOTTEN = "The model remembers nothing of it."
# For all other reasons the session may exist and hold the whole conversation.
_MEMORY = {
    Reason.MISSING: _FORGOTTEN,
    Reason.EMPTY: _FORGOTTEN,
    Reason.HISTORY_LOST: "The model remembers little or none of it.",
    Reason.UNBOUND: _WITHOUT_SESSION,
    Reason.BAD_CURSOR: _WITHOUT_SESSION,
}
_NOT_KNOWN = "Whether the model still remembers it is unknown."


def archived_notice(copy: CopyInfo, verdict: Verdict) -> str:
    """Return the notice. `verdict` is the reason why the conversation itself cannot be shown."""
    when = f" on {dated(copy.at, '%b %Y, %H:%M')}" if copy.at else ""
    # No line break between a number and what it counts.
    count = f"{copy.messages:,}\N{NO-BREAK SPACE}message{'' if copy.messages == 1 else 's'}"
    return " ".join((f"{_SOURCES[copy.origin]}{when} · {count}.", *copy.missing, _MEMORY.get(verdict.reason, _NOT_KNOWN)))
