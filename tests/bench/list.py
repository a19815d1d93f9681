"""A hundred thousand threads in the window, off the screen: opening the list, scrolling it, searching it key by key."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from t3tray.core.domain.verdict import Reason
from t3tray.core.services.views import Overview
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.views import NOON, READY, row

THREADS = 100_000
FRAMES = 60
WORD = "refactor the"
_REASONS = (Reason.PROVED,) * 40 + (Reason.MISSING, Reason.BUSY, Reason.UNPROVEN)


def measure(_scratch: Path, _home: OpenCodeHome) -> Iterator[Line]:
    """Worst of the keys, medians of the rest. What is made outside the GUI thread is told without a budget."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from t3tray.qt.listing import listing_of
    from t3tray.qt.window import MainWindow

    application = QApplication.instance() or QApplication([])
    rows = [_row(number) for number in range(THREADS)]
    before = listing_of(Overview(READY, tuple(rows)))
    yield Line("listing, in the other thread", _timed(lambda: listing_of(Overview(READY, tuple(rows)), before)), "ms")
    window = MainWindow(lambda: NOON)
    window.resize(420, 900)

    def draw() -> None:
        application.processEvents()
        window.grab()

    def open_window() -> None:
        window.show_listing(before)
        window.show()
        draw()

    yield Line("list of 100,000 opens", _timed(open_window), "ms", 50)
    bar, table = window.threads.table.verticalScrollBar(), window.threads.table

    def scroll(step: int) -> None:
        bar.setValue(bar.value() + step)
        table.viewport().grab()

    frames = [_timed(lambda: scroll(37)) for _ in range(FRAMES)] + [_timed(lambda: scroll(44_000)) for _ in range(FRAMES)]
    yield Line("scroll, a frame, median", statistics.median(frames), "ms", 8, f"worst {max(frames):.1f} ms")
    rows[7] = _row(7, Reason.BUSY)
    newer = listing_of(Overview(READY, tuple(rows)), before)
    yield Line("a thread moves to another section", _timed(lambda: window.show_listing(newer)), "ms", 50)
    keys = [_timed(lambda typed=typed: _type(window, table, typed)) for typed in _prefixes(WORD)]
    yield Line("search, a key, worst", max(keys), "ms", 16, f"first {keys[0]:.1f} ms, median {statistics.median(keys):.1f} ms")
    cleared = _timed(lambda: _type(window, table, ""))
    yield Line("search cleared", cleared, "ms", 16)
    window.close()


def _row(number: int, reason: Reason | None = None) -> object:
    title = f"Refactor the parser {number}" if number % 3 else f"Why does the build fail {number}"
    return row(f"t{number:06}", reason or _REASONS[number % len(_REASONS)], title=title, age=timedelta(minutes=number))


def _prefixes(word: str) -> list[str]:
    return [word[: length + 1] for length in range(len(word))]


def _type(window: object, table: object, text: str) -> None:
    """A key in the search field, with the picture after it."""
    window.threads.search.setText(text)
    table.viewport().grab()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
