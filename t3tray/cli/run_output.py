"""Output of `t3tray run`: each change as a line for people, or as one JSON object per line."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from t3tray import __version__
from t3tray.backend.snapshot_changes import Change, Progress, SnapshotChanges
from t3tray.cli.json_documents import Document
from t3tray.cli.line_writer import LineWriter
from t3tray.cli.output import printable
from t3tray.cli.run_documents import CONTRACT, as_line, change_document, object_of
from t3tray.cli.run_lines import RunLines, line
from t3tray.domain.notification import Click
from t3tray.system.environment import PROGRAM_VARIABLE
from t3tray.system.paths import is_usual
from t3tray.threads.snapshot import Snapshot

# With more unread lines than this, changes are held back until they are read; then only the difference is written.
MOST_WAITING = 1000
# In seconds, between two lines of progress while the demo's data is made.
_PROGRESS = 5.0


class RunOutput:
    """Writes the changes between snapshots; used on the event loop.

    `gone` is called, from another thread, when the reader is gone.
    """

    def __init__(self, as_json: bool, out: TextIO, directory: Path, gone: Callable[[], None]) -> None:
        self._as_json = as_json
        self._out = out
        self._writer = LineWriter(out, gone, self._lost)
        self._changes = SnapshotChanges()
        self._command = own_command(directory)
        self._lines = RunLines(self._command)
        self._progress_at: datetime | None = None
        facts: Document = {"contract": CONTRACT, "version": __version__, "pid": os.getpid(), "data_directory": str(directory)}
        began = f"t3tray {__version__} runs without a window, on the data in {directory}. Ctrl+C ends it."
        self.write_line("started", facts, began)

    def publish(self, snapshot: Snapshot) -> None:
        """Write the changes since the last snapshot."""
        if self._writer.waiting > MOST_WAITING:
            return
        at = _now()
        changes = self._changes.of(snapshot)
        if self._as_json:
            for change in changes:
                self._write(as_line(change_document(change, at)))
            return
        for text in self._lines.of((change for change in changes if self._is_shown(change, at)), at):
            self._write(printable(text, self._out))

    def note(self, text: str) -> None:
        """Write a line of progress."""
        self.write_line("progress", {"sentence": text}, text)

    def clicked(self, click: Click) -> None:
        """Write the command for the notification that the user clicked; there is no window to open."""
        text = self._lines.answer(click.thread_id, click.remedy)
        self.write_line("notice-clicked", {"thread": click.thread_id, "remedy": click.remedy and click.remedy.value}, text)

    def write_line(self, kind: str, facts: Document, text: str) -> None:
        """Write one object for scripts, or `text` as a line for people (nothing when it is empty)."""
        if self._as_json:
            self._write(as_line(object_of(kind, facts, _now())))
        elif text:
            self._write(printable(line("t3tray", text, _now()), self._out))

    def _lost(self, count: int) -> str:
        """Return the line that replaces `count` lost lines. Called in the writer's thread."""
        if self._as_json:
            return as_line(object_of("lines-lost", {"count": count}, _now()))
        lines = "1 line" if count == 1 else f"{count} lines"
        return line("t3tray", f"{lines} could not be written and were dropped.", _now())

    def close(self, limit: float) -> bool:
        """Write what is queued for at most `limit` seconds. Return whether all is written, or the reader is gone."""
        return self._writer.close(limit)

    def _write(self, text: str) -> None:
        self._writer.write(text)

    def _is_shown(self, change: Change, at: datetime) -> bool:
        if not isinstance(change, Progress):
            return True
        is_due = self._progress_at is None or (at - self._progress_at).total_seconds() >= _PROGRESS
        self._progress_at = at if is_due else self._progress_at
        return is_due


def own_command(directory: Path) -> str:
    """Return the command that runs this t3tray on this data from another shell."""
    if program := os.environ.get(PROGRAM_VARIABLE):
        return shlex.quote(program)
    words = _program()
    return shlex.join(words if is_usual(directory) else [*words, "--data-dir", str(directory)])


def _program() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    started = Path(sys.argv[0])
    if not started.name.startswith("t3tray"):
        return [sys.executable, "-m", "t3tray"]
    found = shutil.which(started.stem)
    is_found = found is not None and started.exists() and Path(found).samefile(started)
    return [started.stem if is_found else str(started.absolute())]


def _now() -> datetime:
    return datetime.now(UTC)
