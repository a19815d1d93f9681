"""Computes syntax highlighting on a worker thread. Growing text is highlighted again only so often that it costs little CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from threading import Event

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal, Slot

from t3tray.ui.conversation.syntax_spans import Line, spans

# In s: how long the worker pauses from time to time, so that the GUI thread gets Python's lock.
_REST = 0.003
# A growing text is highlighted again after a pause of this many times the previous duration.
_SHARE = 10


class _Code:
    """A text with its language, compared by identity."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language

    def grows_to(self, other: _Code) -> bool:
        return self.language == other.language and other.text.startswith(self.text)


class Highlighter(QObject):
    """Highlights one text, which may grow or be replaced. `found` carries the spans of its lines, possibly of an earlier state of
    a growing text."""

    found = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted = _Code("", "")
        self._asked: _Code | None = None
        self._under_way: Future[None] | None = None
        self._reader: _Reader | None = None
        self._pause = QTimer(self, singleShot=True)
        self._pause.timeout.connect(self._ask)

    def highlight(self, text: str, language: str) -> None:
        """Highlight this text; with language "" remove the highlighting."""
        former, wanted = self._wanted, _Code(text, language)
        if (former.text, former.language) == (text, language):
            return
        self._wanted = wanted
        if not former.grows_to(wanted):
            self._forget()
        if former.language and not language:
            self.found.emit(())
        if self._under_way is None and not self._pause.isActive():
            self._ask()

    def _forget(self) -> None:
        """Cancel the running computation, whose result is no longer needed."""
        if self._under_way:
            self._under_way.cancel()
        self._under_way = self._asked = None
        self._pause.stop()

    @Slot()
    def _ask(self) -> None:
        wanted = self._wanted
        if not wanted.language or wanted is self._asked:
            return
        if self._reader is None:
            self._reader = _reader()
            self._reader.read.connect(self._on_read)
        self._asked = wanted
        self._under_way = self._reader.ask(wanted, lambda: self._asked is wanted)

    @Slot(object, object, float)
    def _on_read(self, asked: _Code, found: tuple[Line, ...], took: float) -> None:
        if asked is not self._asked:
            return
        self._under_way = None
        self.found.emit(found)
        if asked is not self._wanted:
            self._pause.start(int(took * 1000 * _SHARE) + 1)


class _Reader(QObject):
    """The worker thread. One for all highlighters: two at once would only wait for each other."""

    read = Signal(object, object, float)

    def __init__(self, application: QCoreApplication | None) -> None:
        super().__init__(application)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="highlighter")
        self._stop = Event()
        if application:
            application.aboutToQuit.connect(self._stop.set)

    def ask(self, code: _Code, is_wanted: Callable[[], bool]) -> Future[None]:
        """Compute the spans; emits `read`, unless `is_wanted` turns false or the application ends."""
        self._stop.clear()
        return self._pool.submit(self._compute, code, is_wanted)

    def _compute(self, code: _Code, is_wanted: Callable[[], bool]) -> None:
        if self._stop.is_set():
            return
        began = time.thread_time()
        found = spans(code.text, code.language, lambda: self._stop.wait(_REST) or not is_wanted())
        self.read.emit(code, found, time.thread_time() - began)


@lru_cache(maxsize=1)
def _reader() -> _Reader:
    return _Reader(QCoreApplication.instance())
