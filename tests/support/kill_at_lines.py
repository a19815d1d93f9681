"""A process that is killed at one line of our code after the other, for data on disk that must survive anything."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any

from tests.support.rounds import rounds

_KILLED, _FAILED = 9, 1


def killed_at_lines(prepare: Callable[[], Callable[[], object]], *modules: ModuleType, step: int = 7) -> Iterator[bool]:
    """Run work in another process that ends at the first line of these modules, then again at a later
    one, and so on. Yields True after each kill, and False after the run that was not killed.

    `prepare` sets up one run, and returns the work. Every `step`-th line is tried, with more rounds every line.
    """
    files = frozenset(str(module.__file__) for module in modules)
    line, step = 0, 1 if rounds(1) > 1 else step
    while True:
        work = prepare()
        lived = _lived(work, files, line)
        yield not lived
        if lived:
            return
        line += step


def _lived(work: Callable[[], object], files: frozenset[str], line: int) -> bool:
    child = os.fork()
    if child == 0:
        _do(work, files, line)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, _KILLED), f"the work itself failed at line {line}"
    return code == 0


def _do(work: Callable[[], object], files: frozenset[str], line: int) -> None:
    left = line

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            if left == 0:
                os._exit(_KILLED)
            left -= 1
        return trace

    try:
        sys.settrace(trace)
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(_FAILED)
