"""A session that is known to lack part of the conversation is never called the whole of it, until that part was added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.played_t3 import PlayedT3
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.t3_world import World, empty_world

ASK = "what is the codeword?"
# Up to twenty commands, each a process of its own.
pytestmark = pytest.mark.timeout(1_800)


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome) -> World:
    made = empty_world(tmp_path / "world")
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def t3(shared_server: RawServer, world: World) -> Iterator[PlayedT3]:
    """T3 Code on a server of its own."""
    player = PlayedT3(world.state, shared_server.url, shared_server.password)
    yield player
    player.quit()


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, world: World, t3: PlayedT3) -> Iterator[Program]:
    running = Program(tmp_path / "data", {**opencode_home.environment, "T3CODE_HOME": str(world.home)})
    running.run("server", "start")
    yield running
    running.run("server", "stop")


def switched(program: Program, world: World, t3: PlayedT3) -> tuple[str, str]:
    """A thread whose cursor T3 Code lost, and the new session that it uses now, without anything of the old one."""
    thread = t3.thread("Report", world.code / "proj")
    t3.turn(thread, "the codeword is PELICAN")
    for number in range(2):
        t3.turn(thread, f"say: {'filler ' * 120} {number}")
    program.json("resume", thread)
    t3.restart()
    t3.set_cursor(thread, None)
    return thread, t3.turn(thread, "say: not knowing anything")


def shown(program: Program, thread: str) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return the thread's row, T3 Code's next message, and the offered remedies."""
    (row,) = [row for row in program.json("threads", "--all")["threads"] if row["id"] == thread]
    return row, row["t3code"]["next_message"], program.json("show", thread)["offered"]


def test_what_was_left_out_for_length_is_told_and_brought_by_the_next_heal(
    program: Program, world: World, t3: PlayedT3, model: StubModel
) -> None:
    program.run("settings", "carry_characters", "1000")
    thread, new = switched(program, world, t3)
    program.run("remedy", thread, "heal", "--yes")
    row, side, offered = shown(program, thread)
    assert (row["session_id"], row["verdict"]["reason"], row["carries"]["kind"]) == (new, "proved", "part")
    assert "the oldest 5 messages were left out for length" in row["verdict"]["sentence"]
    assert side["reason"] == "partial" and "only a part" in side["sentence"]
    assert offered[0] == "heal" and row["verdict"]["remedies"][0] == "heal"
    assert t3.turn(thread, ASK) == new and "PELICAN" not in model.words_sent(), "as was told"
    assert program.json("resume", thread)["carries"]["kind"] == "part", "a renewal keeps it"
    assert shown(program, thread)[0]["carries"]["kind"] == "part"

    program.run("settings", "carry_characters", "100000")
    program.run("remedy", thread, "heal", "--yes")
    row, side, offered = shown(program, thread)
    assert (row["carries"]["kind"], side["reason"], "heal" in offered) == ("whole", "continues", False)
    assert t3.turn(thread, ASK) == new
    assert model.words_sent().count("the codeword is PELICAN") == 1


def test_a_chosen_session_that_lacks_messages_is_a_part_until_it_is_healed(
    program: Program, world: World, t3: PlayedT3, model: StubModel
) -> None:
    thread, new = switched(program, world, t3)
    program.run("remedy", thread, "bind", "--session", new, "--yes")
    row, side, offered = shown(program, thread)
    assert (row["session_id"], row["verdict"]["reason"], row["carries"]["kind"]) == (new, "proved", "part")
    assert "6 messages of this conversation were left out when this session was chosen on" in row["verdict"]["sentence"]
    assert side["reason"] == "partial" and offered[0] == "heal"
    program.run("remedy", thread, "heal", "--yes")
    row, side, _ = shown(program, thread)
    assert (row["carries"]["kind"], side["reason"]) == ("whole", "continues")
    assert t3.turn(thread, ASK) == new and "PELICAN" in model.words_sent()
