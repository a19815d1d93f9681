"""`make bench`: prints measurements of t3tray beside their budgets. It asserts nothing: a busy machine is no failure."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import app, archive, commands, conversation, guard, list, loop, many, pending, resume
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.stub_model import StubModel

PARTS: dict[str, Callable[[Path, OpenCodeHome], Iterator[Line]]] = {
    "commands": commands.measure,
    "resume": resume.measure,
    "many": many.measure,
    "app": app.measure,
    "conversation": conversation.measure,
    "guard": guard.measure,
    "pending": pending.measure,
    "list": list.measure,
    "loop": loop.measure,
    "archive": archive.measure,
}


def main() -> None:
    """Run all parts, or those named as arguments."""
    for name in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory(prefix="t3tray-bench-") as folder, StubModel() as model:
            for line in PARTS[name](Path(folder), OpenCodeHome(Path(folder) / "opencode", model.url)):
                print(line.as_text(), flush=True)


if __name__ == "__main__":
    main()
