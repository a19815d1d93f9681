"""A keyring that is locked while a server of ours runs: what only reads goes on, and what needs the password says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program

# A keyring in a file, that refuses as a locked one does while there is a file of this name beside it.
_BACKEND = """
import json, pathlib
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

PLACE = pathlib.Path(__file__).with_name("ring.json")

class Ring(KeyringBackend):
    priority = 5

    def _all(self):
        if PLACE.with_name("locked").exists():
            raise KeyringLocked("Failed to unlock the collection!")
        return json.loads(PLACE.read_text()) if PLACE.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        PLACE.write_text(json.dumps(self._all() | {f"{service}/{username}": password}))

    def delete_password(self, service, username):
        PLACE.write_text(json.dumps({k: v for k, v in self._all().items() if k != f"{service}/{username}"}))
"""
READING = (
    ("status",),
    ("threads",),
    ("show", "{}"),
    ("journal",),
    ("doctor",),
    ("settings",),
    ("vault", "list"),
    ("server", "status"),
    ("guard", "status"),
)


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    folder = tmp_path / "ring"
    folder.mkdir()
    folder.joinpath("ring_of_the_test.py").write_text(_BACKEND)
    return folder


def test_reading_goes_on_while_the_keyring_is_locked(opencode_home: OpenCodeHome, tmp_path: Path, ring: Path) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    program.environment |= {"PYTHON_KEYRING_BACKEND": "ring_of_the_test.Ring", "PYTHONPATH": str(ring)}
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is PELICAN")["id"]
    program.run("server", "start")
    try:
        assert "t3tray/" in ring.joinpath("ring.json").read_text(), "the password lies in the keyring"
        ring.joinpath("locked").touch()
        for words in READING:
            filled = [word.format(thread) for word in words]
            program.run(*filled)
            program.json(*filled)
        refused = program.json("send", thread, "what is it?", code=4)
        assert "keyring" in str(refused) and "Unlock it" in str(refused), refused
        assert program.json("show", thread)["thread"]["draft"] == "what is it?", "nothing that was typed is lost"
    finally:
        ring.joinpath("locked").unlink()
        program.run("server", "stop")
    assert program.run("send", thread, "what is the codeword?").strip() == "PELICAN"
    assert not (ring / "locked").exists()
