"""The managed server's output: one log file that is rotated while the server writes to it.

The server has the file open for appending and does not know of the rotation, so the text is copied and the file truncated.
Folder and files are accessible to the owner only. The text is parsed only for the line that says the server is listening.
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

from t3tray.messages.server import FILE_LEFT_OUT

FILE_NAME = "opencode-serve.log"
LARGEST = 2 * 2**20
KEPT = 3
# In bytes: only the end of a larger text is copied.
_LONGEST_KEPT = 4 * LARGEST
_READY = b"server listening on"
_BEGINS = "[t3tray "
# In lines: how much is read of one start.
_LONGEST_START = 5000
_BLOCK = 64 * 2**10
_FILE, _ERRORS = "--- JSONC Input ---", "--- Errors ---"
_QUOTED_LINE = re.compile(r"(?m)^ +Line \d+: .*\n(?: *\^\n?)?")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ServerLog:
    """The log file of a folder. All methods block briefly: call them in worker threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    @contextmanager
    def begin(self, now: datetime, title: str) -> Iterator[tuple[int, int]]:
        """Begin the output of one start with `title`. Yields a descriptor to write to, and the offset at which its text begins.

        Raises OSError.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.parent.chmod(0o700)
        self._rotate()
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{_BEGINS}{now.astimezone():%Y-%m-%d %H:%M:%S}] {title}\n".encode())
            yield descriptor, os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def rotate(self, above: int = LARGEST) -> bool:
        """Rotate when the file is larger than `above` bytes, and return whether it was. What the server writes between the copy
        and the truncation is lost.

        Does nothing on Windows: there a program continues at its old offset, which would leave a gap of zeros in the file.
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
                # Read a limited amount: a server that writes faster than this copies would never reach an end.
                copy.write(log.read(_LONGEST_KEPT))
            log.truncate(0)
            return True

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{FILE_NAME}.{number}")


class ReadyLine:
    """Searches for the line that says the server is listening; reads each byte of its output once."""

    def __init__(self, path: Path, begin: int) -> None:
        self._path = path
        self._position = begin
        self._end_of_last = b""

    def is_there(self) -> bool:
        """Return whether the line has been written. Raises OSError."""
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
    """Return the output of the last start, as far as the file still contains it. Raises OSError."""
    text = tail_of(path, _LONGEST_START)
    return text[max(text.rfind(_BEGINS), 0) :]


def tail_of(path: Path, lines: int, begin: int = 0) -> str:
    """Return the last lines after the offset `begin` (in bytes), without colours; empty where there is no file.

    OpenCode quotes a configuration that it cannot parse, including keys: these quotations are removed. Raises OSError.
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
    cleaned = _without_quotations(_COLOUR.sub("", text.decode(errors="replace")))
    return "\n".join(cleaned.splitlines()[-lines:])


def _without_quotations(text: str) -> str:
    """Remove quoted configuration files. `text` may begin in the middle of one."""
    *quoting, rest = text.split(_ERRORS)
    before = [f"{piece.partition(_FILE)[0] if _FILE in piece else ''}{FILE_LEFT_OUT}" for piece in quoting]
    return _QUOTED_LINE.sub("", _ERRORS.join([*before, rest.partition(_FILE)[0]]))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _alone(log: BinaryIO) -> Iterator[bool]:
    """Take the rotation lock; yields False when another process holds it. Several processes may watch one server. A crash
    releases the lock."""
    if sys.platform == "win32":
        # No such lock on Windows; two rotations at the same time lose old text at most.
        yield True
        return
    import fcntl

    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    yield True
