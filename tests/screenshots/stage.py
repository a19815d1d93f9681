"""Operates the app as a person does, from within its process: by its visible widgets, waiting for results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QTabBar, QWidget

from t3tray.demo.table import THREADS
from t3tray.ui.appearance import follow_appearance
from t3tray.ui.theme import colours
from t3tray.ui.threads.thread_list_data import ListSection
from t3tray.ui.threads.thread_model import ThreadModel
from t3tray.ui.window import MainWindow

W = TypeVar("W", bound=QWidget)
WIDE, COMPACT = QSize(1080, 760), QSize(420, 760)
_LIMIT = 60.0
_LOOK_MS = 50
# In ms: time for a layout and a late detail.
_SETTLE_MS = 500


class Stage:
    """Operates the app. `shoot` writes a screenshot in both colour schemes."""

    def __init__(self, qt: QApplication, target: Path) -> None:
        self._qt = qt
        self._target = target

    @property
    def window(self) -> MainWindow:
        return next(each for each in self._qt.topLevelWidgets() if isinstance(each, MainWindow))

    @property
    def menu(self) -> QMenu:
        """The tray's menu."""
        menus = [each for each in self._qt.topLevelWidgets() if isinstance(each, QMenu)]
        menu = next(menu for menu in menus if any(action.text().startswith("Open t3tray") for action in menu.actions()))
        menu.ensurePolished()
        menu.resize(menu.sizeHint())
        return menu

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Run the event loop until a condition holds. Raises TimeoutError."""
        deadline = time.monotonic() + _LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {_LIMIT:.0f} s")
            self.wait(_LOOK_MS)

    def wait(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def is_alarmed(self, title: str) -> bool:
        """Whether the list shows an alarm for this thread."""
        model = self.window.threads.table.model()
        assert isinstance(model, ThreadModel)
        return any(thread.id in model.list_data.unseen for thread in THREADS if thread.title == title)

    def choose(self, title: str, size: QSize = WIDE) -> None:
        """Show a thread's page, in a window of this size."""
        self.window.resize(size)
        thread_id = next(thread.id for thread in THREADS if thread.title == title)
        self.window.show_thread(thread_id)
        # A widget with the focus would have a focus frame in the screenshot.
        self.window.threads.table.setFocus()
        self.wait(_SETTLE_MS)

    def show_list(self, size: QSize) -> None:
        self.window.resize(size)
        back = self.button("← Threads")
        if back:
            back.click()
        self.window.threads.table.scrollToTop()
        self.wait(_SETTLE_MS)

    def fold(self, section: ListSection, is_open: bool) -> None:
        """Close or open a section of the list."""
        model = self.window.threads.table.model()
        assert isinstance(model, ThreadModel)
        model.set_open(section, is_open)
        self.window.threads.table.scrollToTop()

    def tab(self, name: str) -> bool:
        """Select a tab of the page; return False if there is none of this name."""
        for bar in self.window.findChildren(QTabBar):
            for number in range(bar.count()):
                if bar.tabText(number).replace("&", "").startswith(name):
                    bar.setCurrentIndex(number)
                    self.wait(_SETTLE_MS)
                    return True
        return False

    def button(self, words: str) -> QAbstractButton | None:
        """Return the visible button whose label contains this text."""
        found = self.window.findChildren(QAbstractButton)
        return next((each for each in found if each.isVisible() and words in each.text()), None)

    def press(self, words: str) -> bool:
        """Press a button; return False if there is none."""
        found = self.button(words)
        if found:
            found.click()
            self.wait(_SETTLE_MS)
        return found is not None

    def top(self, kind: type[W]) -> W | None:
        """Return a visible window of this type."""
        return next((each for each in self._qt.topLevelWidgets() if isinstance(each, kind) and each.isVisible()), None)

    def shoot(self, name: str, shown: QWidget, scales: tuple[int, ...] = (1,)) -> None:
        """Take a screenshot of a window, light and dark, at these scales."""
        for scheme in ("light", "dark"):
            follow_appearance(scheme)
            self.wait(_SETTLE_MS)
            for scale in scales:
                suffix = "" if scale == 1 else f"@{scale}x"
                picture = _few_colours(_picture(shown, scale))
                # Quality 0 gives the smallest file.
                assert picture.save(str(self._target / f"{name}-{scheme}{suffix}.png"), quality=0)
        follow_appearance("light")


def _picture(widget: QWidget, scale: int) -> QImage:
    """Draw the widget at this scale, as on a screen with that device pixel ratio."""
    picture = QImage(widget.size() * scale, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(scale)
    picture.fill(widget.palette().color(QPalette.ColorRole.Window))
    widget.render(picture)
    return picture


def _few_colours(picture: QImage) -> QImage:
    """Reduce to the most frequent colours: a fifth of the size, without a visible difference.

    An icon of a few pixels keeps its colour too.
    """
    counts = Counter(memoryview(picture.constBits()).cast("I"))
    scheme = colours()
    grounds, inks = (scheme.base, scheme.raised), (scheme.good, scheme.unsure, scheme.bad, scheme.accent_text)
    edges = [_between(ink, ground, share) for ink in inks for ground in grounds for share in (0.8, 0.6, 0.4, 0.2)]
    roles = dict.fromkeys((*(colour.rgb() for colour in vars(scheme).values()), *edges))
    table = [*roles, *(colour for colour, _ in counts.most_common(256) if colour not in roles)][:256]
    return picture.convertToFormat(QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.AvoidDither)


def _between(ink: QColor, ground: QColor, share: float) -> int:
    """Whether a colour is a mixture of two others, as at the edge of a letter."""
    parts = zip((ink.red(), ink.green(), ink.blue()), (ground.red(), ground.green(), ground.blue()), strict=True)
    return QColor(*(round(mine * share + below * (1 - share)) for mine, below in parts)).rgb()
