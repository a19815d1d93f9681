"""A server's process: started detached, recognised by its token alone, ended completely."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from t3tray.errors import ServerFailed
from t3tray.server import process as processes
from t3tray.server.port import choose_port, is_free
from t3tray.server.process import AdoptedProcess, ChildProcess, recognise, search, spawn
from t3tray.system.environment import INSTANCE_VARIABLE
from t3tray.system.process_identity import is_running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and groups are POSIX")

LIMIT = 90.0
TOKEN = "feed" * 8
PORT = 4711
WORDS = ("serve", "--port", str(PORT))


@contextmanager
def running(tmp_path: Path, script: str = "sleep 60", token: str = TOKEN) -> Iterator[ChildProcess]:
    """A shell that prints "up" once its script has reached that line, with the arguments and the token of a server."""
    output = tmp_path / "output"
    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        arguments = ["/bin/sh", "-c", script, *WORDS]
        child = spawn(arguments, {"PATH": os.environ["PATH"], INSTANCE_VARIABLE: token}, tmp_path, descriptor)
    finally:
        os.close(descriptor)
    try:
        yield child
    finally:
        child.kill()
        assert child.has_ended(LIMIT)


def wait_for(tmp_path: Path, text: str, child: ChildProcess) -> str:
    """Return its output, once that contains the text."""
    while text not in (said := (tmp_path / "output").read_text()):
        assert not child.has_ended(0.005), said
    return said


def test_it_lives_in_a_session_of_its_own_and_reads_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "read line || echo no input; sleep 60") as child:
        wait_for(tmp_path, "no input", child)
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
        assert child.memory()


def test_its_end_is_told_once_with_the_code(tmp_path: Path) -> None:
    told: queue.Queue[int | None] = queue.Queue()
    with running(tmp_path, "exit 7") as child:
        child.watch(told.put)
        assert told.get(timeout=LIMIT) == 7
        assert child.has_ended(LIMIT) and told.empty()
        assert child.memory() is None


def test_a_polite_end_ends_what_it_started_too(tmp_path: Path) -> None:
    with running(tmp_path, "sleep 61 & echo child $!; wait") as child:
        grandchild = int(wait_for(tmp_path, "\n", child).split()[1])
        child.end()
        assert child.has_ended(0)
        assert not is_running(grandchild, psutil.boot_time()) and not psutil.pid_exists(child.pid)


def test_a_wrapper_that_is_killed_does_not_leave_the_server_behind(tmp_path: Path) -> None:
    with running(tmp_path, "sleep 62 & echo child $!; wait") as child:
        grandchild = psutil.Process(int(wait_for(tmp_path, "\n", child).split()[1]))
        os.kill(child.pid, signal.SIGKILL)
        assert child.has_ended(LIMIT)
        assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_one_that_ignores_the_request_is_ended_after_the_grace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.2)
    told: queue.Queue[int | None] = queue.Queue()
    with running(tmp_path, "trap '' TERM; echo up; while :; do sleep 1; done") as child:
        child.watch(told.put)
        wait_for(tmp_path, "up", child)
        child.end()
        assert told.get(timeout=LIMIT) == -signal.SIGKILL


def test_ending_one_that_is_gone_does_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "exit 0") as child:
        assert child.has_ended(LIMIT)
        child.terminate()
        child.end()


def test_a_program_that_cannot_be_run_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("not a program")
    with pytest.raises(ServerFailed, match="broken cannot be started: Permission denied"):
        spawn([str(tmp_path / "broken")], {}, tmp_path, 2)


def test_ours_is_recognised_by_the_token_and_no_other(tmp_path: Path) -> None:
    # While a program takes another's place, its environment is empty for a moment.
    with running(tmp_path, "echo up; sleep 60; :") as child:
        wait_for(tmp_path, "up", child)
        assert isinstance(recognise(child.pid, child.started, TOKEN, PORT), AdoptedProcess)
        assert recognise(child.pid, child.started + 3600, TOKEN, PORT), "a clock that was set changes nothing"
        assert recognise(child.pid, child.started, "another", PORT) is None
        assert recognise(os.getpid(), child.started, TOKEN, PORT) is None


def test_where_environments_cannot_be_read_start_and_words_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(process: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied(process.pid)

    def hidden(process: psutil.Process) -> dict[str, str]:
        return {}

    # Not the shell's last command: it would replace the shell, and its arguments.
    with running(tmp_path, "sleep 60; :") as child:
        for unreadable in (denied, hidden):
            monkeypatch.setattr(psutil.Process, "environ", unreadable)
            assert recognise(child.pid, 0, TOKEN, PORT, child.start)
            assert recognise(child.pid, child.started, TOKEN, PORT, "boot:1") is None
            assert recognise(child.pid, 0, TOKEN, PORT + 1, child.start) is None
            assert recognise(child.pid, child.started, TOKEN, PORT), "recorded by an older version"
            assert recognise(child.pid, child.started - 60, TOKEN, PORT) is None


def test_one_that_was_never_recorded_is_found_and_not_what_it_started(tmp_path: Path) -> None:
    with running(tmp_path, "sh -c 'sleep 60' serve --port 4711 & echo child $!; wait") as child:
        wait_for(tmp_path, "child", child)
        found = search(TOKEN, PORT)
        assert found and found.pid == child.pid
        assert search(TOKEN, PORT + 1) is None and search("another", PORT) is None


def test_the_end_of_an_adopted_one_is_told(tmp_path: Path) -> None:
    told: queue.Queue[int | None] = queue.Queue()
    # The shell has the words of the server: with one command alone it would become that, and lose them.
    starter = (
        "import subprocess, sys; quiet = subprocess.DEVNULL; "
        "print(subprocess.Popen(['/bin/sh', '-c', 'sleep 60; :', *sys.argv[1:]], stdout=quiet, start_new_session=True).pid)"
    )
    environment = {"PATH": os.environ["PATH"], INSTANCE_VARIABLE: TOKEN}
    started = subprocess.run(
        [sys.executable, "-c", starter, *WORDS], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    adopted = recognise(int(started.stdout), 0, TOKEN, PORT)
    assert adopted
    try:
        adopted.watch(told.put)
        assert told.empty()
    finally:
        adopted.end()
    assert told.get(timeout=LIMIT) is None
    assert recognise(adopted.pid, adopted.started, TOKEN, PORT) is None


def test_a_dead_process_nobody_has_waited_for_is_not_ours_any_more(tmp_path: Path) -> None:
    child = subprocess.Popen(["/bin/sh", "-c", "exit 0", *WORDS], env={INSTANCE_VARIABLE: TOKEN}, start_new_session=True)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert recognise(child.pid, 0, TOKEN, PORT) is None
        assert not is_running(child.pid, psutil.Process(child.pid).create_time())
    finally:
        child.wait()


def test_a_chosen_port_is_free_and_a_taken_one_is_not() -> None:
    port = choose_port()
    assert is_free(port)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        assert not is_free(port)
    assert is_free(port)
