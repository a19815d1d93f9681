"""The soak of faults: random operations by command line and tray under random faults; the design's rules hold after each round.

`make soak` takes ten rounds for each of T3TRAY_ROUNDS. A failure names the seed; T3TRAY_SEED repeats its choices.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.rounds import rounds
from tests.support.soak import SoakWorld
from tests.support.stub_model import StubModel


@pytest.mark.timeout(86_400)
@pytest.mark.skipif(sys.platform == "win32", reason="its faults are signals")
def test_whatever_goes_wrong_the_rules_of_the_design_hold(tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel) -> None:
    seed = int(os.environ.get("T3TRAY_SEED") or random.randrange(2**32))
    world = SoakWorld(tmp_path, opencode_home, model, random.Random(seed))
    try:
        world.program.run("server", "start")
        for _ in range(10 * rounds(2)):
            world.round()
        world.end()
    except BaseException:
        print(f"T3TRAY_SEED={seed}", *world.done[-40:], sep="\n")
        raise
    finally:
        world.kill_all()


WRONG = ("a session of others is gone", "an unnamed session", "a changed journal", "two servers", "another's words")


@pytest.mark.parametrize("wrong", WRONG)
def test_the_soak_sees_what_it_looks_for(tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel, wrong: str) -> None:
    world = SoakWorld(tmp_path, opencode_home, model, random.Random(0))
    try:
        world.program.run("new", "--dir", str(tmp_path / "work"))
        world.check()
        (session,) = (str(name) for (name,) in world.theirs("SELECT id FROM session"))
        if wrong == "a session of others is gone":
            world.foreign = {session}
            _write(opencode_home.database, "DELETE FROM session")
        elif wrong == "an unnamed session":
            mark = '{"t3tray": {"thread": "x", "intent": "y"}}'
            _write(opencode_home.database, f"UPDATE session SET metadata = '{mark}', id = 'ses_x'")
        elif wrong == "a changed journal":
            _write(world.program.data / "t3tray.sqlite", "DROP TRIGGER journal_no_update")
            _write(world.program.data / "t3tray.sqlite", "UPDATE journal SET session_id = 'ses_other'")
        elif wrong == "two servers":
            with RawServer(opencode_home), RawServer(opencode_home), pytest.raises(AssertionError):
                world.check()
            return
        else:
            said = ("say: word-1-1", "OK.", "say: word-2-2")
            model.record({"messages": [{"role": "user", "content": text} for text in said]})
        with pytest.raises(AssertionError):
            world.check()
    finally:
        world.kill_all()


def _write(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(statement)
