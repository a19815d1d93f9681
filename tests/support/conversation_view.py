"""Helpers for a conversation view: what it shows, and where."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.view import ConversationView


def settle(view: ConversationView) -> None:
    """Wait until the view has laid out everything, which takes several passes."""
    while view.is_due:
        QApplication.processEvents()


T = TypeVar("T", bound=QWidget)


def shown(view: ConversationView, kind: type[T]) -> list[T]:
    """Return the drawn rows of this class (QWidget for all), from top to bottom."""
    settle(view)
    return shown_now(view, kind)


def shown_now(view: ConversationView, kind: type[T]) -> list[T]:
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    (canvas,) = view.viewport().findChildren(QWidget, options=direct)
    found = [child for child in canvas.findChildren(kind, options=direct)]
    return sorted((child for child in found if not child.isHidden()), key=lambda child: child.y())


def words(view: ConversationView) -> str:
    settle(view)
    return "\n".join(prose.toPlainText() for prose in view.findChildren(Prose) if prose.isVisible())


def top(view: ConversationView) -> int:
    settle(view)
    return view.verticalScrollBar().value()


def scroll_to(view: ConversationView, value: int) -> None:
    settle(view)
    view.verticalScrollBar().setValue(value)
    settle(view)


def place_of(view: ConversationView, text: str) -> int:
    """Return the distance in px of a text from the view's top edge."""
    settle(view)
    (found,) = (prose for prose in view.findChildren(Prose) if prose.isVisible() and text in prose.toPlainText())
    return found.mapTo(view, found.rect().topLeft()).y()
