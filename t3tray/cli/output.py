"""Writing text and JSON to a terminal, a file or a pipe, in an encoding that the stream accepts."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TextIO

from t3tray.domain.controls import escaped_in_json, without_controls
from t3tray.errors import OutputLost


def printable(text: str, out: TextIO) -> str:
    """Return `text` with control characters, and characters that the stream cannot encode, replaced.

    Titles and messages come from other programs and may contain terminal escape sequences."""
    return _encodable(without_controls(text), out)


def as_written(text: str, out: TextIO) -> str:
    """Return `text` unchanged for a file or pipe that can encode it; for a terminal as `printable`."""
    return printable(text, out) if out.isatty() else _encodable(text, out)


def as_json(document: object, out: TextIO) -> str:
    """Return one JSON document with a final line end, in ASCII where the stream's encoding requires it."""
    try:
        text = escaped_in_json(json.dumps(document, ensure_ascii=False, indent=2))
        text.encode(_encoding(out))
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    return f"{text}\n"


def put(text: str, out: TextIO) -> None:
    """Write a piece of an answer and flush it. Raises BrokenPipeError when the reader is gone, OutputLost for any other error."""
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        redirect_to_null(out)
        raise OutputLost(f"The answer cannot be written to standard output: {error.strerror or error}.") from error


def say(text: str, err: TextIO) -> None:
    """Write a message for people beside the answer. Errors are ignored: no exit code depends on it."""
    try:
        err.write(printable(text, err))
        err.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            redirect_to_null(err)


def _encodable(text: str, out: TextIO) -> str:
    return text.encode(_encoding(out), "replace").decode(_encoding(out))


def _encoding(out: TextIO) -> str:
    return out.encoding or "utf-8"


def redirect_to_null(out: TextIO) -> None:
    """Redirect the stream to the null device, so that later writes and the interpreter's final flush do not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
