"""Commands killed at random moments: wherever they were interrupted, the next command finds a consistent state."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.rounds import rounds

# A whole `new` with the server running takes about this long once all is imported, in seconds; a kill may come anywhere in it, or
# just after.
WHOLE = 0.4


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its commands are forked")


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Program:
    return Program(tmp_path / "data", opencode_home.environment)


@pytest.mark.timeout(3600)
def test_no_random_kill_leaves_two_bindings_a_lost_cursor_or_an_unnamed_orphan(
    program: Program, tmp_path: Path, opencode_home: OpenCodeHome
) -> None:
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    folder = tmp_path / "work"
    folder.mkdir()
    program.run("server", "start")
    try:
        thread = program.json("new", "--dir", str(folder))["id"]
        for _ in range(rounds(100)):
            words = choose.choice([["new", "--dir", str(folder)], ["resume", thread], ["send", thread, "say: yes", "--no-wait"]])
            with program.forked(*words) as command:
                # It is killed if it has not ended by then.
                command.wait(choose.uniform(0, WHOLE))
        assert program.json("resume", thread)["session_id"], f"seed {seed}"
        entries = program.json("journal")["entries"]
        settled = {entry["intent"] for entry in entries if entry["event"] in ("confirmed", "abandoned") and entry["intent"]}
        opened = {entry["intent"] for entry in entries if entry["event"] == "intended"}
        assert opened == settled, f"seed {seed}: {opened ^ settled}"
        bound = [row["session_id"] for row in program.json("threads", "--all")["threads"] if row["session_id"]]
        assert max(Counter(bound).values()) == 1, f"seed {seed}"
        named = {entry["session_id"] for entry in entries if entry["session_id"]}
        assert sessions(opencode_home) <= named, f"seed {seed}: a session that the journal does not name"
        # What else runs on this machine is not ours to answer for.
        findings = [found for found in program.json("doctor")["findings"] if found["name"] != "another opencode serve"]
        assert all(finding["ok"] for finding in findings), f"seed {seed}: {findings}"
    finally:
        program.run("server", "stop")


@pytest.mark.timeout(600)
def test_a_command_killed_while_it_starts_the_server_leaves_no_second_one(program: Program, tmp_path: Path) -> None:
    choose = random.Random(7)
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is CRANE")["id"]
    for _ in range(rounds(8)):
        with program.forked("resume", thread) as command:
            command.wait(choose.uniform(0, 2))
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"
    assert servers_of(program) == []


def sessions(home: OpenCodeHome) -> set[str]:
    connection = sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT id FROM session")}
    finally:
        connection.close()


def servers_of(program: Program) -> list[int]:
    """Return the servers that any command in this scratch home left running."""
    home = program.environment["HOME"]
    found = []
    for process in psutil.process_iter(["pid", "name", "environ"]):
        environment = process.info["environ"] or {}
        if process.info["name"] == "opencode" and environment.get("HOME") == home:
            found.append(process.info["pid"])
    return found
