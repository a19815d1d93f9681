"""A world for the soak of faults: t3tray's command line and its tray's core on a real OpenCode, and what goes wrong there."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.opencode import OpenCodeHome
from tests.support.program import LIMIT, Program
from tests.support.stub_model import StubModel

# In seconds: a whole command takes about this long, and a fault may come anywhere in it.
WHOLE = 1.2
REMEDIES = ("start-afresh", "fork", "carry-transcript", "undo", "release")
_WORD = re.compile(r"word-(\d+)-(\d+)")


class SoakWorld:
    """`done` is what was done so far, to be told with a failure. Everything that is random comes from `choose`."""

    def __init__(self, root: Path, home: OpenCodeHome, model: StubModel, choose: random.Random) -> None:
        self.program = Program(root / "data", home.environment)
        self.choose = choose
        self.done: list[str] = []
        self.foreign: set[str] = set()
        self._home = home
        self._model = model
        self._folder = root / "work"
        self._folder.mkdir()
        self._tray: subprocess.Popen[str] | None = None
        self._words = 0
        self._numbers: dict[str, int] = {}
        self._kept: dict[str, str] = {}
        self._journal: list[tuple[object, ...]] = []
        self._seen_chats = 0
        self._loose: set[str] = set()
        self._copy: bytes | None = None
        self._was_put_back = False

    def round(self) -> None:
        """One operation, or two at once, under one fault or none; then what must hold whatever happened."""
        if self.choose.random() < 0.2:
            self._take_copy()
        operations = [self._operation() for _ in range(1 + (self.choose.random() < 0.25))]
        # A message that is sent while a remedy is at work in its thread may stay in the session that the thread leaves.
        self._loose = {words[1] for words in operations if words[0] == "remedy"}
        fault = self.choose.choice(FAULTS)
        self.done.append(f"{fault.__name__}: {' & '.join(' '.join(words) for words in operations)}")
        fault(self, operations)
        self._settle_down()
        self.check()

    def check(self) -> None:
        """The design's invariants."""
        cursors = dict(self.ours("SELECT thread_id, session_id FROM cursors"))
        assert len(set(cursors.values())) == len(cursors), "two threads have one session"
        journal = self.ours("SELECT seq, thread_id, event, session_id, intent FROM journal ORDER BY seq")
        if self._was_put_back:
            # Each change of a binding is there, be it with another number; a proof is taken anew.
            lines, before = (Counter(line[1:] for line in each if line[2] != "proven") for each in (journal, self._journal))
            assert lines >= before, f"lines of the journal are lost: {before - lines}"
        else:
            assert journal[: len(self._journal)] == self._journal, "the journal does more than grow"
        self._journal, self._was_put_back = journal, False
        held = dict(self.theirs("SELECT id, coalesce(metadata, '') FROM session"))
        lost = self.foreign - held.keys()
        assert not lost, f"sessions were deleted that hold words of others: {lost}"
        known = {value for _, _, _, session, intent in journal for value in (session, intent) if value}
        for session, metadata in held.items():
            mark = json.loads(metadata).get("t3tray") if metadata else None
            assert mark is None or session in known or mark["intent"] in known, f"{session} is named by no line of the journal"
        self._check_prompts()
        assert len(self.servers()) <= 1, "more than one server runs"

    def _check_prompts(self) -> None:
        """What the model got: each prompt once, with the words of its own thread alone, and with all that was kept of it."""
        chats = self._model.chats()
        for body in chats[self._seen_chats :]:
            texts = [str(message.get("content")) for message in body["messages"] if message["role"] != "system"]
            words = _WORD.findall("\n".join(texts))
            threads = {number for number, _ in words}
            assert len(threads) <= 1, f"a prompt went where another thread's words are: {words}"
            asked = _WORD.findall(texts[-1])
            if asked and (kept := self._kept.get(asked[-1][0])):
                assert kept in "\n".join(texts), f"word-{asked[-1][0]}-{asked[-1][1]} went to a session without {kept}"
        self._seen_chats = len(chats)
        asked_once = [texts for body in chats if "word-" in (texts := str(body["messages"][-1].get("content")))]
        assert len(asked_once) == len(set(asked_once)), "a prompt was sent twice"

    def end(self) -> None:
        """Everything ends in order, and nothing is left running."""
        self._end_tray()
        self.program.run("server", "stop")
        deadline = time.monotonic() + LIMIT
        while self.servers() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.servers() == [], "a server was left behind"
        self.check()

    def kill_all(self) -> None:
        """After a failure: what was started here is ended, found by its scratch home."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.kill()

    def put_store_back(self) -> None:
        """What a person does with a backup, or a disk with a power cut: our file is an older one."""
        self._end_tray()
        path = self.program.data / "t3tray.sqlite"
        if self._copy is not None:
            for suffix in ("-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            path.write_bytes(self._copy)
            self._was_put_back = True

    def _take_copy(self) -> None:
        path = self.program.data / "t3tray.sqlite"
        if path.is_file():
            with (
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(":memory:")) as copy,
            ):
                source.backup(copy)
                self._copy = copy.serialize()

    def servers(self) -> list[int]:
        return [process.pid for process in self._processes() if process.name() == "opencode"]

    def ours(self, query: str) -> list[tuple[object, ...]]:
        return _rows(self.program.data / "t3tray.sqlite", query)

    def theirs(self, query: str) -> list[tuple[object, ...]]:
        return _rows(self._home.database, query)

    def _operation(self) -> list[str]:
        threads = [str(name) for (name,) in self.ours("SELECT id FROM threads ORDER BY created_at")]
        if not threads or self.choose.random() < 0.15:
            return ["new", "--dir", str(self._folder)]
        thread = self.choose.choice(threads)
        kinds = {"send": 6, "remedy": 4, "resume": 2, "read": 2, "foreign": 2, "tray": 2, "server": 1}
        kind = self.choose.choices([*kinds], [*kinds.values()])[0]
        if kind == "send":
            self._words += 1
            number = self._numbers.setdefault(thread, len(self._numbers))
            return ["send", thread, f"say: word-{number}-{self._words}"]
        if kind == "remedy":
            return ["remedy", thread, self.choose.choice(REMEDIES), "--yes"]
        if kind == "foreign":
            return ["foreign"]
        if kind == "tray":
            return ["tray"]
        if kind == "server":
            return ["server", self.choose.choice(["start", "stop", "restart"])]
        reading = (["threads"], ["doctor"], ["show", thread], ["journal"])
        return ["resume", thread] if kind == "resume" else self.choose.choice(reading)

    def start(self, words: list[str], **options: object) -> subprocess.Popen[str] | None:
        """Begin an operation; None where it is done at once. Of a thread with a remedy no words must be kept from then on."""
        number = str(self._numbers.get(words[1])) if len(words) > 1 else ""
        if words[0] == "remedy":
            self._kept.pop(number, None)
        if words == ["foreign"]:
            self._write_as_somebody_else()
            return None
        if words == ["tray"]:
            self._start_tray() if self._tray is None else self._end_tray()
            return None
        if self._tray is not None and words[0] in ("send", "remedy") and self.choose.random() < 0.5:
            self._ask_tray(["send", *words[1:]] if words[0] == "send" else ["remedy", *words[1:3]])
            return None
        return subprocess.Popen(
            self.program.argv(*words),
            env=self.program.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    def finish(self, words: list[str], process: subprocess.Popen[str] | None, was_harmed: bool = False) -> None:
        """Wait for its end. What was not harmed ends with a code of the contract, and never by our own mistake."""
        if process is None:
            return
        out, err = process.communicate(timeout=LIMIT)
        assert "Traceback" not in err, f"{words}: {err}"
        assert was_harmed or process.returncode in (0, 2, 3, 4, 5, 6, 7), f"{words} ended with {process.returncode}: {out}{err}"
        is_answered = words[0] == "send" and process.returncode == 0 and words[2].removeprefix("say: ") in out
        if is_answered and words[1] not in self._loose:
            number = str(self._numbers[words[1]])
            self._kept[number] = words[2].removeprefix("say: ")

    def _write_as_somebody_else(self) -> None:
        """A message that OpenCode's own terminal would write, in any session there is."""
        sessions = sorted(str(name) for (name,) in self.theirs("SELECT id FROM session WHERE parent_id IS NULL"))
        if not sessions:
            return
        session, now = self.choose.choice(sessions), int(time.time() * 1000)
        body = {"role": "user", "time": {"created": now}, "agent": "build", "model": {"providerID": "stub", "modelID": "stub-1"}}
        name = f"{now:x}{self.choose.randrange(16**8):08x}"
        with closing(sqlite3.connect(self._home.database, timeout=LIMIT)) as connection, connection:
            connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (f"msg_{name}", session, now, now, json.dumps(body)))
            part = json.dumps({"type": "text", "text": "words of somebody else"})
            columns = "(id, message_id, session_id, time_created, time_updated, data)"
            values = (f"prt_{name}", f"msg_{name}", session, now, now, part)
            connection.execute(f"INSERT INTO part {columns} VALUES (?, ?, ?, ?, ?, ?)", values)
        self.foreign.add(session)

    def _start_tray(self) -> None:
        self._tray = subprocess.Popen(
            [sys.executable, "-m", "tests.support.tray_core"],
            env=self.program.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def _ask_tray(self, words: list[str]) -> None:
        tray = self._tray
        assert tray is not None and tray.stdin is not None and tray.stdout is not None
        try:
            tray.stdin.write(f"{json.dumps(words)}\n")
            tray.stdin.flush()
            answer = tray.stdout.readline()
        except BrokenPipeError:
            answer = ""
        assert not answer.startswith("BUG"), f"{words}: {answer}"
        if not answer:
            self._tray = None
            tray.communicate()

    def _end_tray(self) -> None:
        tray, self._tray = self._tray, None
        if tray is not None:
            tray.communicate(timeout=LIMIT)

    def kill_tray(self) -> None:
        tray, self._tray = self._tray, None
        if tray is not None:
            tray.kill()
            tray.communicate()

    def _settle_down(self) -> None:
        """Whatever was stopped goes on."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)

    def _processes(self) -> Iterator[psutil.Process]:
        home = self.program.environment["HOME"]
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HOME") == home and process.status() != psutil.STATUS_ZOMBIE:
                    yield process


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=LIMIT)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def _together(world: SoakWorld, operations: list[list[str]], harm: Callable[[subprocess.Popen[str]], None] | None = None) -> None:
    running = [(words, world.start(words)) for words in operations]
    for words, process in running:
        if process is not None and harm is not None:
            harm(process)
        world.finish(words, process, harm is not None)


def nothing_goes_wrong(world: SoakWorld, operations: list[list[str]]) -> None:
    _together(world, operations)


def a_command_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    def kill(process: subprocess.Popen[str]) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(world.choose.uniform(0, WHOLE))
        process.kill()

    _together(world, operations, kill)


def a_command_is_stopped_for_a_while(world: SoakWorld, operations: list[list[str]]) -> None:
    def stop(process: subprocess.Popen[str]) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(world.choose.uniform(0, WHOLE))
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(world.choose.uniform(0, 1))
            process.send_signal(signal.SIGCONT)

    _together(world, operations, stop)


def the_server_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    with _meanwhile(lambda: _signal_servers(world, signal.SIGKILL), world.choose.uniform(0, WHOLE)):
        _together(world, operations)


def the_server_is_stopped_for_a_while(world: SoakWorld, operations: list[list[str]]) -> None:
    def stop() -> None:
        _signal_servers(world, signal.SIGSTOP)
        time.sleep(1)
        _signal_servers(world, signal.SIGCONT)

    with _meanwhile(stop, world.choose.uniform(0, WHOLE)):
        _together(world, operations)


def the_tray_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    world.kill_tray()
    _together(world, operations)


def our_store_is_locked(world: SoakWorld, operations: list[list[str]]) -> None:
    with _meanwhile(lambda: _hold(world.program.data / "t3tray.sqlite", 1.5), 0):
        _together(world, operations)


def opencodes_database_is_locked(world: SoakWorld, operations: list[list[str]]) -> None:
    with _meanwhile(lambda: _hold(world._home.database, 1.5), 0):
        _together(world, operations)


def the_disk_is_full(world: SoakWorld, operations: list[list[str]]) -> None:
    """For one command alone: no file of it may grow beyond a few KB. What it started has the same limit, and is ended with it."""
    size = world.choose.choice([0, 4096, 65_536, 200_000])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    before = set(world.servers())
    words = operations[0]
    world.finish(words, world.start(words, preexec_fn=limit), was_harmed=True)
    for pid in set(world.servers()) - before:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def our_store_is_put_back_from_a_copy(world: SoakWorld, operations: list[list[str]]) -> None:
    world.put_store_back()
    _together(world, operations)
    # An operation that never opened the store has seen nothing of it.
    world.finish(["threads"], world.start(["threads"]))


FAULTS: tuple[Callable[[SoakWorld, list[list[str]]], None], ...] = (
    nothing_goes_wrong,
    a_command_is_killed,
    a_command_is_stopped_for_a_while,
    the_server_is_killed,
    the_server_is_stopped_for_a_while,
    the_tray_is_killed,
    our_store_is_locked,
    opencodes_database_is_locked,
    the_disk_is_full,
    our_store_is_put_back_from_a_copy,
)


@contextmanager
def _meanwhile(work: Callable[[], None], delay: float) -> Iterator[None]:
    timer = threading.Timer(delay, work)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def _signal_servers(world: SoakWorld, number: int) -> None:
    for pid in world.servers():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _hold(path: Path, seconds: float) -> None:
    """Another program is in the middle of writing."""
    if not path.is_file():
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=LIMIT)) as connection, suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
