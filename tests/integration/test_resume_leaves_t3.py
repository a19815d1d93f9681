"""A resume that is refused, with the real server started for it: T3 Code's home stays as it is, and no session is made."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.t3_player import T3Code
from tests.support.t3_world import SAMPLE_THREAD, sample_world
from tests.support.unchanged import sessions_in, untouched


@pytest.mark.parametrize("t3_runs", [False, True])
def test_the_samples_thread_is_refused_and_nothing_of_t3_codes_has_changed(
    tmp_path: Path, opencode_home: OpenCodeHome, t3_runs: bool
) -> None:
    world = sample_world(tmp_path / "world")
    opencode_home.database.parent.mkdir(parents=True)
    shutil.copy(world.opencode, opencode_home.database)
    program = Program(tmp_path / "data", opencode_home.environment | {"T3CODE_HOME": str(world.home)})
    before = sessions_in(opencode_home)
    player = T3Code(world) if t3_runs else None
    if player:
        player.tell("idle")
    try:
        with untouched(world.home):
            refused = program.json("resume", SAMPLE_THREAD, code=3)
            shown = program.json("show", SAMPLE_THREAD)
    finally:
        if player:
            player.quit()
    assert refused["verdict"]["reason"] == shown["thread"]["verdict"]["reason"] == "directory-mismatch"
    assert refused["receipt"]["asked"].startswith("OpenCode 1.")
    assert sessions_in(opencode_home) == before
    with closing(sqlite3.connect(opencode_home.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
