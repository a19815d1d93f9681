"""Remove secrets from texts.

`redacted` is for what may leave this machine (a log, a report, the diagnostics): it removes too much rather than too little, and
keeps the lines readable. `concealed` is for conversations: it removes only our own passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[removed]"
# Shorter secrets would remove ordinary words: in a log, and in a conversation.
_SHORTEST = 4
_SHORTEST_IN_WORDS = 8
# Passwords made by t3tray begin like this, so that any text can be searched for them.
PASSWORD_MARK = "t3tray-pw-"
_VARIABLE = "OPENCODE_SERVER_PASSWORD"
# "opencode:t3tray-pw" in base64, the beginning of a request's header: 18 bytes, so that what follows does not change these
# characters.
_HEADER_MARK = "b3BlbmNvZGU6dDN0cmF5LXB3"
_OURS = rf"{PASSWORD_MARK}[\w-]+|{_HEADER_MARK}[\w+/=-]*"
# As written by `env`, `export -p`, a JSON document, and a text within one. A reference to another variable is no password.
_ASSIGNED = re.compile(rf"({_VARIABLE}(?:\\*[\"'])?\s*[:=]\s*(?:\\*[\"'])?)(?![$<{{\[])[^\s\"'\\]+")
_CONCEALED = re.compile(_OURS)
_MARKS = tuple(mark.encode() for mark in (_VARIABLE, PASSWORD_MARK, _HEADER_MARK))

_NAME = r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|private|secret|auth)[_-]?key|apikey)"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # To the end of the line: anything may follow these names.
    (re.compile(r"((?:proxy-)?authorization|(?:set-)?cookie)\b([\"']?\s*[:=,]?\s*)\S.*", re.I), rf"\1\2{GONE}"),
    (re.compile(r"\b(basic|bearer)\s+[\w+/=.~-]{6,}", re.I), rf"\1 {GONE}"),
    # Name and password in an address, even if they are not percent-encoded.
    (re.compile(r"://[^\s/@]*:[^\s@]*@"), f"://{GONE}@"),
    (re.compile(r"://[^\s/?#]*@"), f"://{GONE}@"),
    (re.compile(rf"({_NAME}[\"']?\s*[:=]\s*)(?:{_QUOTED}|\S+)", re.I), rf"\1{GONE}"),
    (re.compile(rf"(--?{_NAME}\s+)(?:{_QUOTED}|\S+)", re.I), rf"\1{GONE}"),
    # Secrets recognised by their form.
    (re.compile(_OURS), GONE),
    (re.compile(r"\b(?:sk|pk|rk)-[\w-]{16,}|\bgh[opsur]_\w{20,}|\bgithub_pat_\w{20,}|\bxox[abprs]-[\w-]{10,}"), GONE),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), GONE),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), GONE),
)


def redacted(text: str, home: str = "", known: Iterable[str] = ()) -> str:
    """Return the text without secrets, `home` shortened to ~. `known` are secrets by value."""
    for secret in sorted((secret for secret in known if len(secret) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, GONE)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    home = home.rstrip("/\\")
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if home else text


def concealed(text: str, known: Iterable[str] = ()) -> str:
    """Return the text without the passwords of OpenCode's server and of the guard. `known` are such passwords by value.

    A password that t3tray did not make is removed by its value, if it is too long to be a word, and where its variable is set.
    """
    for secret in known:
        if len(secret) >= _SHORTEST_IN_WORDS:
            text = text.replace(secret, GONE)
    if _VARIABLE in text:
        text = _ASSIGNED.sub(rf"\1{GONE}", text)
    return _CONCEALED.sub(GONE, text) if PASSWORD_MARK in text or _HEADER_MARK in text else text


def may_hold_password(content: bytes, known: Iterable[bytes] = ()) -> bool:
    """Whether `concealed` could find anything in this text: a quick check for large inputs."""
    return any(mark in content for mark in (*_MARKS, *known))
