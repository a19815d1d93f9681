"""Which database OpenCode uses: wrappers, development builds, attached servers of another home, with the real program.

A thread is never called missing, and nothing is done about it, because another file was read.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from t3tray.errors import ServerFault
from t3tray.opencode.binary import version_of
from t3tray.opencode.location import ask_database
from t3tray.store.files import copy_database
from tests.support.opencode import OpenCodeHome, RawServer, opencode_binary, quick_program
from tests.support.program import Program, ServedProgram
from tests.support.stub_model import StubModel
from tests.support.waiting import until

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the wrappers are POSIX scripts"),
    # A ceiling: each story is up to ten programs, one after the other.
    pytest.mark.timeout(900),
]

WORD = "PELICAN"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def wrapper(folder: Path, line: str, program: Path | None = None) -> Path:
    """Create a program called `opencode` that sets something and becomes the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "opencode"
    script.write_text(f'#!/bin/sh\n{line}\nexec {program or opencode_binary()} "$@"\n')
    script.chmod(0o755)
    return script


def with_path(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {**environment, "PATH": os.pathsep.join([str(folder), environment["PATH"]])}


def verdict_of(program: Program, thread: str) -> dict[str, object]:
    (row,) = [each for each in program.json("threads")["threads"] if each["id"] == thread]
    verdict: dict[str, object] = row["verdict"]
    return verdict


async def test_the_program_is_asked_without_a_file_being_made(opencode_home: OpenCodeHome, tmp_path: Path) -> None:
    usual = await ask_database(opencode_binary(), opencode_home.environment, opencode_home.home)
    assert usual == opencode_home.database and not usual.exists()
    named = opencode_home.environment | {"OPENCODE_DB": "mine.db"}
    assert await ask_database(opencode_binary(), named, opencode_home.home) == usual.with_name("mine.db")
    other = wrapper(tmp_path / "a", f"export OPENCODE_DB={tmp_path / 'other.db'}")
    assert await ask_database(other, opencode_home.environment, opencode_home.home) == tmp_path / "other.db"
    moved = wrapper(tmp_path / "b", f"export XDG_DATA_HOME={tmp_path / 'elsewhere'}")
    assert await ask_database(moved, opencode_home.environment, opencode_home.home) == tmp_path / "elsewhere/opencode/opencode.db"
    mute = tmp_path / "c" / "opencode"
    mute.parent.mkdir()
    mute.write_text("#!/bin/sh\nexit 1\n")
    mute.chmod(0o755)
    with pytest.raises(ServerFault):
        await ask_database(mute, opencode_home.environment, opencode_home.home)


async def test_the_quick_program_of_the_tests_answers_as_the_real_one(opencode_home: OpenCodeHome, tmp_path: Path) -> None:
    quick, environment = quick_program(tmp_path / "quick") / "opencode", opencode_home.environment
    assert await version_of(quick, environment) == await version_of(opencode_binary(), environment) != ""
    for named in ({}, {"OPENCODE_DB": str(tmp_path / "mine.db")}):
        answers = [await ask_database(each, environment | named, opencode_home.home) for each in (quick, opencode_binary())]
        assert answers[0] == answers[1]


async def test_a_program_that_is_asked_ends_with_the_question(tmp_path: Path, opencode_home: OpenCodeHome) -> None:
    """Quitting t3tray waits for no program that takes long to answer."""
    slow, written = tmp_path / "slow", tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ > {written}\nexec sleep 600\n")
    slow.chmod(0o755)
    asked = asyncio.create_task(ask_database(slow, opencode_home.environment, opencode_home.home))
    await asyncio.to_thread(until, lambda: written.exists() and written.read_text().strip() != "", "its start")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not psutil.pid_exists(int(written.read_text()))


def test_a_wrapper_that_names_another_database_is_followed(opencode_home: OpenCodeHome, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    wrapper(tmp_path / "bin", f"export OPENCODE_DB={other}")
    program = Program(tmp_path / "data", with_path(opencode_home.environment, tmp_path / "bin"))
    thread = program.json("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")["id"]
    assert other.exists() and not opencode_home.database.exists()
    # No server runs: the list reads the file that the program names.
    assert verdict_of(program, thread)["reason"] == "proved"
    assert program.json("status")["opencode_database"] == str(other)


def test_the_usual_file_is_named_by_doctor_where_a_wrapper_was_used_from_the_first(
    opencode_home: OpenCodeHome, folder: Path, tmp_path: Path
) -> None:
    """No program had been asked before, and t3tray would have read the usual one."""
    plain = Program(tmp_path / "plain", opencode_home.environment)
    plain.run("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")
    wrapper(tmp_path / "bin", f"export OPENCODE_DB={tmp_path / 'other.db'}")
    program = Program(tmp_path / "data", with_path(opencode_home.environment, tmp_path / "bin"))
    program.run("new", "--dir", str(folder), "--prompt", "say: hello")
    (found,) = [found for found in program.json("doctor")["findings"] if found["name"] == "an earlier database"]
    assert found["ok"] and found["detail"] == (
        f"OpenCode used {opencode_home.database} before, and now uses {tmp_path / 'other.db'}: 1 session stays behind there."
    )


def test_a_program_that_begins_to_use_another_database_makes_no_conversation_missing(
    opencode_home: OpenCodeHome, folder: Path, tmp_path: Path
) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    thread = program.json("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")["id"]
    assert verdict_of(program, thread)["reason"] == "proved"
    wrapper(tmp_path / "bin", f"export XDG_DATA_HOME={tmp_path / 'other'}")
    program.environment = Program(program.data, with_path(opencode_home.environment, tmp_path / "bin")).environment
    told = program.json("resume", thread, code=4)["verdict"]
    assert (told["reason"], told["kind"]) == ("other-database", "unknown")
    assert str(opencode_home.database) in told["sentence"]
    verdict = verdict_of(program, thread)
    assert (verdict["kind"], verdict["reason"]) == ("unknown", "other-database")
    (found,) = [found for found in program.json("doctor")["findings"] if found["name"] == "an earlier database"]
    other = tmp_path / "other" / "opencode" / "opencode.db"
    told = f"OpenCode used {opencode_home.database} before, and now uses {other}: 1 session stays behind there"
    assert not found["ok"] and found["detail"].startswith(told) and "and the conversation of “" in found["detail"]
    program.run("server", "start")
    for remedy in ("start-afresh", "carry-transcript"):
        program.run("remedy", thread, remedy, "--yes", code=4)
    program.run("send", thread, "what is the codeword?", code=4)
    program.run("server", "stop")
    program.environment = Program(program.data, opencode_home.environment).environment
    assert verdict_of(program, thread)["reason"] == "proved"
    assert program.run("send", thread, "what is the codeword?").strip() == WORD


def test_a_session_that_the_usual_file_lacks_is_not_missing_while_nobody_vouches_for_the_file(
    opencode_home: OpenCodeHome, folder: Path, tmp_path: Path
) -> None:
    """The thread was created with another database; now there is no program that could say which one counts."""
    program = Program(tmp_path / "data", opencode_home.environment | {"OPENCODE_DB": str(tmp_path / "other.db")})
    thread = program.json("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")["id"]
    empty = opencode_home.environment | {"PATH": "/nowhere"}
    program.environment = Program(program.data, empty).environment
    verdict = verdict_of(program, thread)
    assert (verdict["kind"], verdict["reason"]) == ("unknown", "server-down"), "there is no file at all"
    opencode_home.database.parent.mkdir(parents=True, exist_ok=True)
    copy_database(tmp_path / "other.db", opencode_home.database)
    assert verdict_of(program, thread)["reason"] == "proved"
    _empty(opencode_home.database)
    verdict = verdict_of(program, thread)
    assert (verdict["kind"], verdict["reason"]) == ("unknown", "other-database")
    assert "No OpenCode program was found" in str(verdict["sentence"])
    # With a program that uses this file it is missing in truth.
    program.environment = Program(program.data, opencode_home.environment).environment
    verdict = verdict_of(program, thread)
    assert verdict["reason"] == "other-database" and str(tmp_path / "other.db") in str(verdict["sentence"]), "it is still there"
    (tmp_path / "other.db").unlink()
    assert verdict_of(program, thread)["reason"] == "missing"


def _empty(database: Path) -> None:
    connection = sqlite3.connect(database)
    with connection:
        for table in ("part", "message", "session"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_an_attached_server_of_another_home_makes_the_list_unknown(
    shared_server: RawServer, opencode_home: OpenCodeHome, model: StubModel, folder: Path, tmp_path: Path
) -> None:
    program: Program = ServedProgram(tmp_path / "data", shared_server)
    thread = program.json("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")["id"]
    assert verdict_of(program, thread)["reason"] == "proved"
    elsewhere = OpenCodeHome(tmp_path / "elsewhere", model.url)
    with RawServer(elsewhere) as server:
        with server.http() as http:
            http.post("/session", params={"directory": str(folder)}, json={"title": "theirs"}).raise_for_status()
        attached = {"T3TRAY_SERVER_URL": server.url, "OPENCODE_SERVER_PASSWORD": server.password}
        program = Program(program.data, opencode_home.environment | attached)
        verdict = verdict_of(program, thread)
        assert (verdict["kind"], verdict["reason"]) == ("unknown", "other-database")
        assert f"The server at {server.url} does not use the database at" in str(verdict["sentence"])
    verdict = verdict_of(program, thread)
    assert (verdict["kind"], verdict["reason"]) == ("unknown", "server-down"), "nobody knows where the next message would go"


def test_an_attached_server_that_uses_this_database_vouches_for_it(
    shared_server: RawServer, folder: Path, tmp_path: Path
) -> None:
    program: Program = ServedProgram(tmp_path / "data", shared_server)
    thread = program.json("new", "--dir", str(folder), "--prompt", f"the codeword is {WORD}")["id"]
    gone = program.json("new", "--dir", str(folder), "--prompt", "another")["id"]
    with shared_server.http() as http:
        session = program.json("show", gone)["thread"]["session_id"]
        http.delete(f"/session/{session}").raise_for_status()
    program = Program(program.data, shared_server.environment)
    assert verdict_of(program, thread)["reason"] == "proved"
    assert verdict_of(program, gone)["reason"] == "missing"
