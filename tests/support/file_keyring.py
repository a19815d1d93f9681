"""A keyring in a file of the folder that VARIABLE names. It refuses as a locked one does while a file `locked` is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

VARIABLE = "T3TRAY_TEST_KEYRING"


class Ring(KeyringBackend):
    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._all() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        self._write({name: word for name, word in self._all().items() if name != f"{service}/{username}"})

    def _all(self) -> dict[str, str]:
        if self._place.with_name("locked").exists():
            raise KeyringLocked("Failed to unlock the collection!")
        found: dict[str, str] = json.loads(self._place.read_text()) if self._place.exists() else {}
        return found

    def _write(self, words: dict[str, str]) -> None:
        self._place.write_text(json.dumps(words))

    @property
    def _place(self) -> Path:
        return Path(os.environ[VARIABLE]) / "ring.json"
