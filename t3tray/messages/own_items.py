"""Sentences on what t3tray has outside of its program: its app entry, its command in the shell, and their removal."""

from __future__ import annotations

from collections.abc import Iterable

from t3tray.domain.own_item import ItemOutcome

OUTCOMES = {
    ItemOutcome.WRITTEN: "written",
    ItemOutcome.UNCHANGED: "unchanged",
    ItemOutcome.PLANNED: "would be removed",
    ItemOutcome.REMOVED: "removed",
    ItemOutcome.NOTHING: "nothing there",
    ItemOutcome.FAILED: "failed",
}

# By it a file is recognised as ours; the command that wrote it follows.
MARK = "Written by t3tray app"
REMOVE_IT_FIRST = "Nothing was changed. Move it away first, if you want t3tray's there."
# Windows.
NO_START_MENU = "The Start-menu entry of t3tray is made by its installer; the Python package has no way to make one."
PIN_IT = "Search for t3tray.exe in the folder of your Python's scripts, right-click it, and choose Pin to Start."
NO_LINK_HERE = "Windows has no folder for links to programs."


def add_to_path(folder: object) -> str:
    return f"Add {folder} to Path in your account's environment variables; `t3trayc` is then the command."


def is_app_already(path: object) -> str:
    return f"This t3tray is an app already: {path}."


def is_command_already(path: object) -> str:
    return f"`t3tray` is this program already: {path}."


def not_on_path(folder: object, profile: str) -> str:
    """`profile` is the file that the user's shell reads at login."""
    return f'Your shell does not search {folder}. Add this line to {profile}: export PATH="{folder}:$PATH"'


def other_command_first(path: object) -> str:
    return f"Your shell finds another t3tray first: {path}."


def not_ours(path: object) -> str:
    return f"{path} was not written by t3tray."


def cannot_be_written(path: object, why: object) -> str:
    return f"{path} cannot be written: {why}."


def cannot_be_removed(path: object, why: object) -> str:
    return f"{path} cannot be removed: {why}."


def icon_not_drawn(why: str) -> str:
    return f"The app's icon could not be drawn: {why}"


T3CODE_FIRST = "It was left as it is: T3 Code may still reach OpenCode through it, because its settings were not restored."
STILL_RUNS = "It was left as it is: t3tray or its server may still use it."
HOW_TO_RESTORE = "Wait, or end a running turn with `t3tray guard off --interrupt`; then try again."
QUIT_IT = "Choose Quit in the menu of t3tray's icon, then try again."
OTHER_DATA = "It starts t3tray with another data folder. `t3tray app remove` removes it."
UNKNOWN_HOME = "t3tray has changed the settings of a T3 Code whose folder is not known here, or is not there now."
NOT_OUR_SERVER = "t3tray uses this server, but did not start it."


def name_the_home(record: object) -> str:
    """`record` is the file with what was changed there."""
    return f"Make that folder available, or set T3CODE_HOME to it, and try again. If it is gone for good, remove {record} first."


def process(pid: int) -> str:
    return f"process {pid}"


def would_wait_for(titles: Iterable[str]) -> str:
    """`titles` are the threads of T3 Code in which a turn is running now."""
    return f"Refused while a turn is running in {', '.join(f'“{title}”' for title in titles)}."


def does_not_end(pid: int | None) -> str:
    return (
        f"t3tray (process {pid}) does not end. Stop it with: kill {pid}" if pid else "t3tray is running, and does not say where."
    )


def data_stays(folder: object, size: str) -> str:
    return f"Your data stays in {folder} ({size}); `--data` removes it too."
