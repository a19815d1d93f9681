"""One thing of the world is broken: every command that only reads still answers, and all other threads keep their verdict.

The same for the tray's loop, for which the thing breaks while it runs. A case is a function that breaks something of thread
`t1`, or something that is no thread's.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.cli import parser
from t3tray.system.power import SleepWatch
from t3tray.threads.snapshot import Snapshot
from tests.support.broken_world import CASES, NO_ARCHIVE, OURS, Break, Machine, other_homes_database_is_garbage, rewrite
from tests.support.forked import Forker, forkable, shared_forker

OTHERS = ("t0", "t2", "ours")
READING = (
    ("status",),
    ("threads",),
    ("threads", "--all"),
    ("show", "t0"),
    ("journal",),
    ("journal", "ours"),
    ("doctor",),
    ("vault", "list"),
    ("vault", "status"),
    ("settings",),
    ("server", "status"),
    ("guard", "status"),
)
LIMIT = 90.0

Patch = pytest.MonkeyPatch


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: Patch) -> Iterator[Machine]:
    made = Machine(tmp_path)
    monkeypatch.setenv("T3CODE_HOME", str(made.world.home))
    monkeypatch.setenv("OPENCODE_DB", str(made.world.opencode))
    # No `opencode` to ask or to start.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    yield made
    for end in made.ends:
        end()


def run(*words: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    code = int(parser.run(parser.parse(words, out, err), out, err))
    return code, out.getvalue() if code == 0 else f"{out.getvalue()}\n{err.getvalue()}"


def verdicts() -> dict[str, tuple[str, str]]:
    code, told = run("threads", "--all", "--json")
    assert code == 0, told
    rows = json.loads(told)["threads"]
    return {row["id"]: (row["verdict"]["kind"], row["verdict"]["reason"]) for row in rows if row["verdict"]}


def test_in_a_world_in_order_every_thread_has_its_verdict(machine: Machine) -> None:
    assert {kind for kind, _ in verdicts().values()} == {"resumable"}
    assert verdicts().keys() == {"t0", "t1", "t2", "s1", *OURS}


@pytest.mark.parametrize("spoil", CASES, ids=lambda case: case.__name__)
def test_every_reading_command_answers_and_the_others_keep_their_verdict(
    machine: Machine, monkeypatch: Patch, spoil: Break
) -> None:
    before = verdicts()
    spoil(machine, monkeypatch)
    for words in (*READING, ("show", "t1")):
        for more in ((), ("--json",)):
            code, told = run(*words, *more)
            if words[0] == "vault" and spoil in NO_ARCHIVE:
                assert code == 4 and "archive.sqlite is not a file" in told
                continue
            assert code == 0, f"{words}: {told}"
            if more:
                json.loads(told)
    now = verdicts()
    assert {name: now.get(name) for name in OTHERS} == {name: before[name] for name in OTHERS}
    assert now.keys() >= {"t1", "mine"}, "a thread that is in trouble is shown"


def test_a_pipe_in_the_place_of_opencodes_database_holds_nobody_and_calls_nothing_missing(machine: Machine) -> None:
    before = verdicts()
    machine.world.opencode.unlink()
    os.mkfifo(machine.world.opencode)
    for words in READING:
        code, told = run(*words, "--json")
        assert code == 0, f"{words}: {told}"
    now = verdicts()
    assert now.keys() == before.keys() and {now[name][0] for name in (*OTHERS, "t1")} == {"unknown"}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a write transaction, as another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@pytest.mark.parametrize("whose", ["ours", "opencode's", "t3 code's"])
def test_reading_goes_on_while_another_program_writes(machine: Machine, whose: str) -> None:
    before = verdicts()
    paths = {"ours": machine.data / "t3tray.sqlite", "opencode's": machine.world.opencode, "t3 code's": machine.world.state}
    assert paths[whose].is_file()
    with locked(paths[whose]):
        for words in READING:
            code, told = run(*words, "--json")
            assert code == 0, f"{words}: {told}"
        assert verdicts() == before


@pytest.mark.parametrize("spoil", CASES, ids=lambda case: case.__name__)
async def test_the_trays_loop_goes_on_and_the_others_keep_their_verdict(
    machine: Machine, monkeypatch: Patch, spoil: Break
) -> None:
    told: asyncio.Queue[Snapshot] = asyncio.Queue()
    slept = 0.0
    monkeypatch.setattr("t3tray.backend.monitor.SleepWatch", partial(SleepWatch, wall=lambda: time.time() + slept))
    backend = await Backend.open(None, "tray")
    running = asyncio.create_task(backend.run(told.put_nowait))
    try:
        before = _kinds(
            await _next(told, running, lambda snapshot: len(snapshot.rows) == 6 and "proved" in str(_kinds(snapshot)))
        )
        spoil(machine, monkeypatch)
        # What no watch reports is found by the next scan.
        slept = 3600.0
        backend.monitor.sleep.check()
        _ = await _next(told, running)
        await backend.rename("ours", "Another name")
        now = await _next(told, running, lambda snapshot: any(row.thread.title == "Another name" for row in snapshot.rows))
        assert {name: _kinds(now).get(name) for name in OTHERS} == {name: before[name] for name in OTHERS}
        assert _kinds(now).keys() >= {"t1", "mine"} and now.stale_since is None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await backend.close()


def _kinds(snapshot: Snapshot) -> dict[str, str]:
    return {row.thread.id: row.verdict.reason.value for row in snapshot.rows}


async def _next(
    told: asyncio.Queue[Snapshot], running: asyncio.Task[None], wanted: Callable[[Snapshot], bool] = lambda snapshot: True
) -> Snapshot:
    async with asyncio.timeout(LIMIT):
        while True:
            assert not running.done(), running
            snapshot = await told.get()
            if wanted(snapshot):
                return snapshot


def test_a_folder_in_another_encoding_is_one_threads_trouble(machine: Machine) -> None:
    before = verdicts()
    folder = machine.world.code / "größe 漢字"
    folder.mkdir()
    rewrite(machine.world.state, "projection_threads", "worktree_path", str(folder))
    ascii_only = {"PYTHONUTF8": "0", "LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    # An interpreter takes its encoding at its start: one that has started so runs them all.
    with closing(Forker(forkable(os.environ) | ascii_only)) as forker:
        for words in (*READING, ("show", "t1"), ("threads",)):
            command = forker.start(*words, "--json")
            out, err = command.communicate()
            assert command.returncode == 0, (words, out, err)
            told = json.loads(out)
    rows = told["threads"]
    now = {row["id"]: (row["verdict"]["kind"], row["verdict"]["reason"]) for row in rows}
    assert {name: now.get(name) for name in OTHERS} == {name: before[name] for name in OTHERS}
    assert now["t1"][0] == "unknown"


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(words))
def test_a_closed_stderr_changes_no_answer(machine: Machine, words: tuple[str, ...]) -> None:
    other_homes_database_is_garbage(machine, pytest.MonkeyPatch())
    command = shared_forker().start(*words, "--json", environment=forkable(os.environ), has_stderr=False)
    out, err = command.communicate()
    assert command.returncode == 0 and not err
    json.loads(out)
