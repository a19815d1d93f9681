"""Remedies of several processes on the real opencode, and killed remedies: no session in use is ever deleted."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy, RemedyRecord, Repair
from t3tray.store.store import Store
from tests.support.opencode import RawServer
from tests.support.program import Program
from tests.support.remedy_process import acting

TELL, ASK, WORD = "the codeword is PELICAN", "what is the codeword?", "PELICAN"


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest.fixture
def program(tmp_path: Path, server: RawServer) -> Program:
    named = {"T3TRAY_SERVER_URL": server.url, "OPENCODE_SERVER_PASSWORD": server.password}
    return Program(tmp_path / "data", server.home.environment | named)


@pytest.fixture
def thread(program: Program, tmp_path: Path) -> str:
    (tmp_path / "work").mkdir()
    made: str = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", TELL)["id"]
    return made


def sessions(server: RawServer) -> dict[str, dict[str, Any]]:
    with server.http() as http:
        return {each["id"]: each for each in http.get("/experimental/session", params={"limit": 1000}).json()}


def words_in(server: RawServer, session: str) -> str:
    with server.http() as http:
        return http.get(f"/session/{session}/message").text


def bound(program: Program, thread: str) -> str:
    session: str = program.json("show", thread)["thread"]["session_id"]
    return session


def test_of_two_forks_at_once_the_one_that_is_killed_takes_nothing_from_the_other(
    program: Program, server: RawServer, thread: str
) -> None:
    parent = bound(program, thread)
    before = sessions(server)[parent]
    with acting(program, thread, Remedy.FORK, "made") as killed:
        assert killed.finish() == {}
    program.run("remedy", thread, "fork", "--yes")
    fork = bound(program, thread)
    program.run("resume", thread)
    assert len(sessions(server)) == 3 and {parent, fork} <= sessions(server).keys()
    assert sessions(server)[parent] == before, "the parent is as it was, its metadata too"
    assert program.run("send", thread, ASK).strip() == WORD
    (left,) = sessions(server).keys() - {parent, fork}
    lines = [entry for entry in program.json("journal", thread)["entries"] if entry["session_id"] == left]
    assert {entry["event"] for entry in lines} == {"abandoned", "put-away"} and "left as it is" in lines[0]["why"]


def test_words_written_into_a_session_whose_remedy_was_killed_stay(program: Program, server: RawServer, thread: str) -> None:
    first = bound(program, thread)
    with acting(program, thread, Remedy.START_AFRESH, "made") as killed:
        assert killed.finish() == {}
    (left,) = sessions(server).keys() - {first}
    with server.http() as http:
        body = {"parts": [{"type": "text", "text": "the codeword is HERON"}]}
        http.post(f"/session/{left}/message", json=body).raise_for_status()

    assert program.json("resume", thread)["session_id"] == first, "bound as before"
    assert "HERON" in words_in(server, left)
    shown = program.json("show", thread)
    assert left in {each["session_id"] for each in shown["candidates"]}
    assert "bind" in shown["offered"]
    (found,) = (found for found in program.json("doctor")["findings"] if found["name"] == "abandoned session")
    assert left in found["detail"] and thread in found["detail"]
    program.run("remedy", thread, "bind", "--session", left, "--yes")
    assert program.run("send", thread, ASK).strip() == "HERON"
    assert "abandoned session" not in {found["name"] for found in program.json("doctor")["findings"]}


def test_of_four_forks_at_once_one_wins_and_the_others_change_nothing(program: Program, server: RawServer, thread: str) -> None:
    parent = bound(program, thread)
    with ExitStack() as stack:
        four = [stack.enter_context(acting(program, thread, Remedy.FORK, "told")) for _ in range(4)]
        for each in four:
            each.wait_until_agreed()
        for each in four:
            each.go_on()
        told = [each.finish() for each in four]
    (winner,) = (each["session"] for each in told if "session" in each)
    refused = [each for each in told if "error" in each]
    assert len(refused) == 3 and {each["code"] for each in refused} == {6}, refused
    assert bound(program, thread) == winner
    assert sessions(server).keys() == {parent, winner}, "who is refused makes nothing"
    entries = program.json("journal", thread)["entries"]
    assert len([entry for entry in entries if entry["event"] == "superseded"]) == 1
    opened = {entry["intent"] for entry in entries if entry["event"] == "intended"}
    settled = {entry["intent"] for entry in entries if entry["event"] in ("confirmed", "abandoned")}
    assert opened <= settled
    assert program.run("send", thread, ASK).strip() == WORD


def test_a_repair_that_can_not_be_settled_stands_open_and_stops_nothing(
    program: Program, server: RawServer, thread: str, tmp_path: Path
) -> None:
    repair = Repair(str(tmp_path / "gone"), thread, None, "{}", str(tmp_path / "copy.sqlite"))
    deed = RemedyRecord(Remedy.REPAIR, "ses_x", repair=repair)
    now = datetime.now(UTC)
    store = Store.open(program.data, lambda: now)
    store.journal.append(
        Entry(thread, Event.INTENDED, Actor.USER, "T3 Code is to go on", now, intent="x@4194304:1.00", deed=deed)
    )
    store.close()

    assert program.run("send", thread, ASK).strip() == WORD
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"
    other = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is HERON")["id"]
    assert program.run("send", other, ASK).strip() == "HERON"
    program.run("remedy", thread, "fork", "--yes")
    (found,) = (found for found in program.json("doctor")["findings"] if found["name"] == "open intents")
    assert not found["ok"] and thread in found["detail"] and "cannot be settled yet" in found["table"][0]
    assert str(tmp_path / "gone") in found["table"][0]


@pytest.mark.parametrize("remedy", ["start-afresh", "carry-transcript"])
def test_no_remedy_begins_anew_by_the_word_of_another_database(
    program: Program, server: RawServer, thread: str, tmp_path: Path, remedy: str
) -> None:
    first = bound(program, thread)
    # As a wrapper, another HOME or a login item without the shell's variables makes it.
    program.environment["XDG_DATA_HOME"] = str(tmp_path / "elsewhere")
    refused = program.json("remedy", thread, remedy, "--yes", code=6)["error"]
    assert f"{first} is there" in refused["message"] and "nothing needs mending" in refused["message"]
    assert sessions(server).keys() == {first}
    assert program.run("send", thread, ASK).strip() == WORD
    server.stop()
    program.json("remedy", thread, remedy, "--yes", code=4)
    assert "superseded" not in {entry["event"] for entry in program.json("journal", thread)["entries"]}
