"""Lines to standard output from a thread of its own: whoever reads there may be slow, stop, or go, and nothing waits for that."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TextIO

from t3tray.cli.output import fall_silent

# What a reader that is gone leads to: a pipe without an other end, a terminal that hung up, a file that is closed.
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET})
_log = logging.getLogger(__name__)


class LineWriter:
    """Each line is flushed at once. `gone` is called once, in the writer's thread, when nobody reads any more; `lost` makes the
    line that stands in the place of so many that could not be written."""

    def __init__(self, out: TextIO, gone: Callable[[], None], lost: Callable[[int], str]) -> None:
        self._out = out
        self._gone = gone
        self._lost_line = lost
        self._lost = 0
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._is_gone = False
        self._is_full = False
        self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many lines nobody has taken yet."""
        return self._lines.qsize()

    def write(self, text: str) -> None:
        """One line or several, without the last one's end."""
        self._lines.put(text)

    def close(self, limit: float) -> bool:
        """Write what waits, for at most `limit` seconds; whether all of it is written, or nobody is there to read it."""
        self._lines.put(None)
        self._thread.join(limit)
        is_done = not self._thread.is_alive()
        if is_done and self._is_full:
            # The interpreter would try once more at its end, and complain.
            fall_silent(self._out)
        return is_done

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            if not self._is_gone:
                self._write(text)

    def _write(self, text: str) -> None:
        try:
            if self._is_full:
                # The line that could not be written still waits in the stream.
                self._out.flush()
                text = f"{self._lost_line(self._lost)}\n{text}" if self._lost else text
                self._is_full, self._lost = False, 0
            self._out.write(f"{text}\n")
            self._out.flush()
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) or error.errno in _GONE:
                self._is_gone = True
                fall_silent(self._out)
                self._gone()
            elif self._is_full:
                self._lost += text.count("\n") + 1
            else:
                # A full disk, say: what is looked after here goes on, whether or not it can be told.
                self._is_full = True
                _log.warning("What happens cannot be told on standard output: %s", error.strerror or error)
