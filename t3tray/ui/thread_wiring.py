"""What the window and its larger parts ask of the bridge, and what the bridge tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t3tray.ui.bridge import Bridge
from t3tray.ui.threads.thread_page import ThreadPage

if TYPE_CHECKING:
    from t3tray.ui.window import MainWindow


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


def connect_window(window: MainWindow, bridge: Bridge) -> None:
    """All that goes between these two alone, for as long as both live."""
    window.look_wanted.connect(bridge.look_at)
    window.resume_wanted.connect(bridge.resume_in_terminal)
    window.check_wanted.connect(bridge.resume)
    window.remedy_wanted.connect(bridge.preview)
    window.remedy_agreed.connect(bridge.apply)
    bridge.previewed.connect(window.show_preview)
    bridge.remedied.connect(window.show_remedied)
    window.t3code_wanted.connect(bridge.open_in_t3code)
    window.acknowledged.connect(bridge.acknowledge)
    window.visited.connect(bridge.visit)
    bridge.told.connect(window.show_note)
    window.thread_wanted.connect(bridge.new_thread)
    window.protection_agreed.connect(bridge.protect)
    bridge.protection_changed.connect(window.show_protection)
    bridge.autostart_told.connect(window.guard_sheet.show_login)
    window.inventory_wanted.connect(bridge.take_inventory)
    window.stop_wanted.connect(bridge.stop_work)
    bridge.working_changed.connect(window.show_working)
    window.rename_wanted.connect(bridge.rename)
    window.archive_wanted.connect(bridge.archive)
    window.reply_wanted.connect(bridge.reply)
    window.answer_wanted.connect(bridge.answer)
    window.text_wanted.connect(bridge.search)
    bridge.saying_found.connect(window.threads.show_message_hits)
    bridge.search_failed.connect(window.threads.show_search_failed)
    connect_settling(window, bridge)
    connect_conversation(window.page, bridge)


def connect_settling(window: MainWindow, bridge: Bridge) -> None:
    """A restore that is to be settled, for as long as both live."""
    window.settling_wanted.connect(bridge.plan_settling)
    bridge.settling_planned.connect(window.show_settle_plan)
    window.settling_agreed.connect(bridge.settle)
    bridge.settled.connect(window.show_settled)
