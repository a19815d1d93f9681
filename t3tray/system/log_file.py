"""t3tray's own log: a small rotated file, readable for its owner only, with secrets removed from every line."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from t3tray.system.known_secrets import cleaned

FILE_NAME = "t3tray.log"
LARGEST = 2**20
KEPT = 2
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(__name__)


class _Clean(logging.Formatter):
    """Removes secrets from the complete record, including its traceback."""

    def __init__(self) -> None:
        super().__init__(_FORM)

    def format(self, record: logging.LogRecord) -> str:
        return cleaned(super().format(record))


class _OwnFile(RotatingFileHandler):
    def _open(self):  # type: ignore[no-untyped-def]  # typeshed names a class that the interpreter does not have
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600))
        return super()._open()


def begin_log(folder: Path) -> None:
    """Write this process's log to a file in `folder`. A log that cannot be written is only a warning."""
    # For a full disk Python would print an error for each line.
    logging.raiseExceptions = False
    root = logging.getLogger()
    handlers: list[logging.Handler] = [logging.StreamHandler()] if sys.stderr else []
    trouble: OSError | None = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        handlers.append(_OwnFile(folder / FILE_NAME, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8"))
    except OSError as error:
        trouble = error
    for handler in handlers:
        handler.setFormatter(_Clean())
        handler.setLevel(logging.WARNING if type(handler) is logging.StreamHandler else logging.INFO)
        root.addHandler(handler)
    logging.getLogger("t3tray").setLevel(logging.INFO)
    if trouble:
        _log.warning("No log can be written in %s: %s", folder, trouble.strerror or trouble)
