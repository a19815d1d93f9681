"""Basic widgets of every page: labels, buttons, cards, scrolling pages."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QLineEdit, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from t3tray.domain.controls import escaped
from t3tray.ui.theme import GAP, MARGIN, UNIT, scaled


def label(text: str = "", kind: str = "", *, size: float = 1.0, bold: bool = False) -> QLabel:
    """Return a label that wraps and whose text can be selected. `kind` is its role in the style sheet, `size` a factor."""
    made = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    # By default a wrapping label refuses to be narrower than its longest word; let it become higher instead.
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    made.setFont(scaled(made.font(), size, bold=bold))
    made.setProperty("kind", kind)
    return made


def column(text: str, kind: str, widest: str) -> QLabel:
    """Return a label as wide as `widest`, for a column of labels."""
    made = label(text, kind)
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Minimum)
    made.setFixedWidth(made.fontMetrics().horizontalAdvance(widest) + GAP)
    return made


def code(text: str) -> QLabel:
    """Return a label in the system's fixed-width font."""
    made = label(text)
    made.setFont(scaled(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), 0.9))
    return made


def button(text: str, kind: str = "") -> QPushButton:
    made = QPushButton(text, autoDefault=False)
    made.setProperty("kind", kind)
    return made


def field(placeholder: str, name: str) -> QLineEdit:
    """Return a line edit; `name` is its accessible name."""
    made = QLineEdit(placeholderText=placeholder)
    made.setAccessibleName(name)
    return made


def line() -> QFrame:
    made = QFrame()
    made.setFixedHeight(1)
    made.setProperty("kind", "line")
    return made


def heading(text: str) -> QLabel:
    made = label(text, "muted", size=0.88, bold=True)
    made.setContentsMargins(0, GAP, 0, 0)
    return made


class Card(QWidget):
    """A raised box with rounded corners around some widgets."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "card")
        self.inside = QVBoxLayout(self)
        self.inside.setContentsMargins(MARGIN, MARGIN - UNIT, MARGIN, MARGIN - UNIT)
        self.inside.setSpacing(GAP)


def lines_card(name: str, lines: Iterable[str], kind: str) -> Card:
    """Return a card of lines under a heading. `kind` is their role; lines that begin with a space are indented and muted."""
    card = Card()
    card.inside.setSpacing(GAP // 2)
    card.inside.addWidget(heading(name))
    for each in lines:
        inner = label(each.strip(), "muted" if each.startswith(" ") else kind)
        if each.startswith(" "):
            inner.setContentsMargins(GAP, 0, 0, 0)
        card.inside.addWidget(inner)
    card.inside.addStretch(1)
    return card


class ScrollPage(QScrollArea):
    """A page that scrolls vertically. Its widgets go into `_body`; `name` is its accessible name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)
        page = _Page()
        page.setProperty("kind", "page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._body = QVBoxLayout(page)
        self._body.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._body.setSpacing(GAP)
        self.setWidget(page)


class _Page(QWidget):
    """Has no minimum height: Qt would compute it for a narrower width, and the page would scroll too far."""

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), 0)


def set_kind(widget: QWidget, kind: str) -> None:
    """Set a widget's role in the style sheet, and restyle it if that changed."""
    if widget.property("kind") != kind:
        widget.setProperty("kind", kind)
        widget.style().polish(widget)


def clear(layout: QLayout) -> None:
    """Remove everything from a layout; hide and delete the widgets."""
    while item := layout.takeAt(0):
        if widget := item.widget():
            widget.hide()
            widget.deleteLater()
        elif inner := item.layout():
            clear(inner)


def tip(text: str) -> str:
    """Return a tooltip that shows exactly this text, whoever wrote it. Every tooltip is made by it.

    Qt takes a text that looks like HTML for rich text: it would hide parts of it, and open the files that it names.
    """
    if "<" not in text and "&" not in text:
        return text
    return f'<p style="white-space: pre-wrap">{escaped(text)}</p>'
