"""What the conversation of the thread page asks of the bridge, and what the bridge tells it."""

from __future__ import annotations

from t3tray.qt.bridge import Bridge
from t3tray.qt.thread_page import ThreadPage


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
