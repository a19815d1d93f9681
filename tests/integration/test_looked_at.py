"""Read marks outlive the app: the real backend behind the real window, started again on the same data."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.domain.thread import Source, Thread
from t3tray.ui.bridge import Bridge
from t3tray.ui.threads.thread_model import ThreadModel
from t3tray.ui.window import MainWindow

NAMES = ("alpha", "beta", "gamma")
# The app itself, whose user opens the named threads, and quits. It prints which threads were unread when the list came.
LOOKS = """
import os, sys
from PySide6.QtCore import QCoreApplication, QTimer
from t3tray.backend.backend import Backend
from t3tray.system.paths import data_directory
from t3tray.ui.application import Application

def look():
    window = app.window
    if window and window.isActiveWindow() and app.bridge.listing and app.bridge.listing.total:
        user.stop()
        print(*sorted(app.bridge.listing.snapshot.unread))
        for name in sys.argv[1:]:
            window.show_thread(name)
        QCoreApplication.instance().quit_wanted.emit()

directory = data_directory(None, os.environ)
app = Application(directory, lambda publish: Backend.open(str(directory), "tray"))
user = QTimer()
user.timeout.connect(look)
user.start(20)
sys.exit(app.run())
"""


async def command(*touched: str, add: bool = False) -> frozenset[str]:
    """Run another process that writes into the same store and scans; return the threads that are unread to it."""
    backend = await Backend.open(None, "command")
    now = utc_now()
    try:
        for name in NAMES if add else ():
            backend.store.threads.add(Thread(name, name, f"/w/{name}", Source.T3TRAY, now, now - timedelta(days=1)))
        for name in touched:
            backend.store.threads.touch(name, now)
        return (await backend.snapshots.read(archived=True)).unread
    finally:
        await backend.close()


@contextmanager
def app(qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with its backend, as the app connects them, until it is closed."""
    bridge = Bridge(lambda publish: Backend.open(None, "tray"))
    window = MainWindow(bridge, utc_now)
    qtbot.addWidget(window)
    window.resize(940, 640)
    bridge.snapshot_changed.connect(window.show_snapshot)
    bridge.start()
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    try:
        qtbot.waitUntil(lambda: set(NAMES) <= shown(window), timeout=90_000)
        yield window
    finally:
        bridge.close()
        assert bridge.join()


def shown(window: MainWindow) -> set[str]:
    return set(model_of(window).list_data.items)


def model_of(window: MainWindow) -> ThreadModel:
    model = window.threads.table.model()
    assert isinstance(model, ThreadModel)
    return model


def dots(window: MainWindow) -> set[str]:
    """Return the threads whose rows are marked as unread."""
    model = model_of(window)
    role = Qt.ItemDataRole.AccessibleTextRole
    return {name for name in NAMES if "not seen yet" in str(model.index_of(name).data(role))}


def test_the_dots_are_the_same_after_a_restart(qtbot: QtBot) -> None:
    asyncio.run(command(add=True))
    with app(qtbot) as window:
        assert dots(window) == set(), "all of it was there before t3tray"
        assert asyncio.run(command("alpha", "beta")) == frozenset(), "a command keeps no account of it"
        qtbot.waitUntil(lambda: dots(window) == {"alpha", "beta"}, timeout=90_000)
    with app(qtbot) as window:
        assert dots(window) == {"alpha", "beta"}
        window.show_thread("alpha")
        assert dots(window) == {"beta"}
        # The app ends at once: the read marks are stored nevertheless.
    asyncio.run(command("gamma"))
    with app(qtbot) as window:
        assert dots(window) == {"beta", "gamma"}, "one was looked at, one ended while nothing ran"
        window.show_thread("beta")
        window.show_thread("gamma")
    with app(qtbot) as window:
        assert dots(window) == set()


def test_the_app_itself_keeps_what_was_looked_at() -> None:
    def app_run(*looks: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", LOOKS, *looks], capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    asyncio.run(command(add=True))
    assert app_run() == []
    asyncio.run(command("alpha", "beta"))
    assert app_run("alpha") == ["alpha", "beta"]
    assert app_run() == ["beta"]
