"""Which secrets this process knows of by their value, so that they are taken out of every text that may leave the machine."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from t3tray.core.domain.redaction import redacted
from t3tray.core.system.environment import SERVER_USER

_NAMES = re.compile(r"passw(?:or)?d|passphrase|secret|token|credential|(?:^|_)(?:api)?key$|(?:^|_)auth$", re.I)


def cleaned(text: str, *secrets: str) -> str:
    """The text without secrets: those of our environment, these, and what looks like one; the home folder is shortened."""
    known = [form for secret in (*secrets_of(os.environ), *secrets) if secret for form in forms_of(secret)]
    return redacted(text, str(Path.home()), known)


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of an environment whose names say that they are secret."""
    return tuple(value for name, value in environment.items() if value and _NAMES.search(name))


def forms_of(secret: str) -> tuple[str, ...]:
    """As it is, as an address writes it, and as a request's header does for OpenCode's user."""
    basic = b64encode(f"{SERVER_USER}:{secret}".encode()).decode()
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), basic)))
