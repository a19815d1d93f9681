"""Taking secrets out of texts.

`redacted` is for what may leave this machine: a log, a report, the diagnostics. It would rather take too much than too little,
and keeps the shape of a line so that it can still be read. `concealed` is for conversations: it takes out our passwords alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[removed]"
# Shorter ones would take ordinary words with them: out of a log, and out of a conversation.
_SHORTEST = 4
_SHORTEST_IN_WORDS = 8
# The passwords that we make begin like this, so that any text can be searched for them, whoever made it and whenever.
PASSWORD_MARK = "t3tray-pw-"
_VARIABLE = "OPENCODE_SERVER_PASSWORD"
# "opencode:t3tray-pw" in base64, as a request's header begins: 18 bytes, so that what follows does not change these characters.
_HEADER_MARK = "b3BlbmNvZGU6dDN0cmF5LXB3"
_OURS = rf"{PASSWORD_MARK}[\w-]+|{_HEADER_MARK}[\w+/=-]*"
# As `env`, `export -p`, a JSON document and a text within one write it. A reference to another variable is no password.
_ASSIGNED = re.compile(rf"({_VARIABLE}(?:\\*[\"'])?\s*[:=]\s*(?:\\*[\"'])?)(?![$<{{\[])[^\s\"'\\]+")
_CONCEALED = re.compile(_OURS)
_MARKS = tuple(mark.encode() for mark in (_VARIABLE, PASSWORD_MARK, _HEADER_MARK))

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
    (re.compile(_OURS), GONE),
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


def concealed(text: str, known: Iterable[str] = ()) -> str:
    """The text without the passwords of OpenCode's server and of the guard; `known` are such passwords by their value.

    A password whose form is not ours goes by its value when it is long enough to be no word, and where its variable is set.
    """
    for secret in known:
        if len(secret) >= _SHORTEST_IN_WORDS:
            text = text.replace(secret, GONE)
    if _VARIABLE in text:
        text = _ASSIGNED.sub(rf"\1{GONE}", text)
    return _CONCEALED.sub(GONE, text) if PASSWORD_MARK in text or _HEADER_MARK in text else text


def may_hold_password(content: bytes, known: Iterable[bytes] = ()) -> bool:
    """Whether `concealed` could find anything in this text: a quick look, for what is read by the megabyte."""
    return any(mark in content for mark in (*_MARKS, *known))
