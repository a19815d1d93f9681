"""How texts go to a terminal, a file or a pipe. It says nothing by itself."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TextIO

from t3tray.domain.controls import escaped_in_json, without_controls
from t3tray.errors import OutputLost


def for_people(text: str, out: TextIO) -> str:
    """What others wrote may hold signs that a terminal obeys, or that the stream cannot take: others stand in their place."""
    return _taken(without_controls(text), out)


def as_written(text: str, out: TextIO) -> str:
    """The words themselves, exact where they go to a file or a pipe that can take them; to a terminal as `for_people`."""
    return for_people(text, out) if out.isatty() else _taken(text, out)


def for_scripts(document: object, out: TextIO) -> str:
    """One JSON document, whatever the stream can take, with its line's end."""
    try:
        text = escaped_in_json(json.dumps(document, ensure_ascii=False, indent=2))
        text.encode(_encoding(out))
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    return f"{text}\n"


def put(text: str, out: TextIO) -> None:
    """A piece of an answer, at once. Raises BrokenPipeError where nobody reads any more, OutputLost for any other trouble."""
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        fall_silent(out)
        raise OutputLost(f"The answer cannot be written to standard output: {error.strerror or error}.") from error


def say(text: str, err: TextIO) -> None:
    """Something for people, beside the answer. Where it cannot be written it is not said; no exit code depends on it."""
    try:
        err.write(for_people(text, err))
        err.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            fall_silent(err)


def _taken(text: str, out: TextIO) -> str:
    return text.encode(_encoding(out), "replace").decode(_encoding(out))


def _encoding(out: TextIO) -> str:
    return out.encoding or "utf-8"


def fall_silent(out: TextIO) -> None:
    """Nobody reads this any more. Without it every later write, and the interpreter at its end, would complain once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
