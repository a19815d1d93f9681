"""The soak of faults: random operations by command line and tray under random faults; the design's rules hold after each round.

`make soak` runs T3TRAY_ROUNDS of them, 10,000 by default, and prints its progress; Ctrl+C ends it with a summary. A
world lives for WORLD rounds, and the next one has the next seed. A failure names the seed of its world and the round in it:
T3TRAY_SEED repeats the choices of that world from its first round on.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.soak import SoakWorld
from tests.support.soak_faults import FAULTS, the_clock_is_set
from tests.support.stub_model import StubModel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its faults are signals")
USUAL = 20
WITHOUT_CLOCK = tuple(fault for fault in FAULTS if fault is not the_clock_is_set)
WORLD = 50


@pytest.mark.soak
@pytest.mark.timeout(604_800)
def test_whatever_goes_wrong_the_rules_of_the_design_hold(tmp_path: Path) -> None:
    first, wanted = int(os.environ.get("T3TRAY_SEED") or random.randrange(2**31)), int(os.environ.get("T3TRAY_ROUNDS") or USUAL)
    done, ends, seed, began = 0, Counter[str](), first, time.monotonic()

    def tell() -> None:
        minutes = (time.monotonic() - began) / 60
        print(f"{done:,} of {wanted:,} rounds in {minutes:.1f} min, seeds {first} to {seed}", flush=True)

    print(f"\nT3TRAY_SEED={first}", flush=True)
    try:
        while done < wanted:
            with StubModel() as model, a_world(tmp_path / str(seed), model, seed) as world:
                try:
                    for _ in range(min(WORLD, wanted - done)):
                        world.round(FAULTS if world.clock.is_there else WITHOUT_CLOCK)
                        done += 1
                    world.end()
                except BaseException:
                    print(f"T3TRAY_SEED={seed} T3TRAY_ROUNDS={len(world.done)}: its last rounds", *world.done[-20:], sep="\n  ")
                    raise
                finally:
                    ends += world.ends
            shutil.rmtree(tmp_path / str(seed))
            seed += 1
            tell()
    finally:
        tell()
        print("How they ended:", *(f"{times:5} {end}" for end, times in sorted(ends.items())), sep="\n  ", flush=True)


@contextmanager
def a_world(root: Path, model: StubModel, seed: int) -> Iterator[SoakWorld]:
    root.mkdir()
    with SoakWorld(root, OpenCodeHome(root / "opencode", model.url), model, seed) as world:
        yield world


def test_the_soak_sees_what_it_looks_for(tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel) -> None:
    with SoakWorld(tmp_path / "world", opencode_home, model, 0) as world:
        ours, theirs = world.program.data / "t3tray.sqlite", world.database
        world.program.run("new", "--dir", str(tmp_path))
        world.check()
        (session,) = (str(name) for (name,) in world.theirs("SELECT id FROM session"))
        kept = {path: _copied(path) for path in (ours, theirs)}

        def sees(what: str, wrong: Callable[[], object]) -> None:
            wrong()
            with pytest.raises(AssertionError, match=what):
                world.check()
            for path, copy in kept.items():
                path.write_bytes(copy)
            world.check()

        world.foreign = {session}
        sees("sessions were deleted", partial(_write, theirs, "DELETE FROM session"))
        world.foreign = set()
        mark = '{"t3tray": {"thread": "x", "intent": "y"}}'
        sees("is named by no line", partial(_write, theirs, f"UPDATE session SET metadata = '{mark}', id = 'ses_x'"))
        changes = ("DROP TRIGGER journal_no_update", "UPDATE journal SET session_id = 'ses_other'")
        sees("does more than grow", partial(_write, ours, *changes))
        said = ("say: word-1-1", "OK.", "say: word-2-2")
        with two_servers(tmp_path, opencode_home), pytest.raises(AssertionError, match="more than one server"):
            world.check()
        heard = {"messages": [{"role": "user", "content": text} for text in said]}
        with model.answering(heard), pytest.raises(AssertionError, match="another thread's words"):
            world.check()


@contextmanager
def two_servers(folder: Path, home: OpenCodeHome) -> Iterator[None]:
    """Two servers, judging only by the names of their processes."""
    program = folder / "named" / "opencode"
    program.parent.mkdir()
    program.symlink_to("/bin/sh")
    argv = [str(program), "-c", "read line", "serve"]
    both = [subprocess.Popen(argv, env=home.environment, stdin=subprocess.PIPE) for _ in range(2)]
    try:
        yield
    finally:
        for each in both:
            each.kill()
            each.communicate()


def _copied(path: Path) -> bytes:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def _write(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)
