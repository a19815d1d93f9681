"""Light and dark on a real X server: as the desktop's portal says, at once; or as the user has set it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from tests.support.desktop import Desktop
from tests.support.portal import DARK, LIGHT, Portal

CEILING = 90.0


class Look:
    """The window's program. `until` waits for a report of its appearance."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, wanted: str) -> None:
        """Wait for an appearance; every report on the way has the usual font."""
        while (told := self._told.get(timeout=CEILING)) != wanted:
            assert told.endswith("usual"), told

    def follow(self, appearance: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{appearance}\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._told.put(line.strip())


@contextmanager
def shown(desktop: Desktop, name: str) -> Iterator[Look]:
    environment = {**os.environ, **desktop.environment, "XDG_CURRENT_DESKTOP": name}
    command = [sys.executable, "-m", "tests.support.appearance_program"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Look(process)
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["GNOME", "XFCE"])
def test_the_window_is_dark_when_the_desktop_says_so_and_light_again_at_once(tmp_path: Path, name: str) -> None:
    with (
        Desktop(tmp_path) as desktop,
        Portal(desktop.environment["DBUS_SESSION_BUS_ADDRESS"], DARK) as portal,
        shown(desktop, name) as look,
    ):
        look.until("dark dark usual")
        portal.change(LIGHT)
        look.until("light light usual")
        portal.change(DARK)
        look.until("dark dark usual")
        look.follow("light")
        look.until("light light usual")
        look.follow("system")
        look.until("dark dark usual")


def test_what_the_user_sets_is_seen_where_the_desktop_says_nothing(tmp_path: Path) -> None:
    with Desktop(tmp_path) as desktop, shown(desktop, "") as look:
        look.until("light light usual")
        look.follow("dark")
        look.until("dark dark usual")
        look.follow("system")
        look.until("light light usual")
