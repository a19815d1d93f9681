"""The window as a program of its own, without a core. It prints its appearance: the background that is drawn, the palette of
menus and dialogs, whether new text is in the fixed font. Each line on stdin is an appearance to follow, or empty to end."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from PySide6.QtCore import QSocketNotifier, QTimer
from PySide6.QtGui import QFontInfo
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from t3tray.threads.snapshot import Snapshot
from t3tray.ui.appearance import Appearance
from t3tray.ui.widgets.basic import code
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import READY, row


def main() -> None:
    application = QApplication(sys.argv[:1])
    application.setFont(application.font())
    application.setQuitOnLastWindowClosed(False)
    appearance = Appearance(application)
    window = MainWindow(idle_bridge(), lambda: datetime.now(UTC))
    window.resize(940, 640)
    window.show_snapshot(Snapshot(READY, (row("a"),)))
    window.show()
    menu, told = QMenu(), [""]
    code("The fixed font is asked for.")

    def tell() -> None:
        menu.ensurePolished()
        ground = window.grab().toImage().pixelColor(window.width() // 2, window.height() // 2)
        parts = [ground.lightness() < 128, menu.palette().window().color().lightness() < 128]
        looks = " ".join("dark" if part else "light" for part in parts)
        now = f"{looks} {'fixed' if QFontInfo(QLabel().font()).fixedPitch() else 'usual'}"
        if now != told[0]:
            told[0] = now
            print(now, flush=True)

    def follow() -> None:
        wanted = sys.stdin.readline().strip()
        if wanted:
            appearance.follow(wanted)
        else:
            application.quit()

    asked = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    asked.activated.connect(follow)
    looking = QTimer(interval=50)
    looking.timeout.connect(tell)
    looking.start()
    application.exec()


if __name__ == "__main__":
    main()
