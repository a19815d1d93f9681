"""The window's bottom line: the server's state, the actions for it, and the button for the settings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from t3tray.threads.snapshot import Snapshot
from t3tray.ui.bridge import Bridge
from t3tray.ui.labels import is_trouble, server_line
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.tray.menu import SERVER_LABELS, MenuAction, server_actions
from t3tray.ui.widgets.basic import button, clear, label, set_kind, tip


class ServerLine(QWidget):
    """Emits `settings_wanted`; the server's buttons call the bridge."""

    settings_wanted = Signal()

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "bar")
        self._actions: tuple[MenuAction, ...] = ()
        self._label = label("", "muted", size=0.92)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(0)
        settings = button("Settings", "plain")
        settings.clicked.connect(self.settings_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, GAP, GAP, GAP)
        row.setSpacing(0)
        row.addWidget(self._label, 1)
        row.addLayout(self._buttons)
        row.addWidget(settings)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        server = snapshot.server
        state = server_line(server, is_short=True)
        self._label.setText(f"{state}: {server.reason}" if server.reason else state)
        self._label.setToolTip(tip("\n".join(filter(None, (server_line(server), snapshot.idle_status)))))
        set_kind(self._label, "bad" if is_trouble(server) else "muted")
        actions = server_actions(server)
        if actions == self._actions:
            return
        self._actions = actions
        clear(self._buttons)
        for action in actions:
            made = button(SERVER_LABELS[action].removesuffix(" Server"), "plain")
            made.setAccessibleName(SERVER_LABELS[action])
            made.clicked.connect(lambda _checked=False, action=action: self._bridge.run_server_action(action))
            self._buttons.addWidget(made)
