"""Writes lines to standard output in a separate thread, so that a slow, stopped or closed reader blocks nothing."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TextIO

from t3tray.cli.output import redirect_to_null

# Errors that mean the reader is gone: a pipe without a reader, a terminal that hung up, a closed file.
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET})
_log = logging.getLogger(__name__)


class LineWriter:
    """Queue of lines with a writer thread; each line is flushed.

    `gone` is called once, in the writer's thread, when the reader is gone. `lost(count)` makes the line that replaces `count`
    lines which could not be written.
    """

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
        """Number of entries that are not written yet."""
        return self._lines.qsize()

    def write(self, text: str) -> None:
        """Queue one or several lines, without the final line end."""
        self._lines.put(text)

    def close(self, limit: float) -> bool:
        """Write the queued lines for at most `limit` seconds. Return whether all are written, or the reader is gone."""
        self._lines.put(None)
        self._thread.join(limit)
        is_done = not self._thread.is_alive()
        if is_done and self._is_full:
            # Otherwise the interpreter tries to flush once more at its exit, and prints an error.
            redirect_to_null(self._out)
        return is_done

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            if not self._is_gone:
                self._write(text)

    def _write(self, text: str) -> None:
        try:
            if self._is_full:
                # The line that could not be written is still in the stream's buffer.
                self._out.flush()
                text = f"{self._lost_line(self._lost)}\n{text}" if self._lost else text
                self._is_full, self._lost = False, 0
            self._out.write(f"{text}\n")
            self._out.flush()
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) or error.errno in _GONE:
                self._is_gone = True
                redirect_to_null(self._out)
                self._gone()
            elif self._is_full:
                self._lost += text.count("\n") + 1
            else:
                # For example a full disk. The program goes on without its output.
                self._is_full = True
                _log.warning("Cannot write to standard output: %s", error.strerror or error)
