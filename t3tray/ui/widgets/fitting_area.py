"""A part of a page that is as high as its content, up to a share of the page's height; beyond that it scrolls."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class FittingArea(QScrollArea):
    """A scroll area with a fitted height. `share` is its maximum height, as a fraction of the parent widget's."""

    def __init__(self, inside: QWidget, name: str, share: float) -> None:
        super().__init__()
        self._share = share
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(name)
        inside.setProperty("kind", "page")
        inside.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(inside)
        inside.installEventFilter(self)

    def fit(self) -> None:
        """Set the height that the content needs. `widgetResizable` would use other size hints, and stretch the content."""
        inside, page = self.widget(), self.parentWidget()
        if inside is None or page is None or not self.isVisibleTo(page):
            return
        if layout := inside.layout():
            layout.activate()
        width = self.viewport().width()
        height = inside.heightForWidth(width) if inside.hasHeightForWidth() else inside.sizeHint().height()
        inside.resize(width, height)
        self.setFixedHeight(min(height, int(page.height() * self._share)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return super().eventFilter(watched, event)
