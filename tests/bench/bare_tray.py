"""The smallest tray app that PySide6 allows: what the icon of t3tray is compared with."""

from __future__ import annotations

import sys

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

app = QApplication(sys.argv[:1])
tray = QSystemTrayIcon(QIcon(sys.argv[1]))
menu = QMenu()
menu.addAction("Quit", app.quit)
tray.setContextMenu(menu)
tray.setToolTip("bare")
tray.show()
sys.exit(app.exec())
