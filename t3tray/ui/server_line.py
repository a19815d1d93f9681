"""The window's last line: how the server is, what can be done with it, and the way to the settings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from t3tray.threads.snapshot import Snapshot
from t3tray.ui.labels import is_trouble, server_line
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.tray.menu import SERVER_LABELS, MenuAction, server_deeds
from t3tray.ui.widgets.basic import button, clear, label, set_kind, tip


class ServerLine(QWidget):
    """`wanted` carries the value of a `MenuAction`."""

    wanted = Signal(str)
    settings_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "bar")
        self._deeds: tuple[MenuAction, ...] = ()
        self._words = label("", "muted", size=0.92)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(0)
        settings = button("Settings", "plain")
        settings.clicked.connect(self.settings_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, GAP, GAP, GAP)
        row.setSpacing(0)
        row.addWidget(self._words, 1)
        row.addLayout(self._buttons)
        row.addWidget(settings)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        server = snapshot.server
        told = server_line(server, is_short=True)
        self._words.setText(f"{told}: {server.reason}" if server.reason else told)
        self._words.setToolTip(tip("\n".join(filter(None, (server_line(server), snapshot.idle_status)))))
        set_kind(self._words, "bad" if is_trouble(server) else "muted")
        deeds = server_deeds(server)
        if deeds == self._deeds:
            return
        self._deeds = deeds
        clear(self._buttons)
        for deed in deeds:
            made = button(SERVER_LABELS[deed].removesuffix(" Server"), "plain")
            made.setAccessibleName(SERVER_LABELS[deed])
            made.clicked.connect(lambda _checked=False, deed=deed: self.wanted.emit(deed.value))
            self._buttons.addWidget(made)
