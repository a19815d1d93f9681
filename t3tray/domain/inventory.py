"""What t3tray found on this machine, and what is missing with the one thing to do about it. The only place where that is said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from t3tray.domain.versions import NEXT, numbers_of, trouble_with_version

INSTALL = "curl -fsSL https://opencode.ai/install | bash"
INSTALL_WITH_NPM = "npm install -g opencode-ai"
INSTALL_1 = "npm install -g opencode-ai@1"


@dataclass(frozen=True)
class FoundProgram:
    """`path` is empty where there is none. `places` are then where it was looked for: nowhere, where the settings name one that
    is not there, as `trouble` says."""

    path: str = ""
    version: str = ""
    trouble: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundHome:
    """A home of T3 Code, there or not. `threads` are all in it, `ours` those that talk to OpenCode; `trouble` says why none of
    them can be read. `added_as` is how the settings name it, empty for the one that is looked at anyway."""

    path: str
    is_there: bool = False
    runs: bool = False
    threads: int = 0
    ours: int = 0
    trouble: str = ""
    added_as: str = ""


@dataclass(frozen=True)
class Inventory:
    """`keyring` is what the system calls its own, empty where there is none; `vault` is its size in bytes; `notices` says why the
    desktop shows none, empty where it does, None where nobody asked."""

    program: FoundProgram
    homes: tuple[FoundHome, ...]
    keyring: str
    data: str
    vault: int
    notices: str | None = None


class ItemState(StrEnum):
    """FINE needs nothing; NOTED works, but in a lesser way; MISSING wants the user."""

    FINE = "fine"
    NOTED = "noted"
    MISSING = "missing"


@dataclass(frozen=True)
class InventoryItem:
    """One thing that was looked for. `advice` is the one thing to do, `commands` any of which does it."""

    name: str
    standing: ItemState
    sentence: str
    advice: str = ""
    commands: tuple[str, ...] = ()


def items(found: Inventory) -> tuple[InventoryItem, ...]:
    """What is said of all of it, OpenCode first."""
    homes = (_home(home) for home in found.homes)
    return (_program(found.program), *homes, _keyring(found.keyring), *_notices(found.notices), _data(found))


def tray_item(is_there: bool, desktop: str) -> InventoryItem:
    """Whether the desktop shows the icon. `desktop` is what it calls itself, as XDG_CURRENT_DESKTOP has it."""
    if is_there:
        return InventoryItem("Icon", ItemState.FINE, "t3tray's icon is in the menu bar or tray.")
    said = "This desktop shows no tray icons, so t3tray shows its window; starting t3tray again brings it up."
    if "gnome" in desktop.lower():
        return InventoryItem(
            "Icon", ItemState.NOTED, said, "On GNOME the extension “AppIndicator and KStatusNotifierItem Support” brings them."
        )
    return InventoryItem("Icon", ItemState.NOTED, said)


def megabytes(size: int) -> str:
    """A size in bytes, for people."""
    return "less than 1 MB" if 0 < size < 500_000 else f"{size / 1e6:,.0f} MB"


def _program(found: FoundProgram) -> InventoryItem:
    if not found.path and not found.places:
        return InventoryItem(
            "OpenCode", ItemState.MISSING, found.trouble, "Correct it in Settings, or clear it to have OpenCode looked for."
        )
    if not found.path:
        advice = "Install it with one of these in a terminal, then look again. Is it installed? Name the program in Settings."
        return InventoryItem("OpenCode", ItemState.MISSING, "There is no OpenCode here.", advice, (INSTALL, INSTALL_WITH_NPM))
    if not found.version:
        said = f"{found.path} is there, but does not say its version when it is asked."
        return InventoryItem(
            "OpenCode", ItemState.NOTED, said, "Try it in a terminal: it may need to be installed anew.", (found.path,)
        )
    trouble, _ = trouble_with_version(found.version, found.path)
    if trouble:
        numbers = numbers_of(found.version)
        if numbers is not None and numbers[0] >= NEXT:
            return InventoryItem(
                "OpenCode", ItemState.MISSING, trouble, "Name an OpenCode 1 in Settings, or install one.", (INSTALL_1,)
            )
        return InventoryItem("OpenCode", ItemState.MISSING, trouble, "Bring it up to date.", ("opencode upgrade",))
    return InventoryItem("OpenCode", ItemState.FINE, f"OpenCode {found.version} at {found.path}.")


def home_summary(home: FoundHome) -> str:
    """What is in it, in a few words."""
    if not home.is_there:
        return "No T3 Code in it"
    return f"{'Running now' if home.runs else 'Not running now'}. {home.trouble or _threads(home)}"


def _home(home: FoundHome) -> InventoryItem:
    if not home.is_there:
        said = f"There is no T3 Code in {home.path}."
        if home.added_as:
            return InventoryItem("T3 Code", ItemState.MISSING, said, "Remove the folder in Settings, or add the right one.")
        advice = "If you use it with another folder, add that in Settings. t3tray works without T3 Code too."
        return InventoryItem("T3 Code", ItemState.NOTED, said, advice)
    runs = "running now" if home.runs else "not running now"
    if home.trouble:
        said = f"T3 Code in {home.path}, {runs}; its threads cannot be read: {home.trouble}"
        return InventoryItem("T3 Code", ItemState.NOTED, said, "Its folder is watched. Look for a newer t3tray.")
    return InventoryItem("T3 Code", ItemState.FINE, f"{home.path}, {runs}. {_threads(home)}")


def _threads(home: FoundHome) -> str:
    if not home.threads:
        return "No threads in it yet."
    held = {0: "none of them is", 1: "1 of them is"}.get(home.ours, f"{home.ours} of them are")
    return f"{home.threads} {'thread' if home.threads == 1 else 'threads'}, {held} OpenCode's."


def _keyring(name: str) -> InventoryItem:
    if name:
        return InventoryItem("Keyring", ItemState.FINE, f"The server's password is kept in {name}.")
    said = "This session has no keyring, so the server's password is kept in a file that only you can read."
    return InventoryItem("Keyring", ItemState.NOTED, said)


def _notices(trouble: str | None) -> tuple[InventoryItem, ...]:
    if trouble is None:
        return ()
    if not trouble:
        return (InventoryItem("Notices", ItemState.FINE, "The desktop shows t3tray's notices."),)
    return (
        InventoryItem(
            "Notices", ItemState.NOTED, trouble, "Everything that a notice would tell is in the window and the menu too."
        ),
    )


def _data(found: Inventory) -> InventoryItem:
    kept = f", with {megabytes(found.vault)} of what your threads said" if found.vault else ""
    return InventoryItem("Data", ItemState.FINE, f"t3tray keeps everything of its own in {found.data}{kept}.")
