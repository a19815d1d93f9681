"""The duties of `t3tray run` beside its output: it archives a turn, guards T3 Code, and ends an idle server; by any clock."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from t3tray.store.archive_file import FILE_NAME
from tests.support.forked import Forker
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program
from tests.support.set_clock import SetClock
from tests.support.t3_player import T3Code
from tests.support.t3_world import World, empty_world
from tests.support.waiting import lives, until

pytestmark = [
    pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a screen"),
    pytest.mark.timeout(600),
]
END = 120.0
HOUR = 3600  # s
IDLE = "because nothing had used it for 30 minutes. The next resume starts it again."


class Headless:
    """A machine without a display, with T3 Code and a server of the user's own on which a thread of T3 Code has its session."""

    def __init__(self, folder: Path, home: OpenCodeHome, clock: Mapping[str, str]) -> None:
        home.environment |= clock
        world = empty_world(folder / "world")
        (world.home / "userdata" / "settings.json").write_text("{}")
        self.world = World(world.home, home.database, world.code)
        self.program = Program(folder / "data", home.environment | {"T3CODE_HOME": str(world.home)})
        del self.program.environment["QT_QPA_PLATFORM"]
        (folder / "run").mkdir(mode=0o700)
        self.program.environment["XDG_RUNTIME_DIR"] = str(folder / "run")
        if clock:
            # A library that is loaded before all others is no use to a process that runs already.
            self.program.forker = Forker(self.program.environment)
        self.program.run("settings", "server_with_app", "true")
        self.gate = folder / "quick"
        self.server = RawServer(home)

    def __enter__(self) -> Headless:
        self.server.start()
        self.t3 = T3Code(self.world)
        self.session = self.new_session()
        self.t3.tell("thread", "t1", self.session)
        return self

    def __exit__(self, *_: object) -> None:
        self.t3.quit()
        self.server.kill()
        if self.program.forker:
            self.program.forker.close()

    def new_session(self) -> str:
        """Create a session with a complete turn."""
        with self.server.http() as http:
            made: str = http.post("/session", params={"directory": str(self.world.code / "proj")}, json={}).json()["id"]
        self.say(made, "the codeword is PELICAN")
        return made

    def say(self, session: str, text: str) -> None:
        """Send by the user's own server: a turn without an event for t3tray's server."""
        with self.server.http() as http:
            http.post(f"/session/{session}/message", json={"parts": [{"type": "text", "text": text}]}).raise_for_status()

    def started(self, *words: str) -> subprocess.Popen[str]:
        """Start `t3tray run` with the idle clock that `gate` lets run."""
        command = [sys.executable, "-m", "tests.support.quick_program", str(self.gate), "run", *words]
        return subprocess.Popen(
            command,
            env=self.program.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def looked_at_often(self) -> Iterator[None]:
        """T3 Code writes now and then: by itself t3tray looks once a minute, and a look that an event comes into ends nothing."""
        ended = threading.Event()

        def write() -> None:
            while not ended.wait(1):
                self.t3.tell("idle")

        writing = threading.Thread(target=write)
        writing.start()
        try:
            yield
        finally:
            ended.set()
            writing.join(END)

    def until_kept(self, messages: int) -> None:
        """Wait for that many in the archive. Its file is read: a command for each check would take longer than the copy."""
        file = self.program.data / FILE_NAME

        def are_there() -> bool:
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
                return int(count) == messages
            return False

        until(are_there, f"the copy of {messages} messages")
        assert sum(kept["messages"] for kept in self.program.json("vault", "list")["kept"]) == messages

    def guard(self) -> dict[str, Any]:
        found: dict[str, Any] = self.program.json("guard", "status")["guard"]
        return found


class Told:
    """Its output, as objects or as lines. `passed` is what was read before."""

    def __init__(self, process: subprocess.Popen[str], as_json: bool) -> None:
        assert process.stdout
        self._lines, self._as_json = process.stdout, as_json
        self.passed: list[str] = []

    def until(self, kind: str, words: str = "", **facts: Any) -> dict[str, Any]:
        """Wait for the object of this kind with these facts, or for the line of this kind with this text."""
        for line in self._lines:
            print(line, end="")
            self.passed.append(line)
            if not self._as_json:
                if words in line and kind in line[21:29]:
                    return {}
                continue
            told = json.loads(line)
            if told.get("kind") == kind and facts.items() <= {**told, **told.get(kind, {})}.items():
                return dict(told)
        pytest.fail(f"no {kind} with {facts or words} in {self.passed}")


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    made = SetClock(tmp_path)
    if not made.is_there:
        pytest.skip("a clock is set on Linux, with a C compiler")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path, opencode_home: OpenCodeHome) -> Iterator[Headless]:
    """A machine with the test's clock, where the test has one."""
    clock = request.getfixturevalue("clock").environment if "clock" in request.fixturenames else {}
    with Headless(tmp_path, opencode_home, clock) as made:
        yield made


def test_as_objects_turns_are_kept_t3_code_is_guarded_and_an_idle_server_ends(machine: Headless) -> None:
    program = machine.program
    with machine.started("--json") as process:
        try:
            told = Told(process, True)
            told.until("server", state="ready")
            machine.until_kept(2)
            machine.say(machine.session, "what is the codeword?")
            machine.until_kept(4)

            program.run("guard", "on", "--yes")
            told.until("guard", state="on", threads=1)
            guard = machine.guard()
            assert guard["answers"] and guard["t3code"][0]["state"] == "guarded"

            own = program.json("server", "status")["server"]
            assert own["state"] == "ready" and own["pid"] != machine.server.pid
            machine.gate.touch()
            with machine.looked_at_often():
                assert IDLE in told.until("server", state="stopped")["reaper"]
            assert not lives(own["pid"]) and lives(machine.server.pid)
            assert program.json("show", "t1")["thread"]["verdict"]["reason"] == "proved"
            assert machine.guard()["answers"], "T3 Code may come back at any time"

            process.terminate()
            assert told.until("ended")["by"] == "SIGTERM"
            assert process.wait(END) == 0
            assert not machine.guard()["answers"], "it goes with t3tray"
            assert process.stderr and process.stderr.read() == ""
        finally:
            process.kill()


def test_as_lines_a_clock_that_is_set_ends_no_server_marks_no_thread_and_raises_no_alarm(
    machine: Headless, clock: SetClock
) -> None:
    program = machine.program
    with machine.started() as process:
        try:
            told = Told(process, False)
            told.until("server", "ready · OpenCode")
            machine.until_kept(2)  # what could be proved
            own = program.json("server", "status")["server"]
            for number, seconds in enumerate((HOUR, -HOUR, 0), 2):
                told.passed.clear()
                clock.set(seconds)
                for name in (f"t{number}-a", f"t{number}-b"):
                    # After the second of two scans everything of the first is done: its alarms, proofs, and the reaper.
                    machine.t3.tell("thread", name, machine.new_session())
                    told.until("thread", f"({name}) is new")
                # A server that answers late on a busy machine is no news of the clock's.
                of_it = [line for line in told.passed if line[21:29].strip() == "ALARM" or "(t1)" in line or "stopped ·" in line]
                assert of_it == []
                row = program.json("show", "t1")["thread"]
                assert (row["verdict"]["kind"], row["verdict"]["reason"]) == ("resumable", "proved")
                assert program.json("server", "status")["server"]["pid"] == own["pid"] and lives(own["pid"])

            program.run("guard", "on", "--yes")
            told.until("guard", "T3 Code is protected: ")
            machine.gate.touch()
            with machine.looked_at_often():
                told.until("server", "t3tray stopped its server at 20")
            assert IDLE in told.passed[-1]
            process.terminate()
            told.until("", "t3tray has ended.")
            assert process.wait(END) == 0 and not machine.guard()["answers"]
            assert process.stderr and process.stderr.read() == ""
        finally:
            process.kill()
