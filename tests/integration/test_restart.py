"""The button Restart of a tray app whose files were updated, with real processes: one quits, the new one takes its place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import t3tray
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.waiting import lives, until

pytestmark = pytest.mark.process

# The app; its user clicks on Restart as soon as the button is there, if he does: the second program has no such user.
CLICKS = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton
from t3tray import app

class Watched(app.Application):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = QTimer()
        self.user.timeout.connect(self.look)
        self.user.start(20)

    def look(self):
        if self.window and self.window.bars.updated.isVisible():
            self.user.stop()
            self.window.bars.updated.findChild(QPushButton).click()

app.Application = Watched
sys.exit(app.run(None))
"""
# What the update adds: the new program writes that it runs.
ADDED = """
import os
with open(os.environ["T3TRAY_TEST_STARTS"], "a") as file:
    file.write(f"{os.getpid()}\\n")
"""


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Iterator[Program]:
    """The program of a copy of the package, which can be updated."""
    installed = tmp_path / "installed"
    package = Path(t3tray.__file__).parent
    shutil.copytree(package, installed / "t3tray", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(package.parent / "resources", installed / "resources")
    made = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "run").mkdir(mode=0o700)
    made.environment |= {
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "PYTHONPATH": str(installed),
        "T3TRAY_TEST_STARTS": str(tmp_path / "starts"),
    }
    yield made
    made.run("server", "stop")
    for pid in started(tmp_path):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def started(folder: Path) -> list[int]:
    starts = folder / "starts"
    return [int(line) for line in starts.read_text().split()] if starts.exists() else []


def lease_holders(program: Program) -> list[int]:
    with closing(sqlite3.connect(f"file:{program.data / 't3tray.sqlite'}?mode=ro", uri=True)) as store:
        return [pid for (pid,) in store.execute("SELECT pid FROM lease_holders")]


def holder(program: Program) -> int:
    with suppress(OSError, ValueError):
        return int(json.loads((program.data / "tray.lock").read_text())["pid"])
    return 0


def test_restart_quits_in_order_and_starts_the_program_of_the_update(program: Program, tmp_path: Path) -> None:
    program.run("server", "start")
    server = program.json("server", "status")["server"]["pid"]
    first = subprocess.Popen([sys.executable, "-c", CLICKS], env=program.environment, cwd=tmp_path, stdin=subprocess.DEVNULL)
    try:
        until(lambda: lease_holders(program) == [first.pid], "the app's first reading, which joins the server")
        module = tmp_path / "installed" / "t3tray" / "__init__.py"
        new = module.with_name("new")
        new.write_text(module.read_text("utf-8") + ADDED, "utf-8")
        new.replace(module)
        assert first.wait(90) == 0
    finally:
        first.kill()
        first.wait()
    until(lambda: holder(program) in started(tmp_path), "the new program takes the lock")
    second = holder(program)
    assert second != first.pid and lives(second)
    # Started to stay, it outlives Restart as it outlives Quit.
    assert lives(server) and program.json("server", "status")["server"]["pid"] == server
    assert os.getsid(second) == second, "it would end with the session of the first"
    os.kill(second, signal.SIGTERM)
    until(lambda: not lives(second), "the new program ends")


# The new program cannot be started, and the user reads that for longer than the app may take to quit.
READS_SLOWLY = """
import sys, time
from t3tray import app
from t3tray.errors import WorldError
from t3tray.system import forced_exit, replaced_program

def start_again(words, environment):
    raise WorldError(" ".join(words))

class Ended:
    is_restarting = True

    def __init__(self, *args, **kwargs):
        pass

    def run(self):
        forced_exit.end_at_last(0.5)
        return 0

    def say_why(self, error):
        time.sleep(1.5)
        print(error.message)
        return 9

replaced_program.start_again = start_again
app.Application = Ended
sys.exit(app.run(sys.argv[1]))
"""


def test_the_new_program_gets_the_same_data_and_a_failure_of_its_start_can_be_read_without_haste(tmp_path: Path) -> None:
    # The usual one, by name: it counts more than the one in the environment.
    data = tmp_path / "share" / "t3tray"
    there = os.environ | {"XDG_DATA_HOME": str(tmp_path / "share"), "T3TRAY_DATA_DIR": str(tmp_path / "other")}
    command = [sys.executable, "-c", READS_SLOWLY, str(data)]
    ended = subprocess.run(command, env=there, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == (f"--data-dir {data}\n", 9)
