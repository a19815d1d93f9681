"""How texts go to a terminal, a file or a pipe. It says nothing by itself."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TextIO


def for_people(text: str, out: TextIO) -> str:
    """What others wrote may hold signs that a terminal obeys, or that the stream cannot take: others stand in their place."""
    encoding = out.encoding or "utf-8"
    shown = "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
    return shown.encode(encoding, "replace").decode(encoding)


def for_scripts(document: object, out: TextIO) -> str:
    """One JSON document, whatever the stream can take, with its line's end."""
    is_unicode = (out.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    return f"{json.dumps(document, ensure_ascii=not is_unicode, indent=2)}\n"


def say(text: str, err: TextIO) -> None:
    """Something for people, beside the answer. Where it cannot be written it is not said; no exit code depends on it."""
    try:
        err.write(for_people(text, err))
        err.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            fall_silent(err)


def fall_silent(out: TextIO) -> None:
    """Nobody reads this any more. Without it every later write, and the interpreter at its end, would complain once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
