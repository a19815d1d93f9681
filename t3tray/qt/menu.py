"""The tray's menu as plain values: what it says and what each entry does. Drawing it is `tray`'s. No PySide6 here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from t3tray.core.domain.server import ServerState, ServerStatus
from t3tray.core.domain.verdict import Kind
from t3tray.core.services.views import Overview, ThreadRow
from t3tray.qt.words import folder_name, mark, reaper_line, server_line, shortened

RECENT = 10
_TITLE = 40


class Deed(StrEnum):
    """What an entry does. RESUME and EXPLAIN are about the thread that the entry names."""

    OPEN = "open"
    RESUME = "resume"
    EXPLAIN = "explain"
    NEW_THREAD = "new-thread"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    SETTINGS = "settings"
    QUIT = "quit"


@dataclass(frozen=True)
class Item:
    """One entry; without a deed it only says something. An empty label is a separator."""

    label: str
    deed: Deed | None = None
    thread_id: str = ""


SEPARATOR = Item("")
_CAN_START = frozenset({ServerState.STOPPED, ServerState.FAILED})
_CAN_STOP = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNRESPONSIVE, ServerState.WAITING})
_CAN_RESTART = frozenset({ServerState.READY, ServerState.UNRESPONSIVE, ServerState.FAILED})


def menu_of(overview: Overview | None) -> tuple[Item, ...]:
    """The whole menu. The first entry opens the window: on macOS a click on the icon does nothing but open the menu."""
    opening = (Item("Open t3tray", Deed.OPEN), SEPARATOR)
    closing = (Item("New Thread…", Deed.NEW_THREAD), Item("Settings…", Deed.SETTINGS), Item("Quit t3tray", Deed.QUIT))
    if overview is None:
        return (*opening, Item("Reading your threads…"), SEPARATOR, *closing)
    return (*opening, *_reaper(overview), *_threads(overview), SEPARATOR, *_server(overview.server), SEPARATOR, *closing)


def server_deeds(server: ServerStatus) -> tuple[Deed, ...]:
    """What can be done with the server in its state; nothing with one that is not ours."""
    able = ((Deed.START, _CAN_START), (Deed.STOP, _CAN_STOP), (Deed.RESTART, _CAN_RESTART))
    return tuple(deed for deed, states in able if server.state in states)


SERVER_LABELS = {Deed.START: "Start Server", Deed.STOP: "Stop Server", Deed.RESTART: "Restart Server"}


def _reaper(overview: Overview) -> tuple[Item, ...]:
    line = reaper_line(overview)
    return (Item(line), SEPARATOR) if line else ()


def _threads(overview: Overview) -> tuple[Item, ...]:
    if not overview.rows:
        return (Item("No threads yet"),)
    recent = sorted(overview.rows, key=lambda row: row.thread.last_activity_at, reverse=True)[:RECENT]
    return tuple(_thread(row) for row in recent)


def _thread(row: ThreadRow) -> Item:
    label = f"{mark(row.verdict)}  {shortened(row.thread.title, _TITLE)} — {folder_name(row.thread.directory)}"
    deed = Deed.RESUME if row.verdict.kind is Kind.RESUMABLE else Deed.EXPLAIN
    return Item(label, deed, row.thread.id)


def _server(server: ServerStatus) -> tuple[Item, ...]:
    return (Item(server_line(server)), *(Item(SERVER_LABELS[deed], deed) for deed in server_deeds(server)))
