"""What a widget asks of the backend: a real bridge, on a backend that only records."""

from __future__ import annotations

from typing import Any

from pytestqt.qtbot import QtBot

from t3tray.threads.snapshot import Snapshot
from t3tray.ui.bridge import Bridge
from tests.support.recording import RecordingBackend

LIMIT = 90_000


class Asked:
    """A context manager; the bridge is started and, at the end, closed."""

    def __init__(self, qtbot: QtBot, *snapshots: Snapshot) -> None:
        self._qtbot = qtbot
        self.backend = RecordingBackend(*snapshots)
        self.bridge = Bridge(self.backend.open)

    def __enter__(self) -> Asked:
        self.bridge.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bridge.close()
        assert self.bridge.join()

    def calls(self, name: str) -> list[list[Any]]:
        """The arguments of all calls of this name until now."""
        return [words for called, *words in self.backend.asked if called == name]

    def wait_for_last(self, name: str, thread_id: str) -> None:
        """Wait until the last call is this one, about this thread."""
        self._qtbot.waitUntil(lambda: [words[:2] for words in self.backend.asked[-1:]] == [(name, thread_id)], timeout=LIMIT)

    def wait_for(self, name: str, *words: object) -> None:
        """Wait until the backend has been asked for this."""
        self._qtbot.waitUntil(lambda: (name, *words) in self.backend.asked, timeout=LIMIT)


def idle_bridge() -> Bridge:
    """A bridge that is not started: what is asked of it leads to nothing."""
    return Bridge(RecordingBackend().open)
