"""A keyring that is locked while a server of ours runs: commands that only read work, others report that they need it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.file_keyring import VARIABLE
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program

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


def test_reading_goes_on_while_the_keyring_is_locked(opencode_home: OpenCodeHome, tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.mkdir()
    program = Program(tmp_path / "data", opencode_home.environment)
    program.environment |= {"PYTHON_KEYRING_BACKEND": "tests.support.file_keyring.Ring", VARIABLE: str(ring)}
    (tmp_path / "work").mkdir()
    program.run("server", "start")
    try:
        thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is PELICAN")["id"]
        items = json.loads(ring.joinpath("ring.json").read_text())
        assert [*items] == [f"t3tray/{program.data}"], "the password lies in the keyring, in one item of the data folder"
        ring.joinpath("locked").touch()
        for words in READING:
            filled = [word.format(thread) for word in words]
            program.run(*filled)
            program.json(*filled)
        refused = program.json("send", thread, "what is it?", code=4)
        assert "keyring" in str(refused) and "Unlock it" in str(refused), refused
        assert program.json("show", thread)["thread"]["draft"] == "what is it?", "nothing that was typed is lost"
    finally:
        ring.joinpath("locked").unlink(missing_ok=True)
        program.run("server", "stop")
    assert program.run("send", thread, "what is the codeword?").strip() == "PELICAN"
    assert not (ring / "locked").exists()
