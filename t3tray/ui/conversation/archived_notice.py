"""What is said above a kept copy: whose it is, of when, and whether the model still knows it. Pure; no PySide6 here."""

from __future__ import annotations

from t3tray.domain.conversation import CopyInfo
from t3tray.domain.times import dated
from t3tray.domain.transcript import Origin
from t3tray.domain.verdict import Reason, Verdict

_WHOSE = {
    Origin.VAULT: "Kept in t3tray's vault",
    Origin.T3CODE: "T3 Code's own copy of this conversation",
    Origin.OPENCODE: "From OpenCode's database",
}
_WITHOUT_SESSION = "Without a session the model knows nothing of it."
_FORGOTTEN = "The model remembers nothing of it."
# For every other reason the session may be there, and hold all of it.
_MEMORY = {
    Reason.MISSING: _FORGOTTEN,
    Reason.EMPTY: _FORGOTTEN,
    Reason.HISTORY_LOST: "The model remembers little or none of it.",
    Reason.UNBOUND: _WITHOUT_SESSION,
    Reason.BAD_CURSOR: _WITHOUT_SESSION,
}
_NOT_KNOWN = "Whether the model still remembers it cannot be said now."


def kept_words(kept: CopyInfo, verdict: Verdict) -> str:
    """In few sentences. `verdict` is why the conversation itself cannot be shown."""
    when = f" on {dated(kept.at, '%b %Y, %H:%M')}" if kept.at else ""
    # A number stays with what it counts.
    count = f"{kept.messages:,}\N{NO-BREAK SPACE}message{'' if kept.messages == 1 else 's'}"
    return " ".join((f"{_WHOSE[kept.origin]}{when} · {count}.", *kept.missing, _MEMORY.get(verdict.reason, _NOT_KNOWN)))
