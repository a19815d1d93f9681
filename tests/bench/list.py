"""A hundred thousand threads in an offscreen window: opening the list, scrolling it, searching it key by key."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot, ThreadRow
from tests.bench.table import Line
from tests.support.asked import idle_bridge
from tests.support.opencode import OpenCodeHome
from tests.support.views import NOON, READY, row

if TYPE_CHECKING:
    from t3tray.ui.threads.thread_list_data import ThreadListData

THREADS = 100_000
FRAMES, ROUNDS = 60, 5
WORD = "refactor the"
_REASONS = (Reason.PROVED,) * 400 + (Reason.MISSING, Reason.BUSY, Reason.UNPROVEN)


def measure(_scratch: Path, _home: OpenCodeHome) -> Iterator[Line]:
    """Measure medians of some rounds, for keys the worst one, in CPU time of the thread, which waits for nothing.

    Work outside the GUI thread has no budget.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from t3tray.ui.threads.thread_list_data import brief_of, thread_list_data
    from t3tray.ui.tray.menu import RECENT
    from t3tray.ui.tray.tray import Tray

    application = QApplication.instance() or QApplication([])
    rows = [_row(number) for number in range(THREADS)]
    before = thread_list_data(Snapshot(READY, tuple(rows)))
    yield Line("listing, in the other thread", _timed(lambda: thread_list_data(Snapshot(READY, tuple(rows)), before)), "ms")
    brief = brief_of(thread_list_data(Snapshot(READY, tuple(rows))), RECENT)
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY))
    yield Line("tray: menu, tooltip and icon", _timed(lambda: tray.show_snapshot(brief)), "ms", 16)
    opened = [_Shown(before, application.processEvents) for _ in range(ROUNDS)]
    yield Line("list of 100,000 opens", statistics.median(each.opening for each in opened), "ms", 50)
    window = opened[-1]
    frames = [_timed(partial(window.scroll, step)) for step in [37] * FRAMES + [44_000] * FRAMES]
    yield Line("scroll, a frame, median", statistics.median(frames), "ms", 8, f"worst {max(frames):.1f} ms")
    rows[7] = _row(7, Reason.BUSY)
    newer = thread_list_data(Snapshot(READY, tuple(rows)), before)
    moving = [_timed(partial(window.show, shown)) for shown in (newer, before) * ROUNDS]
    yield Line("a thread moves to another section", statistics.median(moving), "ms", 50)
    rounds = [[_timed(partial(window.type, text)) for text in _prefixes(WORD)] for _ in range(ROUNDS)]
    keys = [statistics.median(times) for times in zip(*rounds, strict=True)]
    yield Line("search, a key, worst", max(keys), "ms", 16, f"first {keys[0]:.1f} ms, median {statistics.median(keys):.1f} ms")
    yield Line("search cleared", _timed(lambda: window.type("")), "ms", 16)
    for each in opened:
        each.close()


class _Shown:
    """A window with the list; each step includes the paint after it."""

    def __init__(self, listing: ThreadListData, process_events: Callable[[], None]) -> None:
        from t3tray.ui.window import MainWindow

        self._window = MainWindow(idle_bridge(), lambda: NOON)
        self._window.resize(420, 900)
        self._process_events = process_events
        self._table = self._window.threads.table
        self.opening = _timed(lambda: self._open(listing))

    def scroll(self, step: int) -> None:
        bar = self._table.verticalScrollBar()
        bar.setValue(bar.value() + step)
        self._table.viewport().grab()

    def show(self, listing: ThreadListData) -> None:
        self._window.show_listing(listing)
        self._table.viewport().grab()

    def type(self, text: str) -> None:
        self._window.threads.search.setText(text)
        self._table.viewport().grab()

    def close(self) -> None:
        self._window.close()

    def _open(self, listing: ThreadListData) -> None:
        self._window.show_listing(listing)
        self._window.show()
        self._process_events()
        self._window.grab()


def _row(number: int, reason: Reason | None = None) -> ThreadRow:
    title = f"Refactor the parser {number}" if number % 3 else f"Why does the build fail {number}"
    return row(f"t{number:06}", reason or _REASONS[number % len(_REASONS)], title=title, age=timedelta(minutes=number))


def _prefixes(word: str) -> list[str]:
    return [word[: length + 1] for length in range(len(word))]


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000
