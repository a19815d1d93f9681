"""What the managed server prints: one file that is rotated while the server writes to it.

The server holds the file open for appending and knows nothing of the rotation, so the text is copied away and the file cut.
Folder and files are the owner's alone. It reads the text for one thing only, the line that says the server listens.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

FILE_NAME = "opencode-serve.log"
LARGEST = 2 * 2**20
KEPT = 3
# Of a text that grew faster than anybody looked, its end.
_LONGEST_KEPT = 4 * LARGEST
_READY = b"server listening on"
_BEGINS = "[t3tray "
# In lines: so much is read of one start.
_LONGEST_START = 5000
_BLOCK = 64 * 2**10
_FILE, _ERRORS = "--- JSONC Input ---", "--- Errors ---"
_QUOTED_LINE = re.compile(r"(?m)^ +Line \d+: .*\n(?: *\^\n?)?")
_LEFT_OUT = "(The file is left out here.)\n"
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ServerLog:
    """Everything blocks, for a moment: for worker threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    @contextmanager
    def begin(self, now: datetime, words: str) -> Iterator[tuple[int, int]]:
        """For one start, which `words` describe: a descriptor to write to, and where in the file its text begins.

        Raises OSError.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.parent.chmod(0o700)
        self._rotate()
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{_BEGINS}{now.astimezone():%Y-%m-%d %H:%M:%S}] {words}\n".encode())
            yield descriptor, os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def rotate(self, above: int = LARGEST) -> bool:
        """Set the text aside when there is more of it; whether that was done. What the server writes in between the copy and the
        cut is lost.

        Not on Windows: there a program writes where it last wrote, and would leave a gap of zeros in the file that was cut.
        """
        return sys.platform != "win32" and self._rotate(above)

    def _rotate(self, above: int = LARGEST) -> bool:
        if _size(self.path) <= above:
            return False
        with self.path.open("r+b") as log, _alone(log) as is_ours:
            size = _size(self.path)
            if not is_ours or size <= above:
                return False
            for number in range(KEPT - 1, 0, -1):
                if self._aside(number).exists():
                    self._aside(number).replace(self._aside(number + 1))
            with os.fdopen(os.open(self._aside(1), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as copy:
                log.seek(max(size - _LONGEST_KEPT, 0))
                # Not to the end: a server that writes faster than this copies has none.
                copy.write(log.read(_LONGEST_KEPT))
            log.truncate(0)
            return True

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{FILE_NAME}.{number}")


class ReadyLine:
    """Looks for the line that says the server listens, reading each byte of its output once."""

    def __init__(self, path: Path, begin: int) -> None:
        self._path = path
        self._position = begin
        self._end_of_last = b""

    def is_there(self) -> bool:
        """Whether it has come by now. Raises OSError."""
        size = _size(self._path)
        if size < self._position:
            self._position = 0
        if size == self._position:
            return False
        with self._path.open("rb") as log:
            log.seek(self._position)
            while self._position < size and (block := log.read(_BLOCK)):
                text = self._end_of_last + block
                self._position = log.tell()
                self._end_of_last = text[-len(_READY) :]
                if _READY in text:
                    return True
        return False


def last_start(path: Path) -> str:
    """The output of the server that was started last, as far as the file still holds it. Raises OSError."""
    text = tail_of(path, _LONGEST_START)
    return text[max(text.rfind(_BEGINS), 0) :]


def tail_of(path: Path, lines: int, begin: int = 0) -> str:
    """The last lines, without colours, from `begin` (in bytes) on, read from the end; empty where there is no file.

    OpenCode quotes a configuration that it cannot read, with the keys in it: that is left out. Raises OSError.
    """
    try:
        log = path.open("rb")
    except FileNotFoundError:
        return ""
    with log:
        size = log.seek(0, os.SEEK_END)
        first = begin if begin <= size else 0
        text, position = b"", size
        while position > first and text.count(b"\n") <= lines and len(text) < LARGEST:
            step = min(_BLOCK, position - first)
            position -= step
            log.seek(position)
            text = log.read(step) + text
    told = _without_quotations(_COLOUR.sub("", text.decode(errors="replace")))
    return "\n".join(told.splitlines()[-lines:])


def _without_quotations(text: str) -> str:
    """What is read may begin in the middle of one."""
    *quoting, rest = text.split(_ERRORS)
    before = [f"{piece.partition(_FILE)[0] if _FILE in piece else ''}{_LEFT_OUT}" for piece in quoting]
    return _QUOTED_LINE.sub("", _ERRORS.join([*before, rest.partition(_FILE)[0]]))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _alone(log: BinaryIO) -> Iterator[bool]:
    """Whether nobody else rotates meanwhile, since several processes of ours may watch one server. A crash frees it."""
    if sys.platform == "win32":
        # There is no such lock; what two may do at the same moment costs old text at the most.
        yield True
        return
    import fcntl

    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    yield True
