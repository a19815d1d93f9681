"""The demo as a user starts it: the threads of its table, the switch, and no trace of it elsewhere or afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from t3tray.demo.backend import SWITCH_VARIABLE
from t3tray.demo.scratch import OWNER_VARIABLE, Scratch
from t3tray.demo.table import THREADS, Fate, thread_of
from t3tray.system.process_identity import start_id
from tests.support.opencode import SHORT_LIVED, opencode_binary
from tests.support.waiting import lives, until

BUILT = 90.0
NEVER = "100000"


class Machine:
    """A user's home with files that the demo must not change."""

    def __init__(self, root: Path) -> None:
        self.home, self.temporary, self._runtime = root / "home", root / "tmp", root / "run"
        for folder in (self.home / ".t3" / "userdata", self.home / ".local" / "share" / "opencode", self.temporary):
            folder.mkdir(parents=True)
        self._runtime.mkdir(mode=0o700)
        for name in (".t3/userdata/state.sqlite", ".local/share/opencode/opencode.db", ".gitconfig"):
            (self.home / name).write_text("the user's own")
        self.environment = {
            "PATH": os.pathsep.join([str(opencode_binary().parent), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_RUNTIME_DIR": str(self._runtime),
            "QT_QPA_PLATFORM": "offscreen",
            SWITCH_VARIABLE: NEVER,
            **SHORT_LIVED,
        }

    def tree(self) -> dict[str, tuple[int, str]]:
        files = [path for folder in (self.home, self._runtime) for path in folder.rglob("*")]
        return {str(path): (path.stat().st_mtime_ns, _content(path)) for path in files}

    def leftovers(self) -> list[str]:
        return [path.name for path in self.temporary.iterdir()]

    @contextmanager
    def demo(self, **more: str) -> Iterator[Demo]:
        """Start a demo; it is killed at the end if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", "t3tray", "--demo"],
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        demo = Demo(process, self.temporary / "t3tray-demo")
        try:
            yield demo
        finally:
            process.kill()
            # What it started may hold its output open.
            for left in demo.processes():
                left.kill()
            process.communicate(timeout=90)


class Demo:
    def __init__(self, process: subprocess.Popen[str], root: Path) -> None:
        self.process = process
        self.root = root
        self._owner = f"{process.pid} {start_id(process.pid)}"

    def wait_until_built(self) -> None:
        assert self.process.stdout
        said = self.process.stdout.readline(), self.process.stdout.readline()
        assert said[1].split() == ["The", "command", "line", "on", "it:", str(self.root / "t3tray"), "threads"], said

    def json(self, *words: str) -> dict[str, Any]:
        """Return the document that a command prints in this world."""
        done = subprocess.run([self.root / "t3tray", *words, "--json"], capture_output=True, text=True, timeout=BUILT)
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def processes(self) -> list[psutil.Process]:
        """Return all processes of this world, without the demo itself."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(OWNER_VARIABLE) == self._owner:
                    found.append(process)
        return found

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(90)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.timeout(240)
def test_every_thread_is_as_the_table_promises_and_nothing_is_left_of_it(machine: Machine) -> None:
    before = machine.tree()
    with machine.demo() as demo:
        demo.wait_until_built()
        document = demo.json("threads", "--all")
        shown = {row["title"]: (row.get("verdict") or {}).get("reason") for row in document["threads"]}
        promised = {thread.title: thread.verdict for thread in THREADS if thread.verdict}
        assert {title: shown[title] for title in promised} == promised
        assert machine.leftovers() == ["t3tray-demo"]

        goes_on = demo.json("send", thread_of(Fate.KEPT).id, "Where were we?")
        assert "it began with “The expression parser" in goes_on["reply"]
        server, running = demo.json("server", "status")["server"]["pid"], demo.processes()
        assert server in [process.pid for process in running]
        assert not (demo.root / ".npm").exists(), "nothing was fetched from the network"

        assert demo.end() == 0
        assert not any(lives(process.pid) for process in running)
        assert machine.leftovers() == []
        assert machine.tree() == before


@pytest.mark.timeout(240)
def test_a_switch_raises_the_alarm_and_a_killed_demo_is_cleared_away_by_the_next(machine: Machine) -> None:
    with machine.demo(**{SWITCH_VARIABLE: "0.1"}) as demo:
        demo.wait_until_built()
        thread = thread_of(Fate.SWITCHES)
        until(lambda: bool(demo.json("show", thread.id)["alarms"]), "the alarm", 30)
        shown = demo.json("show", thread.id)
        assert [alarm["kind"] for alarm in shown["alarms"]] == ["switched"]
        assert shown["thread"]["verdict"]["reason"] == "conflict"
        running = demo.processes()
        demo.end(signal.SIGKILL)
        assert any(lives(process.pid) for process in running), "a server outlives whoever started it"

        with machine.demo() as following:
            until(lambda: not any(lives(process.pid) for process in running), "the end of what the killed one left", 30)
            until(lambda: machine.leftovers() == ["t3tray-demo"], "a world of its own")
            until(lambda: bool(following.processes()), "something to end", 30)
            running = following.processes()
            assert following.end(signal.SIGINT) == 0
            assert not any(lives(process.pid) for process in running)
            assert machine.leftovers() == []


@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a screen")
def test_without_a_display_it_tells_its_story_and_the_remedy_that_it_names_ends_the_alarm(machine: Machine) -> None:
    del machine.environment["QT_QPA_PLATFORM"]
    with machine.demo(**{SWITCH_VARIABLE: "0.1"}) as demo:
        assert demo.process.stdout
        lines = iter(demo.process.stdout)
        title = thread_of(Fate.SWITCHES).title
        assert f"{demo.root / 't3tray'} threads" in next(line for line in lines if "The command line on it:" in line)
        assert title in next(line for line in lines if "T3 Code silently sends the next message" in line)
        told = next(line for line in lines if "  ALARM  " in line)
        assert title in told
        words = told.rstrip().partition("Type: ")[2]
        assert words == f"{demo.root / 't3tray'} remedy {thread_of(Fate.SWITCHES).id[:8]} heal"
        # Beside it, in another shell, where nothing is known of the demo.
        shell = {"PATH": "/usr/bin:/bin", "HOME": str(machine.home)}
        until(
            lambda: demo.json("show", thread_of(Fate.SWITCHES).id)["thread"]["t3code"]["working"] is False,
            "the turn's end",
            BUILT,
        )
        done = subprocess.run([*words.split(), "--yes"], env=shell, capture_output=True, text=True, timeout=BUILT)
        assert done.returncode == 0, done
        rest = []
        for line in lines:
            rest.append(line)
            if "this alarm is over" in line:
                break
        assert title in rest[-1]
        # A line reports only a change: the verdict may be seen again before the list had another one.
        assert demo.json("show", thread_of(Fate.SWITCHES).id)["thread"]["verdict"]["reason"] == "proved"
        running = demo.processes()
        assert demo.end() == 0
        assert not any(lives(process.pid) for process in running)
        assert machine.leftovers() == []


def test_without_an_opencode_it_says_how_to_get_one(machine: Machine) -> None:
    folders = [folder for folder in ("/usr/bin", "/bin") if not (Path(folder) / "opencode").exists()]
    with machine.demo(PATH=os.pathsep.join(folders), SHELL="/bin/false") as demo:
        assert demo.process.stderr
        said = ""
        while "npm install -g opencode-ai" not in said:
            line = demo.process.stderr.readline()
            assert line, said
            said += line
        assert demo.end() == 0
    assert machine.leftovers() == []


@pytest.mark.skipif(os.name == "nt", reason="a script of another kind")
def test_its_command_is_t3tray_in_this_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch = Scratch.make()
    environment = scratch.environment(os.environ)
    scratch.write_command(environment, os.environ)
    done = subprocess.run([scratch.command, "status", "--json"], capture_output=True, text=True, check=True)
    assert str(scratch.data) in done.stdout
    assert environment[OWNER_VARIABLE] in scratch.command.read_text()
