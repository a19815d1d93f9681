"""What is asked of the folders that threads work in: whether one is there, and whether two names mean the same one.

A folder on a disk that does not answer (a dead network mount) holds whoever looks at it, for ever. So each question is asked in a
thread that keeps no process from ending, has a limit, and a folder that did not answer is not asked again before it has.
It blocks, for `LIMIT` seconds at most: for worker threads.
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
# In s, for one folder; and for each further one while another does not answer: there may be many on the same disk.
LIMIT = 2.0
_LIMIT_OF_FURTHER = 0.2


class DoesNotAnswer(Exception):
    """The disk does not say anything of this folder."""


class _Task(ABC):
    """A question on its way to a worker and back."""

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
    """Asks the system, each time anew. `stat_of` and `realpath` are the system's, or a test's."""

    def __init__(
        self,
        stat_of: Callable[[str], os.stat_result] = os.stat,
        realpath: Callable[[str], str] = os.path.realpath,
        limit: float = LIMIT,
    ) -> None:
        self._stat_of = stat_of
        self._realpath = realpath
        self._limit = limit
        self._begin()

    def exists(self, path: str) -> bool | None:
        """Whether the folder is there; None where that cannot be told: no permission, a disk that does not answer."""
        try:
            status = self._status(path)
        except (DoesNotAnswer, OSError, ValueError):
            return None
        return status is not None and stat.S_ISDIR(status.st_mode)

    def same(self, one: str, other: str) -> bool | None:
        """Whether two paths name the same folder: as the system identifies it, so that links, bind mounts and spellings make no
        difference; where it does not, by their text. None when neither answers."""
        if one == other:
            return True
        found = [self._identity(one), self._identity(other)]
        if DoesNotAnswer in found:
            # A folder that answers is not one that does not.
            return None if found[0] is found[1] else False
        if None in found and any(found):
            return False
        return found[0] == found[1] if all(found) else _normal(self.real(one)) == _normal(self.real(other))

    def holds_any(self, folders: Iterable[str], names: Collection[str]) -> bool:
        """Whether one of these names is in one of the folders, as far as that can be told."""
        return any(self._holds(folder, names) for folder in folders)

    def _holds(self, folder: str, names: Collection[str]) -> bool:
        try:
            return self._ask(folder, lambda path: any(os.path.lexists(Path(path, name)) for name in names))
        except (DoesNotAnswer, OSError, ValueError):
            return False

    def real(self, path: str) -> str:
        """The path without links; as it is where that cannot be told."""
        try:
            return self._ask(path, self._realpath)
        except (DoesNotAnswer, OSError, ValueError):
            return path

    def _identity(self, path: str) -> tuple[int, int] | tuple[()] | type[DoesNotAnswer] | None:
        """Equal for all names of one folder; None when it is gone, () where the system does not say."""
        try:
            status = self._status(path)
        except DoesNotAnswer:
            return DoesNotAnswer
        except (OSError, ValueError):
            return ()
        return None if status is None else (status.st_dev, status.st_ino) if status.st_ino else ()

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return self._ask(path, self._stat_of)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = Lock()
        self._hanging: set[str] = set()
        self._idle: list[_Worker] = []

    def _ask(self, path: str, work: Callable[[str], T]) -> T:
        """Raises DoesNotAnswer, and what `work` raises."""
        if self._process != os.getpid():
            self._begin()  # a fork has none of its parent's threads
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
    """A thread that answers one question after the other. It keeps no process from ending."""

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
    # macOS takes upper and lower case, and the two ways to write an accent, for the same.
    return unicodedata.normalize("NFC", path).casefold() if sys.platform == "darwin" else os.path.normcase(path)


_PROBE = FolderProbe()
directory_exists = _PROBE.exists
holds_any = _PROBE.holds_any
same_directory = _PROBE.same
real_directory = _PROBE.real


def spelled_like(directory: str, known: str) -> str:
    """`known` where that is another name of this folder: for rules that compare folders by their text alone."""
    return known if directory and known and same_directory(directory, known) else directory
