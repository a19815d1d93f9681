"""Taking secrets out of a text that may leave this machine: a log, a report, the diagnostics.

It would rather take too much than too little, and keeps the shape of a line so that it can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[removed]"
# Shorter ones would take ordinary words with them.
_SHORTEST = 4

_NAME = r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|private|secret|auth)[_-]?key|apikey)"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # The whole of the line: what follows these may be anything.
    (re.compile(r"((?:proxy-)?authorization|(?:set-)?cookie)\b([\"']?\s*[:=,]?\s*)\S.*", re.I), rf"\1\2{GONE}"),
    (re.compile(r"\b(basic|bearer)\s+[\w+/=.~-]{6,}", re.I), rf"\1 {GONE}"),
    # The name and the password that an address carries, even where they were written into it without being encoded.
    (re.compile(r"://[^\s/@]*:[^\s@]*@"), f"://{GONE}@"),
    (re.compile(r"://[^\s/?#]*@"), f"://{GONE}@"),
    (re.compile(rf"({_NAME}[\"']?\s*[:=]\s*)(?:{_QUOTED}|\S+)", re.I), rf"\1{GONE}"),
    (re.compile(rf"(--?{_NAME}\s+)(?:{_QUOTED}|\S+)", re.I), rf"\1{GONE}"),
    # What is a secret by its shape, whatever it is called.
    (re.compile(r"\b(?:sk|pk|rk)-[\w-]{16,}|\bgh[opsur]_\w{20,}|\bgithub_pat_\w{20,}|\bxox[abprs]-[\w-]{10,}"), GONE),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), GONE),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), GONE),
)


def redacted(text: str, home: str = "", known: Iterable[str] = ()) -> str:
    """The text without secrets, `home` shortened to ~. `known` are secrets by their value, whatever stands around them."""
    for secret in sorted((secret for secret in known if len(secret) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, GONE)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    home = home.rstrip("/\\")
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if home else text
