"""t3tray's own data is restored from a copy, or older than what happened: no thread switches, and later changes are found."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program, ServedProgram
from tests.support.stub_model import StubModel

TELL = "the codeword is PELICAN"
ASK = "what is the codeword?"
NEWER = "the codeword is HERON"
SECOND = "the codeword is STORK"
FILE, RECORD = "t3tray.sqlite", "journal.jsonl"
# A ceiling: each story is some twenty programs, one after the other.
pytestmark = pytest.mark.timeout(900)


class Life:
    """A thread that was copied, then started afresh and continued, and a second one that was created later."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        made = program.json("new", "--dir", str(folder), "--prompt", TELL)
        self.thread: str = made["id"]
        self.first: str = made["session_id"]
        self.copy()
        program.run("remedy", self.thread, "start-afresh", "--yes")
        program.run("send", self.thread, NEWER)
        self.newer = self.session(self.thread)
        assert self.newer != self.first
        made = program.json("new", "--dir", str(folder), "--prompt", SECOND)
        self.second: str = made["id"]
        self.second_session: str = made["session_id"]

    def copy(self) -> None:
        """Make the copy of the day, as a start after the first hour does."""
        for old in self.program.data.glob("backups/*"):
            old.unlink()
        self.program.run("status")
        assert len(list(self.program.data.glob("backups/*.sqlite"))) == 1

    def session(self, thread: str) -> str:
        session: str = self.program.json("show", thread)["thread"]["session_id"]
        return session

    def row(self, thread: str) -> dict[str, Any]:
        rows = {row["id"]: row for row in self.program.json("threads")["threads"]}
        found: dict[str, Any] = rows[thread]
        return found


@pytest.fixture
def program(tmp_path: Path, shared_server: RawServer) -> Program:
    return ServedProgram(tmp_path / "data", shared_server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def zeroed(data: Path) -> None:
    (data / FILE).write_bytes(b"\0" * (data / FILE).stat().st_size)
    for side in ("-wal", "-shm"):
        (data / f"{FILE}{side}").unlink(missing_ok=True)


def zeroed_without_record(data: Path) -> None:
    zeroed(data)
    (data / RECORD).unlink()


def from_a_backup(data: Path) -> None:
    """Restore the whole folder as it was at the copy: the file is sound, and nothing marks it as old."""
    (copy,) = data.glob("backups/*.sqlite")
    shutil.copy(copy, data / FILE)
    for side in ("-wal", "-shm"):
        (data / f"{FILE}{side}").unlink(missing_ok=True)
    (data / RECORD).unlink()


def assert_newer_session_is_used(life: Life, model: StubModel) -> None:
    reply = life.program.run("send", life.thread, ASK).strip()
    assert reply == "HERON" and TELL not in model.words_sent()


def test_a_zeroed_file_comes_back_whole_from_copy_and_record(program: Program, model: StubModel, folder: Path) -> None:
    life = Life(program, folder)
    zeroed(program.data)
    told = program.json("threads")
    assert told["restore"]["complete"] and "was put back" in told["restore"]["sentence"]
    assert (life.session(life.thread), life.session(life.second)) == (life.newer, life.second_session)
    assert program.json("status")["restore"] and any("put back" in warning for warning in program.json("status")["warnings"])
    assert program.json("resume", life.thread)["session_id"] == life.newer
    assert_newer_session_is_used(life, model)
    assert program.run("send", life.second, ASK).strip() == "STORK"
    program.run("doctor", "--settle")
    assert program.json("status")["restore"] is None


def test_a_lost_log_of_the_database_is_seen_and_made_good(program: Program, model: StubModel, folder: Path) -> None:
    life = Life(program, folder)
    (copy,) = program.data.glob("backups/*.sqlite")
    shutil.copy(copy, program.data / FILE)
    told = program.json("threads")["restore"]
    assert told["complete"] and "older" in told["sentence"]
    assert (life.row(life.thread)["session_id"], life.row(life.second)["session_id"]) == (life.newer, life.second_session)
    assert_newer_session_is_used(life, model)


@pytest.mark.parametrize(("how", "asked"), [(zeroed_without_record, "the database"), (from_a_backup, "the server")])
def test_without_the_record_opencode_s_marks_name_what_is_lost(
    program: Program, model: StubModel, folder: Path, shared_server: RawServer, how: Callable[[Path], None], asked: str
) -> None:
    life = Life(program, folder)
    chats = len(model.chats())
    how(program.data)
    if asked == "the server":
        # We must not read the file: only the server can answer.
        apart = Program(program.data, shared_server.environment | {"OPENCODE_DB": str(program.data / "no.db")})
        # It is in no list of ours yet: it is found before it is missed.
        found = apart.json("resume", life.second)
        assert (found["verdict"]["kind"], found["session_id"]) == ("resumable", life.second_session)
        assert_split(apart.json("send", life.thread, ASK, code=3), life)
    else:
        assert program.json("resume", life.second)["session_id"] == life.second_session
        row = life.row(life.thread)
        assert row["verdict"]["reason"] == "split" and {life.first, life.newer} <= set(_sessions(row))
        assert life.row(life.second)["session_id"] == life.second_session
    assert_split(program.json("resume", life.thread, code=3), life)
    refused = program.json("remedy", life.thread, "retry", code=3)
    assert_split(refused, life)
    assert refused["restore"]["complete"] is False, "also when it refuses"
    assert_split(program.json("send", life.thread, ASK, code=3), life)
    assert len(model.chats()) == chats, "a prompt went somewhere"
    assert program.json("status")["restore"]["complete"] is False
    assert [found for found in program.json("doctor")["findings"] if found["name"] == "marks" and life.newer in found["detail"]]
    line = program.json("journal", life.second)["entries"][0]
    assert (line["actor"], line["session_id"]) == ("recovery", life.second_session)
    program.run("doctor", "--settle", code=6)
    program.run("remedy", life.thread, "bind", "--session", life.newer, "--yes")
    assert life.row(life.thread)["verdict"]["kind"] == "resumable"
    assert_newer_session_is_used(life, model)
    program.run("doctor", "--settle")
    assert program.json("status")["restore"] is None


def test_lines_lost_from_the_middle_of_the_record_make_a_split_and_no_older_session_is_sent_into(
    program: Program, model: StubModel, folder: Path
) -> None:
    life = Life(program, folder)
    record, chats = program.data / RECORD, len(model.chats())
    lines = record.read_bytes().splitlines(keepends=True)
    told = [(json.loads(line)["entry"]["thread_id"], json.loads(line)["entry"]["event"]) for line in lines]
    end = [at for at, (thread, _) in enumerate(told) if thread == life.thread][-2:]
    assert [told[at][1] for at in end] == ["superseded", "confirmed"] and told[end[0] - 1] == (life.thread, "intended")
    record.write_bytes(b"".join(line for at, line in enumerate(lines) if at not in end))
    zeroed(program.data)
    row = life.row(life.thread)
    assert row["verdict"]["reason"] == "split" and {life.first, life.newer} <= set(_sessions(row))
    assert_split(program.json("send", life.thread, ASK, code=3), life)
    assert_split(program.json("resume", life.thread, code=3), life)
    assert len(model.chats()) == chats, "a prompt went somewhere"
    # By now recovery has settled what was open, and it changed nothing.
    (settled,) = (entry for entry in program.json("journal", life.thread)["entries"] if entry["event"] == "abandoned")
    assert life.newer in settled["why"] and "for the user to choose" in settled["why"]
    assert life.row(life.thread)["verdict"]["reason"] == "split"
    assert program.json("resume", life.second)["session_id"] == life.second_session
    program.run("remedy", life.thread, "bind", "--session", life.newer, "--yes")
    assert_newer_session_is_used(life, model)
    program.run("doctor", "--settle")
    assert program.json("status")["restore"] is None


def test_with_nothing_newer_a_binding_from_a_copy_is_unproven_until_it_was_verified(
    program: Program, model: StubModel, folder: Path
) -> None:
    thread = program.json("new", "--dir", str(folder), "--prompt", TELL)["id"]
    program.run("status")
    assert list(program.data.glob("backups/*.sqlite"))
    for old in program.data.glob("backups/*"):
        old.unlink()
    program.run("status")
    zeroed_without_record(program.data)
    (row,) = program.json("threads")["threads"]
    assert row["verdict"]["reason"] == "unproven" and "its binding is of" in row["verdict"]["sentence"]
    first = program.json("remedy", thread, "retry")
    assert first["verdict"]["reason"] == "unproven" and first["restore"] == program.json("status")["restore"]
    assert first["t3code"] is None and first["thread"] == thread
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"
    assert program.run("send", thread, ASK).strip() == "PELICAN"


def test_a_fork_that_copied_a_known_mark_is_no_lost_binding(
    program: Program, folder: Path, opencode_home: OpenCodeHome, shared_server: RawServer
) -> None:
    session = program.json("new", "--dir", str(folder), "--prompt", TELL)["session_id"]
    with shared_server.http() as http:
        http.post(f"/session/{session}/fork", json={}).raise_for_status()
    with closing(sqlite3.connect(opencode_home.database)) as connection:
        marked = connection.execute("SELECT count(*) FROM session WHERE instr(metadata, '\"t3tray\"')").fetchone()[0]
    assert marked == 2, "OpenCode's forks no longer copy metadata"
    (row,) = program.json("threads")["threads"]
    assert (row["session_id"], row["verdict"]["reason"]) == (session, "proved")


def test_another_data_folder_s_sessions_are_not_ours(program: Program, folder: Path, tmp_path: Path) -> None:
    thread = program.json("new", "--dir", str(folder), "--prompt", TELL)["id"]
    other = Program(tmp_path / "other", program.environment)
    assert other.json("threads")["threads"] == [] and other.json("threads")["restore"] is None
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"


def assert_split(document: dict[str, Any], life: Life) -> None:
    verdict = document["verdict"]
    assert verdict["reason"] == "split" and life.first in verdict["sentence"] and life.newer in verdict["sentence"]
    assert "bind" in verdict["remedies"]


def _sessions(row: dict[str, Any]) -> list[str]:
    return [word.strip("().,") for word in row["verdict"]["sentence"].split()]
