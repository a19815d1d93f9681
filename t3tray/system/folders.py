"""Queries about threads' folders: whether a folder exists, and whether two paths name the same one.

A system call on a disk that does not respond (a dead network mount) blocks forever. So each query runs in a daemon thread with a
limit, and a folder that did not respond is not queried again until it has. Blocks for at most `LIMIT` seconds: call it in worker
threads.
"""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
# In seconds: for one folder, and for each further one while another does not respond (there may be many on the same disk).
LIMIT = 2.0
_LIMIT_OF_FURTHER = 0.2


class DoesNotAnswer(Exception):
    """Raised when the disk does not respond in time."""


class _Task(ABC):
    """A query for a worker thread."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.given_up = False
        self.answered = Event()

    @abstractmethod
    def answer(self) -> None: ...


class _Question(_Task, Generic[T]):
    def __init__(self, path: str, work: Callable[[str], T]) -> None:
        super().__init__(path)
        self._work = work
        self._answers: list[T] = []
        self._error: Exception | None = None

    def answer(self) -> None:
        try:
            self._answers.append(self._work(self.path))
        except Exception as error:
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._answers[0]


class FolderProbe:
    """Queries the system, without caching. `stat_of` and `realpath` are the system's, or a test's."""

    def __init__(
        self,
        stat_of: Callable[[str], os.stat_result] = os.stat,
        realpath: Callable[[str], str] = os.path.realpath,
        limit: float = LIMIT,
    ) -> None:
        self.stat_of = stat_of
        self._realpath = realpath
        self._limit = limit
        self._begin()

    def exists(self, path: str) -> bool | None:
        """Return whether the folder exists; None where it is not known: no permission, or a disk that does not respond."""
        try:
            status = self._status(path)
        except (DoesNotAnswer, OSError, ValueError):
            return None
        return status is not None and stat.S_ISDIR(status.st_mode)

    def same(self, one: str, other: str) -> bool | None:
        """Return whether two paths name the same folder, by the system's identity of it (so that links, bind mounts and spellings
        make no difference), or where there is none by their text. None when neither responds."""
        if one == other:
            return True
        found = [self._identity(one), self._identity(other)]
        if DoesNotAnswer in found:
            # A folder that responds is not the same as one that does not.
            return None if found[0] is found[1] else False
        if None in found and any(found):
            return False
        return found[0] == found[1] if all(found) else _normal(self.real(one)) == _normal(self.real(other))

    def holds_any(self, folders: Iterable[str], names: Collection[str]) -> bool:
        """Return whether one of the names exists in one of the folders; False where it is not known."""
        return any(self._holds(folder, names) for folder in folders)

    def _holds(self, folder: str, names: Collection[str]) -> bool:
        try:
            return self._ask(folder, lambda path: any(os.path.lexists(Path(path, name)) for name in names))
        except (DoesNotAnswer, OSError, ValueError):
            return False

    def real(self, path: str) -> str:
        """Return the path with links resolved, or unchanged where that is not possible."""
        try:
            return self._ask(path, self._realpath)
        except (DoesNotAnswer, OSError, ValueError):
            return path

    def _identity(self, path: str) -> tuple[int, int] | tuple[()] | type[DoesNotAnswer] | None:
        """Return a value that is equal for all names of one folder; None when it is gone, () where the system has no identity."""
        try:
            status = self._status(path)
        except DoesNotAnswer:
            return DoesNotAnswer
        except (OSError, ValueError):
            return ()
        return None if status is None else (status.st_dev, status.st_ino) if status.st_ino else ()

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return self._ask(path, self.stat_of)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = Lock()
        self._hanging: set[str] = set()
        self._idle: list[_Worker] = []

    def _ask(self, path: str, work: Callable[[str], T]) -> T:
        """Run `work(path)` in a worker thread. Raises DoesNotAnswer, and exceptions of `work`."""
        if self._process != os.getpid():
            self._begin()  # a forked process has none of its parent's threads
        with self._lock:
            if path in self._hanging:
                raise DoesNotAnswer
            limit = min(self._limit, _LIMIT_OF_FURTHER) if self._hanging else self._limit
            worker = self._idle.pop() if self._idle else _Worker(self._done)
        question = _Question(path, work)
        worker.tasks.put(question)
        question.answered.wait(limit)
        with self._lock:
            if not question.answered.is_set():
                question.given_up = True
                self._hanging.add(path)
                raise DoesNotAnswer
        return question.result()

    def _done(self, worker: _Worker, task: _Task) -> None:
        with self._lock:
            task.answered.set()
            self._idle.append(worker)
            if task.given_up:
                self._hanging.discard(task.path)


class _Worker:
    """A daemon thread that processes one query after the other."""

    def __init__(self, done: Callable[[_Worker, _Task], None]) -> None:
        self.tasks: SimpleQueue[_Task] = SimpleQueue()
        self._done = done
        Thread(target=self._run, name="folders", daemon=True).start()

    def _run(self) -> None:
        while True:
            task = self.tasks.get()
            task.answer()
            self._done(self, task)


def _normal(path: str) -> str:
    # macOS ignores case, and the two encodings of accents.
    return unicodedata.normalize("NFC", path).casefold() if sys.platform == "darwin" else os.path.normcase(path)


PROBE = FolderProbe()
directory_exists = PROBE.exists
holds_any = PROBE.holds_any
same_directory = PROBE.same
real_directory = PROBE.real


def spelled_like(directory: str, known: str) -> str:
    """Return `known` if it names the same folder, otherwise `directory`: for rules that compare folders as text."""
    return known if directory and known and same_directory(directory, known) else directory
