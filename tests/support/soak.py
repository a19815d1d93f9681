"""The world of the soak test: t3tray's command line and its tray's core on a real OpenCode, and the invariants of it.

The faults are in `soak_faults`.
"""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psutil

from tests.support.forked import LIMIT, Command, Forker
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.set_clock import SetClock
from tests.support.stub_model import StubModel

# These create the session in which the conversation continues. Choosing another one leaves messages behind, as its preview says.
CONTINUES = ("fork", "carry-transcript")
REMEDIES = (*CONTINUES, "start-afresh", "undo", "release")
Fault = Callable[["SoakWorld", list[list[str]]], None]
_WORD = re.compile(r"word-(\d+)-(\d+)")
# The exit codes that the contract allows for a command that was not harmed.
_CODES = (0, 2, 3, 4, 5, 6, 7)


class SoakWorld:
    """The world. `done` is what was done so far, for failure messages; `ends` counts how each operation ended. The choices of a
    round depend only on the seed and its number. A context manager; none of its processes runs any more at its end."""

    def __init__(self, root: Path, home: OpenCodeHome, model: StubModel, seed: int) -> None:
        root.mkdir(exist_ok=True)
        self.clock = SetClock(root)
        self.program = Program(root / "data", home.environment | self.clock.environment)
        self.database = home.database
        self.choose = random.Random(seed)
        self.done: list[str] = []
        self.ends: Counter[str] = Counter()
        self.foreign: set[str] = set()
        self._seed = seed
        self._home = home
        self._model = model
        self._folder = root / "work"
        self._folder.mkdir()
        self._forker = Forker(self.program.environment)
        self._tray: Command | None = None
        self._words = 0
        self._numbers: dict[str, int] = {}
        self._kept: dict[str, str] = {}
        self._answered: dict[str, str] = {}
        self._left: set[str] = set()
        self._journal: list[tuple[object, ...]] = []
        self._seen_chats = 0
        self._copy: bytes | None = None
        self._was_put_back = False

    def __enter__(self) -> SoakWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self._home.end_everything()
        self._forker.close()

    def round(self, faults: Sequence[Fault]) -> None:
        """Run one operation, or two at once, under one of the faults; then check the invariants."""
        self.choose = random.Random(f"{self._seed} {len(self.done)}")
        if self.choose.random() < 0.2:
            self._take_copy()
        if self.choose.random() < 0.8 and not self.held_servers():
            # Otherwise each command starts a server of its own, which is another case, and a slow one.
            self.finish(["server", "start"], self.start(["server", "start"]))
        operations = [self._operation() for _ in range(1 + (self.choose.random() < 0.25))]
        fault = self.choose.choice(faults)
        self.done.append(f"{fault.__name__}: {' & '.join(' '.join(words) for words in operations)}")
        self._answered, self._left, began = {}, set(), time.monotonic()
        fault(self, operations)
        self.done[-1] += f" ({time.monotonic() - began:.1f} s)"
        self._settle_down()
        self.check()

    def check(self) -> None:
        """Check the invariants of the design."""
        cursors = {str(thread): str(session) for thread, session in self.ours("SELECT thread_id, session_id FROM cursors")}
        assert len(set(cursors.values())) == len(cursors), "two threads have one session"
        journal = self.ours("SELECT seq, thread_id, event, session_id, intent FROM journal ORDER BY seq")
        if self._was_put_back:
            # Each change of a binding is there, possibly with another number; a proof is taken again.
            lines, before = (Counter(line[1:] for line in each if line[2] != "proven") for each in (journal, self._journal))
            assert lines >= before, f"lines of the journal are lost: {before - lines}"
        else:
            assert journal[: len(self._journal)] == self._journal, "the journal does more than grow"
        self._journal, self._was_put_back = journal, False
        held = {str(name): metadata for name, metadata in self.theirs("SELECT id, coalesce(metadata, '') FROM session")}
        lost = self.foreign - held.keys()
        assert not lost, f"sessions were deleted that hold words of others: {lost}"
        known = {value for _, _, _, session, intent in journal for value in (session, intent) if value}
        for session, metadata in held.items():
            mark = json.loads(str(metadata)).get("t3tray") if metadata else None
            assert mark is None or session in known or mark["intent"] in known, f"{session} is named by no line of the journal"
        for thread in self._left:
            self._kept.pop(thread, None)
        self._check_prompts()
        self._kept |= {thread: word for thread, word in self._answered.items() if thread not in self._left}
        for thread, word in self._kept.items():
            assert thread in cursors, f"{thread} has no session any more"
            text = "SELECT data FROM part WHERE session_id = ? AND instr(data, ?)"
            assert self.theirs(text, cursors[thread], word), (
                f"{thread} was answered {word}, which {cursors[thread]} does not hold"
            )
        assert len(self.servers()) <= 1, "more than one server runs"

    def _check_prompts(self) -> None:
        """Check what the model got: each prompt once, with messages of its own thread only, and with all that is stored of it."""
        chats, threads = self._model.chats(), {number: thread for thread, number in self._numbers.items()}
        for body in chats[self._seen_chats :]:
            texts = [str(message.get("content")) for message in body["messages"] if message["role"] != "system"]
            words = _WORD.findall("\n".join(texts))
            numbers = {number for number, _ in words}
            assert len(numbers) <= 1, f"a prompt went where another thread's words are: {words}"
            asked = _WORD.findall(texts[-1])
            if asked and (kept := self._kept.get(threads.get(int(asked[-1][0]), ""))):
                assert kept in "\n".join(texts), f"word-{asked[-1][0]}-{asked[-1][1]} went to a session without {kept}"
        self._seen_chats = len(chats)
        asked_once = [text for body in chats if "word-" in (text := str(body["messages"][-1].get("content")))]
        twice = [text for text, times in Counter(asked_once).items() if times > 1]
        assert not twice, f"a prompt was sent twice: {twice}"

    def end(self) -> None:
        """End everything in order; check that nothing is left running."""
        self._end_tray()
        self.program.run("server", "stop")
        deadline = time.monotonic() + LIMIT
        while self.servers() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.servers() == [], "a server was left behind"
        self.check()

    def put_store_back(self) -> None:
        """Replace our file by an older one, as a person with a backup or a disk after a power cut does."""
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
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=LIMIT)) as source:
                self._copy = source.serialize()

    def servers(self) -> list[int]:
        return [process.pid for process in self._processes() if _is_server(process)]

    def held_servers(self) -> set[int]:
        """Return the servers under a lease that is detached or held by a running process."""
        running = {process.pid: process.name() for process in self._processes()}
        leases = self.ours("SELECT pid, detached FROM server_lease")
        is_held = any(pid in running for (pid,) in self.ours("SELECT pid FROM lease_holders"))
        return {
            int(str(pid)) for pid, detached in leases if running.get(int(str(pid or 0))) == "opencode" and (detached or is_held)
        }

    def ours(self, query: str) -> list[tuple[object, ...]]:
        return _rows(self.program.data / "t3tray.sqlite", query)

    def theirs(self, query: str, *values: str) -> list[tuple[object, ...]]:
        return _rows(self.database, query, *values)

    def _operation(self) -> list[str]:
        threads = [str(name) for (name,) in self.ours("SELECT id FROM threads ORDER BY created_at, rowid")]
        if not threads or self.choose.random() < 0.15:
            return ["new", "--dir", str(self._folder)]
        thread = self.choose.choice(threads)
        kinds = {"send": 6, "remedy": 4, "resume": 2, "read": 2, "foreign": 2, "tray": 2, "server": 1}
        kind = self.choose.choices([*kinds], [*kinds.values()])[0]
        if kind == "send":
            self._words += 1
            number = self._numbers.setdefault(thread, len(self._numbers))
            return ["send", thread, f"say: word-{number}-{self._words:04}"]
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

    def start(self, words: list[str], file_size: int | None = None) -> Command | None:
        """Start an operation; None if it is already done."""
        if words == ["foreign"]:
            self._write_as_somebody_else()
            return None
        if words == ["tray"]:
            self._start_tray() if self._tray is None else self._end_tray()
            return None
        if self._tray is not None and words[0] in ("send", "remedy") and self.choose.random() < 0.5:
            self._ask_tray(self._tray, words)
            return None
        return self._forker.start(*words, file_size=file_size)

    def finish(self, words: list[str], command: Command | None, was_harmed: bool = False) -> None:
        """Wait for its end. An operation that was not harmed exits with a code of the contract, and never with a bug of ours."""
        if command is None:
            return
        out, err = command.communicate()
        code = command.returncode
        assert "Traceback" not in err, f"{words}: {err}"
        assert was_harmed or code in _CODES, f"{words} ended with {code}: {out}{err}"
        is_done = code == 0 and (words[0] != "send" or words[2].removeprefix("say: ") in out)
        self._note(words, str(code), is_done, was_harmed)

    def _note(self, words: list[str], end: str, is_done: bool, was_harmed: bool) -> None:
        """Note that a thread's answer must be in its session from now on, until the session is released."""
        self.ends[f"{words[2] if words[0] == 'remedy' else words[0]} {end}"] += 1
        if words[0] == "send" and is_done:
            self._answered[words[1]] = words[2].removeprefix("say: ")
        if words[0] == "remedy" and words[2] not in CONTINUES and (is_done or was_harmed):
            self._left.add(words[1])

    def _write_as_somebody_else(self) -> None:
        """Write a message as OpenCode's own terminal would, in any existing session."""
        sessions = sorted(str(name) for (name,) in self.theirs("SELECT id FROM session WHERE parent_id IS NULL"))
        if not sessions:
            return
        session, now = self.choose.choice(sessions), int(self.clock.now() * 1000)
        body = {"role": "user", "time": {"created": now}, "agent": "build", "model": {"providerID": "stub", "modelID": "stub-1"}}
        name = f"{now:x}{self.choose.randrange(16**8):08x}"
        with closing(sqlite3.connect(self.database, timeout=LIMIT)) as connection, connection:
            connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (f"msg_{name}", session, now, now, json.dumps(body)))
            part = json.dumps({"type": "text", "text": "words of somebody else"})
            columns = "(id, message_id, session_id, time_created, time_updated, data)"
            values = (f"prt_{name}", f"msg_{name}", session, now, now, part)
            connection.execute(f"INSERT INTO part {columns} VALUES (?, ?, ?, ?, ?, ?)", values)
        self.foreign.add(session)

    def _start_tray(self) -> None:
        self._tray = self._forker.start_tray()

    def _ask_tray(self, tray: Command, words: list[str]) -> None:
        answer = tray.ask(json.dumps(words[:3]))
        assert not answer.startswith("BUG"), f"{words}: {answer}"
        self._note(words, f"by tray {answer.partition(':')[0]}", answer == "done", was_harmed=not answer)
        if not answer:
            self._tray = None
            tray.communicate()

    def _end_tray(self) -> None:
        tray, self._tray = self._tray, None
        if tray is not None:
            _, err = tray.communicate()
            assert "Traceback" not in err, err

    def kill_tray(self) -> None:
        tray, self._tray = self._tray, None
        if tray is not None:
            tray.kill()
            tray.communicate()

    def _settle_down(self) -> None:
        """Resume everything that was stopped."""
        for process in self._processes():
            with suppress(psutil.Error):
                if process.status() == psutil.STATUS_STOPPED:
                    process.send_signal(signal.SIGCONT)

    def _processes(self) -> Iterator[psutil.Process]:
        return self._home.processes()


def _is_server(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.name() == "opencode" and "serve" in process.cmdline()
    return False


def _rows(path: Path, query: str, *values: str) -> list[tuple[object, ...]]:
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=LIMIT)) as connection:
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
