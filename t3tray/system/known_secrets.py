"""The secrets whose values this process knows, to remove them from everything that is stored, shown or sent.

OpenCode passes its environment to its agents' shells, so the server's password may occur in any conversation: in OpenCode's
database, and in every copy of it. All code that reads conversations removes it with `conceal`.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import quote

from t3tray.domain.redaction import PASSWORD_MARK, concealed, may_hold_password, redacted
from t3tray.system.environment import SERVER_USER

_known: set[str] = set()
_known_bytes: set[bytes] = set()
_NAMES = re.compile(r"passw(?:or)?d|passphrase|secret|token|credential|(?:^|_)(?:api)?key$|(?:^|_)auth$", re.I)


def cleaned(text: str, *secrets: str) -> str:
    """Return the text without secrets (those of our environment, `secrets`, and text that looks like one) and with a shortened
    home folder."""
    known = {form for secret in (*secrets_of(os.environ), *secrets) if secret for form in forms_of(secret)}
    return redacted(text, str(Path.home()), known | _known)


def new_password() -> str:
    """Return a random password in a form that `concealed` recognises."""
    return f"{PASSWORD_MARK}{token_urlsafe(32)}"


def remember(password: str | None, user: str = SERVER_USER) -> None:
    """Register a password that t3tray did not generate, to be removed from all texts of this process."""
    if password:
        forms = forms_of(password, user)
        # Also as bytes: most data is searched before it is decoded.
        _known.update(forms)
        _known_bytes.update(form.encode() for form in forms)


def conceal(content: str) -> str:
    """Return a conversation's text or JSON document without passwords."""
    return concealed(content, _known)


def conceal_bytes(content: bytes) -> bytes:
    """Return UTF-8 content without passwords; other bytes unchanged."""
    if not may_hold_password(content, _known_bytes):
        return content
    try:
        return concealed(content.decode(), _known).encode()
    except UnicodeDecodeError:
        return content


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of an environment's variables whose names suggest a secret."""
    return tuple(value for name, value in environment.items() if value and _NAMES.search(name))


def forms_of(secret: str, user: str = SERVER_USER) -> tuple[str, ...]:
    """Return the secret itself, its URL encoding, and its Basic authentication for this user."""
    basic = b64encode(f"{user}:{secret}".encode()).decode()
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), basic)))
