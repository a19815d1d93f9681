"""The list of screenshots, and the steps to each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QLabel, QWidget

from t3tray.demo.table import Fate, thread_of
from t3tray.ui.settings.settings_window import SettingsWindow
from t3tray.ui.threads.thread_list_data import ListSection
from tests.screenshots.stage import COMPACT, WIDE, Stage

_BOTH = (1, 2)
_PARSER = thread_of(Fate.KEPT).title


@dataclass(frozen=True)
class Screen:
    """A screenshot. `best`: it is in the README, at both scales. `show` returns the widget to take, None if it does not exist."""

    name: str
    show: Callable[[Stage], QWidget | None]
    best: bool = False


def take_all(stage: Stage) -> list[str]:
    """Take every screenshot; return the names of those that could not be taken."""
    missing = []
    for screen in SCREENS:
        shown = screen.show(stage)
        if shown:
            stage.shoot(screen.name, shown, _BOTH if screen.best else (1,))
        else:
            missing.append(screen.name)
    return missing


def _wide(stage: Stage) -> QWidget | None:
    # Until then the list would move below the selection.
    stage.until(lambda: stage.is_alarmed(thread_of(Fate.SWITCHES).title), "the switch")
    # The list of a user who has already closed the section of blocked threads.
    stage.fold(ListSection.CANNOT_RESUME, False)
    stage.choose(_PARSER)
    stage.tab("Conversation")
    return stage.window


def _compact(stage: Stage) -> QWidget | None:
    stage.fold(ListSection.CANNOT_RESUME, True)
    stage.show_list(COMPACT)
    return stage.window


def _blocked(stage: Stage) -> QWidget | None:
    stage.choose(thread_of(Fate.DELETED).title)
    stage.tab("Conversation")
    return stage.window


def _remedy(stage: Stage) -> QWidget | None:
    _blocked(stage)
    return stage.window if stage.press("Carry the Conversation Over") else None


def _alarm(stage: Stage) -> QWidget | None:
    stage.choose(thread_of(Fate.SWITCHES).title)
    return stage.window


def _heal(stage: Stage) -> QWidget | None:
    _alarm(stage)
    return stage.window if stage.press("Give T3 Code Its Memory Back") else None


def _page(stage: Stage) -> QWidget | None:
    stage.choose(_PARSER, COMPACT)
    stage.tab("Conversation")
    return stage.window


def _part(name: str) -> Callable[[Stage], QWidget | None]:
    def show(stage: Stage) -> QWidget | None:
        stage.choose(_PARSER)
        # A check creates a receipt.
        stage.press("Check")
        stage.wait(1500)
        return stage.window if stage.tab(name) else None

    return show


def _ask(stage: Stage) -> QWidget | None:
    stage.choose(thread_of(Fate.ASKS_FOR_LEAVE).title)
    return stage.window if stage.tab("Conversation") else None


def _question(stage: Stage) -> QWidget | None:
    stage.choose(thread_of(Fate.ASKS).title)
    return stage.window if stage.tab("Conversation") else None


def _agent(stage: Stage) -> QWidget | None:
    stage.choose(thread_of(Fate.AGENT_WORKS).title)
    # The sub-agent's own messages are below the call.
    return stage.window if stage.tab("Conversation") and stage.press("explore:") and stage.press("Newest") else None


def _history(stage: Stage) -> QWidget | None:
    """Show the history after a remedy."""
    if not (_remedy(stage) and stage.press("Carry It Over")):
        return None
    stage.wait(3000)
    stage.choose(thread_of(Fate.DELETED).title)
    stage.window.threads.table.scrollToTop()
    return stage.window if stage.tab("History") else None


def _settings(stage: Stage) -> QWidget | None:
    stage.press("Settings")
    settings = stage.top(SettingsWindow)
    if settings:
        stage.until(
            lambda: any("of them are OpenCode's" in each.text() for each in settings.findChildren(QLabel)), "what was found"
        )
    return settings


def _first_start(stage: Stage) -> QWidget | None:
    settings = stage.top(SettingsWindow)
    if settings:
        settings.close()
    stage.window.resize(WIDE)
    stage.window.show_found()
    stage.wait(3000)
    return stage.window


def _menu(stage: Stage) -> QWidget | None:
    return stage.menu


SCREENS = (
    Screen("window", _wide, best=True),
    Screen("list", _compact, best=True),
    Screen("blocked", _blocked, best=True),
    Screen("remedy", _remedy, best=True),
    Screen("alarm", _alarm, best=True),
    Screen("heal", _heal),
    Screen("ask", _ask, best=True),
    Screen("question", _question),
    Screen("sub-agent", _agent),
    Screen("page", _page),
    Screen("receipt", _part("Receipt")),
    Screen("details", _part("Details")),
    Screen("menu", _menu),
    Screen("settings", _settings),
    Screen("first-start", _first_start),
    Screen("history", _history),
)
