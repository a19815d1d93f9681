"""What the window's larger parts ask of the bridge, and what the bridge tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t3tray.qt.bridge import Bridge
from t3tray.qt.thread_page import ThreadPage

if TYPE_CHECKING:
    from t3tray.qt.window import MainWindow


def connect_conversation(page: ThreadPage, bridge: Bridge) -> None:
    """For as long as both live."""
    conversation = page.conversation
    page.follow_wanted.connect(bridge.follow)
    conversation.older_wanted.connect(bridge.show_older)
    conversation.agent_wanted.connect(bridge.show_agent)
    conversation.send_wanted.connect(bridge.send)
    conversation.stop_wanted.connect(bridge.stop_turn)
    conversation.draft_changed.connect(bridge.keep_draft)
    conversation.replied.connect(bridge.reply)
    conversation.answered.connect(bridge.answer)
    bridge.conversation_changed.connect(page.show_conversation)
    bridge.sent.connect(conversation.show_sent)
    bridge.refused.connect(conversation.show_refused)
    bridge.answer_failed.connect(conversation.show_answer_failed)


def connect_settling(window: MainWindow, bridge: Bridge) -> None:
    """A restore that is to be settled, for as long as both live."""
    window.settling_wanted.connect(bridge.plan_settling)
    bridge.settling_planned.connect(window.show_settle_plan)
    window.settling_agreed.connect(bridge.settle)
    bridge.settled.connect(window.show_settled)
