"""Which secrets this process knows of by their value, so that they are taken out of what is kept, shown and sent.

OpenCode hands its own environment to the shells that its agents open. So the server's password may stand in any conversation: in
OpenCode's database, and from there in every copy. Whatever reads conversations takes it out, with `conceal`.
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
    """The text without secrets: those of our environment, these, and what looks like one; the home folder is shortened."""
    known = {form for secret in (*secrets_of(os.environ), *secrets) if secret for form in forms_of(secret)}
    return redacted(text, str(Path.home()), known | _known)


def new_password() -> str:
    """A random one, of a form that `concealed` knows again."""
    return f"{PASSWORD_MARK}{token_urlsafe(32)}"


def remember(password: str | None, user: str = SERVER_USER) -> None:
    """From now on this password is taken out of every text of this process: for those that we did not make."""
    if password:
        forms = forms_of(password, user)
        # Bytes beside it, because most of what is read is looked through before it becomes text.
        _known.update(forms)
        _known_bytes.update(form.encode() for form in forms)


def conceal(content: str) -> str:
    """The text, or JSON document, of a conversation without passwords."""
    return concealed(content, _known)


def conceal_bytes(content: bytes) -> bytes:
    """The same for UTF-8; what is none is left as it is."""
    if not may_hold_password(content, _known_bytes):
        return content
    try:
        return concealed(content.decode(), _known).encode()
    except UnicodeDecodeError:
        return content


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of an environment whose names say that they are secret."""
    return tuple(value for name, value in environment.items() if value and _NAMES.search(name))


def forms_of(secret: str, user: str = SERVER_USER) -> tuple[str, ...]:
    """As it is, as an address writes it, and as a request's header does for this user."""
    basic = b64encode(f"{user}:{secret}".encode()).decode()
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), basic)))
