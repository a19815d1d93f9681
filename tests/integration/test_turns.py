"""Turns on the real opencode: text is cleared only when it arrived, is never sent twice, and a turn ends with its answer."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.transcript import Prompt
from t3tray.store.store import Store
from tests.support.lossy_proxy import LossyProxy
from tests.support.opencode import OpenCodeHome, RawServer, without_model
from tests.support.program import Program, ServedProgram
from tests.support.set_clock import SetClock
from tests.support.stub_model import StubModel
from tests.support.waiting import until

TELL, ASK, WORD = "the codeword is EGRET", "what is the codeword?", "EGRET"
CEILING = 120.0


class Place:
    """A thread whose session has the codeword, on a server of the user's own."""

    def __init__(self, program: Program, server: RawServer, model: StubModel, home: OpenCodeHome, work: Path) -> None:
        self.program, self.server, self.model, self.home, self.work = program, server, model, home, work
        self.go_by(server.url)
        made = program.json("new", "--dir", str(work), "--prompt", TELL)
        self.thread: str = made["id"]
        self.session: str = made["session_id"]

    def go_by(self, url: str) -> None:
        self.program.environment |= {"T3TRAY_SERVER_URL": url, "OPENCODE_SERVER_PASSWORD": self.server.password}

    def send(self, text: str, code: int = 0) -> dict[str, Any]:
        return self.program.json("send", self.thread, text, code=code)

    @property
    def draft(self) -> str:
        draft: str = self.program.json("show", self.thread)["thread"]["draft"]
        return draft

    def prompt(self, *parts: dict[str, str]) -> None:
        """Send a prompt as another client does."""
        with self.server.http() as http:
            http.post(f"/session/{self.session}/prompt_async", json={"parts": [*parts]}).raise_for_status()

    def texts(self) -> list[str]:
        """Return the texts of the user's messages in the session."""
        with self.server.http() as http:
            messages = http.get(f"/session/{self.session}/message").json()
        return ["".join(p.get("text", "") for p in m["parts"]) for m in messages if m["info"]["role"] == "user"]


@pytest.fixture
def place(tmp_path: Path, shared_server: RawServer, opencode_home: OpenCodeHome, model: StubModel) -> Place:
    (tmp_path / "work").mkdir()
    return Place(Program(tmp_path / "data", opencode_home.environment), shared_server, model, opencode_home, tmp_path / "work")


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process holds a write transaction in OpenCode's database for some time."""
    words = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
    script = f"{words}; print('locked', flush=True); sys.stdin.read()"
    writer = subprocess.Popen([sys.executable, "-c", script, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout and writer.stdout.readline() == b"locked\n"
    try:
        yield
    finally:
        writer.communicate(timeout=CEILING)


def text_part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_a_message_without_any_provider_is_dropped_and_kept(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    (tmp_path / "work").mkdir()
    opencode_home.environment["OPENCODE_CONFIG_CONTENT"] = "{}"
    program = Program(tmp_path / "data", opencode_home.environment)
    told = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", TELL, code=4)
    assert told["error"]["title"] == "The message did not arrive"
    assert told["error"]["message"] == "OpenCode dropped the message: No providers are available."
    assert "kept as the thread's draft" in told["error"]["hint"]
    assert program.json("show", told["thread"])["thread"]["draft"] == TELL
    assert model.chats() == []


def test_a_model_that_is_gone_is_told_and_is_no_empty_reply(place: Place) -> None:
    without_model(place.server, place.work)
    refused = place.send(ASK, code=4)
    assert refused["error"]["title"] == "The message was not answered"
    assert refused["error"]["message"].startswith("OpenCode did not ask the model: Model not found: stub/stub-1")
    assert "The message is in the conversation" in refused["error"]["hint"]
    assert place.texts() == [TELL, ASK]
    assert place.draft == "", "it arrived"


def test_a_message_that_a_locked_database_drops_is_kept(place: Place) -> None:
    began = time.monotonic()
    with locked(place.home.database):
        refused = place.send(ASK, code=4)
        assert refused["error"]["message"] == "OpenCode dropped the message: database is locked."
        assert time.monotonic() - began < CEILING
        no_wait = place.program.json("send", place.thread, ASK, "--no-wait", code=4)
        assert no_wait["error"]["message"] == "OpenCode dropped the message: database is locked."
    assert place.draft == ASK
    assert place.texts() == [TELL]
    assert place.send(ASK)["reply"] == WORD
    assert place.draft == ""
    assert place.texts() == [TELL, ASK]


def test_ctrl_c_keeps_the_text_and_what_arrives_after_it_is_not_sent_again(place: Place) -> None:
    with locked(place.home.database), place.program.started("send", place.thread, ASK) as sending:
        # OpenCode drops it after 25 s: nothing here may take long.
        until(lambda: _handed_over(place), "the message on its way", CEILING)
        assert place.draft == ASK
        sending.send_signal(signal.SIGINT)
        assert sending.wait(CEILING) == 130
        assert place.draft == ASK
    sent = place.send(ASK)
    assert sent["reply"] == WORD
    assert place.draft == ""
    assert place.texts() == [TELL, ASK]
    assert len(place.model.chats()) == 2


def _handed_over(place: Place) -> bool:
    with sqlite3.connect(place.program.data / "t3tray.sqlite") as connection:
        count: int = connection.execute("SELECT count(*) FROM prompts").fetchone()[0]
    connection.close()
    return count > 0


def test_an_answer_that_is_lost_on_its_way_is_looked_up_and_nothing_is_sent_twice(place: Place) -> None:
    with LossyProxy(place.server.port) as proxy:
        place.go_by(proxy.url)
        sent = place.send(ASK)
        assert (sent["reply"], sent["warnings"]) == (WORD, [])
        assert proxy.lost == 1
    place.go_by(place.server.url)
    assert place.draft == ""
    assert place.texts() == [TELL, ASK]
    assert len(place.model.chats()) == 2


def test_an_answer_to_another_client_is_not_taken_for_ours(place: Place) -> None:
    place.prompt(text_part("hold it"))
    place.model.wait_for_chats(2)
    with place.program.forked("send", place.thread, ASK, "--json") as sending:
        until(lambda: ASK in place.texts(), "our message", CEILING)
        place.model.release()
        out, err = sending.communicate(timeout=CEILING)
    assert sending.returncode == 0, err
    assert json.loads(out)["reply"] == WORD


def test_a_message_that_another_one_overtook_is_answered_with_it_and_that_is_said(place: Place) -> None:
    place.prompt(text_part("hold it"))
    place.model.wait_for_chats(2)
    with place.program.forked("send", place.thread, "say: ours", "--json") as sending:
        until(lambda: "say: ours" in place.texts(), "our message", CEILING)
        place.prompt(text_part("say: theirs"))
        place.model.release()
        out, err = sending.communicate(timeout=CEILING)
    assert sending.returncode == 0, err
    told = json.loads(out)
    assert told["reply"] == "theirs"
    assert told["warnings"] == ["Another program sent a message right after this one. OpenCode answered both at once:"]


def test_an_error_about_an_attachment_does_not_end_the_turn(place: Place) -> None:
    with place.program.forked("send", place.thread, "hold it", "--json") as sending:
        place.model.wait_for_chats(2)
        attachment = {"type": "file", "mime": "text/plain", "url": "file:///nowhere/notes.txt", "filename": "notes.txt"}
        place.prompt(text_part("say: and this"), attachment)
        assert sending.poll() is None
        place.model.release()
        out, err = sending.communicate(timeout=CEILING)
    assert sending.returncode == 0, err
    assert (json.loads(out)["reply"], json.loads(out)["warnings"]) == ("I am done.", [])


@pytest.mark.parametrize("seconds", [4, -60])
def test_a_clock_that_is_not_the_servers_has_the_model_asked_once(place: Place, tmp_path: Path, seconds: int) -> None:
    """OpenCode to 1.17 compares the ids of messages, and ours come from t3tray's clock: of another machine than the server's."""
    clock = SetClock(tmp_path)
    if not clock.is_there:
        pytest.skip("a clock is set on Linux, with a C compiler")
    clock.set(seconds)
    place.program.environment |= clock.environment
    asked = len(place.model.chats())
    for number in range(2):
        assert place.send(f"say: {number}")["reply"] == str(number)
    assert len(place.model.chats()) - asked == 2


def test_a_turn_with_a_sub_agent_ends_with_the_answer_to_the_prompt(place: Place) -> None:
    assert place.send("task: say: nothing to see")["reply"] == "Done."


def test_a_turn_that_is_stopped_has_an_exit_code_of_its_own(place: Place) -> None:
    with place.program.started("send", place.thread, "hold it") as sending:
        assert sending.stdout and sending.stdout.read(4) == "I am"
        with place.server.http() as http:
            http.post(f"/session/{place.session}/abort", params={"directory": str(place.work)}).raise_for_status()
        _, err = sending.communicate(timeout=CEILING)
    assert sending.returncode == 7
    assert "The turn was stopped before its end." in err
    assert place.draft == ""


def test_a_turn_that_fails_has_an_exit_code_of_its_own(place: Place) -> None:
    failed = place.send("fail: no credit left", code=7)
    assert failed["error"] == {
        "title": "The turn ended with an error",
        "message": "The model did not answer: no credit left",
        "hint": "The message is in the conversation. Send another one to go on.",
        "code": 7,
    }
    assert place.draft == ""


def test_a_turn_is_followed_through_a_compaction_that_opencode_makes_by_itself(place: Place) -> None:
    sent = place.send("fill: 99000")
    with place.server.http() as http:
        messages = http.get(f"/session/{place.session}/message").json()
    assert any(message["info"].get("summary") is True for message in messages)
    (*_, answered, _, _, _, last) = messages
    assert [m["info"]["role"] for m in messages[-5:]] == ["assistant", "user", "assistant", "user", "assistant"]
    words = ["".join(part.get("text", "") for part in message["parts"]) for message in (answered, last)]
    assert sent["reply"] == "\n\n".join(words), "the summary is no answer, and what the model went on with is one"


def test_without_waiting_a_turn_is_not_cut_off_with_the_commands_own_server(
    tmp_path: Path, shared_server: RawServer, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    (tmp_path / "work").mkdir()
    served, program = ServedProgram(tmp_path / "data", shared_server), Program(tmp_path / "data", opencode_home.environment)
    thread = served.json("new", "--dir", str(tmp_path / "work"), "--prompt", TELL)["id"]
    with program.forked("send", thread, "hold it", "--no-wait", "--json") as sending:
        model.wait_for_chats(2)
        until(lambda: served.json("show", thread)["thread"]["draft"] == "", "the message", CEILING)
        assert sending.poll() is None
        model.release()
        out, err = sending.communicate(timeout=CEILING)
    assert (sending.returncode, json.loads(out)["reply"]) == (0, None), err
    assert "The turn runs in a server that this command has started, so the command waits" in err
    assert served.json("resume", thread)["verdict"]["reason"] == "proved", "not interrupted"


def test_without_waiting_a_command_ends_when_the_message_arrived(place: Place) -> None:
    sent = place.program.json("send", place.thread, "hold it", "--no-wait")
    assert (sent["thread"], sent["session_id"], sent["reply"]) == (place.thread, place.session, None)
    waited_for = {"id", "title", "source", "directory", "created_at", "last_activity_at", "archived_at", "draft"}
    assert sent["id"] == place.thread and set(sent) == {*waited_for, "thread", "session_id", "reply", "warnings"}
    assert place.texts() == [TELL, "hold it"]
    place.model.release()


def test_what_arrived_unseen_is_no_draft_in_what_is_shown(place: Place) -> None:
    """As after a command that was killed between the message's arrival and its own record of it."""
    place.send(ASK)
    with place.server.http() as http:
        arrived = [each["info"]["id"] for each in http.get(f"/session/{place.session}/message").json()][-2]
    now = datetime.now(UTC)
    store = Store.open(place.program.data, lambda: now)
    store.threads.save_draft(place.thread, ASK)
    store.prompts.add(Prompt(arrived, place.thread, place.session, ASK, now), lambda _: False, "")
    store.close()
    assert place.draft == ""
    assert not _handed_over(place)


def test_behind_a_message_from_the_future_nothing_is_sent(place: Place) -> None:
    with sqlite3.connect(place.home.database, timeout=CEILING) as connection:
        later = int((time.time() + 3600) * 1000)
        connection.execute(
            "UPDATE message SET time_created = ?, data = json_set(data, '$.time.created', ?) WHERE session_id = ?",
            (later, later, place.session),
        )
    connection.close()
    refused = place.send(ASK, code=4)
    assert refused["error"]["message"].startswith("The newest message of this session is dated ")
    assert "still to come" in refused["error"]["message"]
    assert place.draft == ASK
    assert place.texts() == [TELL]
