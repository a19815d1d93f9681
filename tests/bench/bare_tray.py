"""The smallest possible tray app with PySide6, as the reference for t3tray's icon."""

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
