"""A window with a conversation from the real feed, whose server and events are imitated by the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from PySide6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from t3tray.conversation.feed import ConversationFeed, ConversationPlace
from t3tray.domain.conversation import Conversation
from t3tray.opencode.events import ServerEvent
from t3tray.opencode.wire import TranscriptPage, WireMessage
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.bridge import Bridge
from t3tray.ui.window import MainWindow
from tests.support import transcripts
from tests.support.recording import RecordingBackend
from tests.support.transcripts import SESSION
from tests.support.views import NOON, READY, row

THREAD = "talk"
_PARTS = (
    "I looked at **{n}** places where `offset` is wrong:\n\n1. one\n2. two, see [the notes](https://example.org)\n\n## After\n",
    "```python\ndef f(n: int) -> int:\n    return n + {n}\n```\n\n| a | b |\n|---|---|\n| 1 | {n} |\n",
)


@dataclass(frozen=True)
class Frame:
    """One turn of the GUI's loop, in ms of CPU: of the whole process, for all of which the GUI thread may have to wait, and
    of the GUI thread. `took` is wall-clock time, which includes other programs."""

    busy: float
    worked: float
    took: float


class _Server:
    """Returns the messages that it was given."""

    reports_turns = True

    def __init__(self) -> None:
        self.messages: tuple[WireMessage, ...] = ()
        self.busy: frozenset[str] = frozenset()

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage:
        return TranscriptPage(self.messages[-limit:], None)

    async def busy_in(self, directory: str) -> frozenset[str]:
        return self.busy


class Talking:
    """A context manager. Call everything on the GUI thread."""

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._server = _Server()
        self._feed: ConversationFeed | None = None
        backend = RecordingBackend(Snapshot(READY, (row(THREAD),)))
        backend.answers["conversations.follow"] = self._follow
        self._bridge = Bridge(backend.open)
        self.window = MainWindow(self._bridge, lambda: NOON)
        self.window.resize(960, 760)

    def __enter__(self) -> Talking:
        self._bridge.start()
        self.window.show_snapshot(Snapshot(READY, (row(THREAD),)))
        self.window.show()
        self.window.show_thread(THREAD)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.window.close()
        self._bridge.close()
        self._bridge.join()

    async def _follow(self, thread_id: str, publish: Callable[[Conversation], None]) -> None:
        """Follow with the real feed, from an imitated server."""

        async def place() -> ConversationPlace:
            return ConversationPlace(SESSION, "/work")

        async def source() -> _Server:
            return self._server

        async def no_copy() -> None:
            return None

        self._feed = ConversationFeed(thread_id, place, source, no_copy, publish, lambda: NOON)
        await self._feed.run()

    def settle(self) -> None:
        """Wait until the feed has published its first state."""
        self._until(lambda: self._feed is not None)
        for _ in range(10):
            self._application.processEvents()

    def opened(self, count: int) -> float:
        """Show that many messages at once on an empty page; return the ms of CPU until they are drawn."""
        page = self.window.page
        page.conversation.view.show_hint("")
        self._application.processEvents()
        messages = tuple(_message(number) for number in range(count))
        self._server.messages = messages[-40:]
        told = Conversation(THREAD, SESSION, tuple(message.message() for message in messages))
        began = time.process_time()
        page.show_conversation(told)
        self._application.processEvents()
        while page.conversation.view.is_due:
            self._application.processEvents()
        return (time.process_time() - began) * 1000

    def scrolled(self, step: int) -> float:
        """Scroll up one notch of the wheel, or (every tenth time) jump; return the ms of CPU, including drawing."""
        bar = self.window.page.conversation.view.verticalScrollBar()
        began = time.process_time()
        bar.setValue(bar.value() - 120 if step % 10 else bar.maximum() * (step * 37 % 100) // 100)
        self._application.processEvents()
        return (time.process_time() - began) * 1000

    def streamed(self, words: str, deltas: int, begin: str = "") -> list[Frame]:
        """Stream a reply of that many deltas, a thousand per second; return the frames meanwhile."""
        number = 9_000
        begun = transcripts.text(number, begin, done=False)
        pieces = [words[at : at + 8] for at in range(0, len(words), 8)]
        events = [transcripts.told(transcripts.info(number)), transcripts.part_told(begun)]
        events += [transcripts.grew(begun, pieces[count % len(pieces)]) for count in range(deltas)]
        return self._frames(events, at_once=8)

    def burst(self, count: int) -> list[Frame]:
        """Send that many events at once: tools that begin and end."""
        events = []
        for number in range(count // 4):
            tool = transcripts.tool(9_500, part=number, status="running")
            done = transcripts.tool(9_500, part=number, title="make test", output="ok\n" * 20)
            events += [transcripts.told(transcripts.info(9_500)), transcripts.part_told(tool)] * 1 + [
                transcripts.part_told(done)
            ] * 2
        return self._frames(events, at_once=count)

    def _frames(self, events: list[ServerEvent], at_once: int) -> list[Frame]:
        """Return the turns of the GUI's loop while these events are processed."""
        feed = self._feed
        assert feed is not None
        frames: list[Frame] = []
        clock = QElapsedTimer()
        clock.start()
        worked, busy = time.thread_time(), time.process_time()
        left = list(reversed(events))

        def turn() -> None:
            nonlocal worked, busy
            before, worked, busy = (worked, busy), time.thread_time(), time.process_time()
            frames.append(Frame((busy - before[1]) * 1000, (worked - before[0]) * 1000, clock.nsecsElapsed() / 1e6))
            clock.restart()

        def handle(batch: list[ServerEvent]) -> None:
            for event in batch:
                feed.handle(event)

        def hear() -> None:
            batch = [left.pop() for _ in range(min(at_once, len(left)))]
            self._bridge.hand_over(lambda: handle(batch))
            if not left:
                source.stop()
                QTimer.singleShot(500, loop.quit)

        beat, source = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer), QTimer(interval=8)
        beat.timeout.connect(turn)
        source.timeout.connect(hear)
        loop = QEventLoop()
        beat.start()
        source.start()
        loop.exec()
        beat.stop()
        return frames[2:]

    def _until(self, condition: Callable[[], bool], limit: float = 90) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline
            self._application.processEvents()


def _message(number: int) -> WireMessage:
    if number % 2 == 0:
        known = transcripts.info(number, "user")
        return transcripts.message(known, transcripts.text(number, f"Question {number}: why does it fail? " * 3))
    told = [transcripts.tool(number, "read", 0, title=f"file{number}.py", output="x\n" * 50)]
    told += [transcripts.text(number, part.format(n=number), place + 1) for place, part in enumerate(_PARTS)]
    return transcripts.message(transcripts.info(number), *told)
