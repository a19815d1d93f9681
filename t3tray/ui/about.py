"""The About window: version, purpose and licences."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray import __version__
from t3tray.messages.about import ABOUT, LICENCE, SENTENCE, libraries_line, version_line
from t3tray.resources import resource
from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.widgets.basic import column, label
from t3tray.ui.widgets.windows import WindowStyle, add_window_keys, bring_to_front

# In logical pixels.
_ICON = 64


class AboutWindow(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(ABOUT)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "page")
        icon = column("", "", "")
        icon.setFixedWidth(_ICON)
        icon.setPixmap(QIcon(str(resource("icons/t3tray.svg"))).pixmap(QSize(_ICON, _ICON), self.devicePixelRatio()))
        text = QVBoxLayout()
        text.setSpacing(GAP)
        text.addWidget(label("t3tray", size=1.35, bold=True))
        text.addWidget(label(version_line(__version__, qVersion()), "muted"))
        text.addWidget(label(SENTENCE))
        text.addWidget(label(LICENCE))
        text.addWidget(label(libraries_line(), "muted", size=0.88))
        text.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(text, 1)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        add_window_keys(self)
        WindowStyle(self)
        self.setFixedSize(NARROW, layout.totalHeightForWidth(NARROW))

    def bring_up(self) -> None:
        self.show()
        bring_to_front(self)


@cache
def about_window() -> AboutWindow:
    """Return the one About window, created on first use."""
    return AboutWindow()
