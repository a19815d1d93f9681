"""The conversation in a real offscreen window: the time to open and to scroll it, and whether a streamed reply
or a burst of events ever delays a frame. In CPU time, which does not depend on other programs."""

from __future__ import annotations

import gc
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome

MESSAGES, DELTAS, EVENTS = 2_000, 5_000, 2_000
FRAME = 16.0
_REPLY = (
    "The **parser** reads `offset` twice, see [the notes](https://example.org).\n\n- one\n- two\n\n```python\nreturn at\n```\n\n"
)
_CODE = 'def place(at: int = 0) -> str:\n    return f"line {at}"  # and so on\n\n'


if TYPE_CHECKING:
    from tests.support.conversation_window import Frame


def measure(_folder: Path, _home: OpenCodeHome) -> Iterator[Line]:
    """Measure in ms of CPU. A frame is all work between two turns of the GUI thread's event loop."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from tests.support.conversation_window import Talking

    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    with Talking(application) as talking:
        talking.settle()
        opened = [talking.opened(MESSAGES) for _ in range(9)]
        yield Line(
            f"open {MESSAGES:,} messages",
            statistics.median(opened),
            "ms",
            50,
            f"the slowest of {len(opened)} {max(opened):.0f} ms",
        )
        frames = sorted(talking.scrolled(step) for step in range(300))
        yield Line("scroll them, a frame", statistics.median(frames), "ms", 8, f"99 % {frames[296]:.1f}, all {frames[-1]:.1f} ms")
        talking.opened(40)
        # As after the first scan: the collector need not traverse the existing objects again and again.
        gc.freeze()
        yield _stalls(f"stream {DELTAS:,} deltas", talking.streamed(_REPLY, DELTAS))
        yield _stalls(f"stream {DELTAS:,} deltas, one paragraph", talking.streamed("word upon word ", DELTAS))
        yield _stalls(f"stream {DELTAS:,} deltas, one code block", talking.streamed(_CODE, DELTAS, "```python\n"))
        yield _stalls(f"{EVENTS:,} events in a burst", talking.burst(EVENTS))


def _stalls(name: str, frames: list[Frame]) -> Line:
    busy = sorted(frame.busy for frame in frames)
    slow = sum(each > FRAME for each in busy)
    worked, took = max(frame.worked for frame in frames), max(frame.took for frame in frames)
    told = f"{len(busy)} frames, {slow} over, 99 % {busy[int(0.99 * len(busy))]:.1f} ms"
    told += f"; of the GUI thread {worked:.1f} ms; by the clock {took:.1f} ms"
    return Line(f"{name}, slowest frame", busy[-1], "ms", FRAME, told)
