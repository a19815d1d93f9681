"""Sentences on what t3tray found on this machine, and for each thing that is missing the one step to take."""

from __future__ import annotations

from t3tray.domain.inventory import AutostartState, FoundHome, FoundProgram, Inventory, InventoryItem, ItemState
from t3tray.domain.versions import NEXT, numbers_of
from t3tray.messages.versions import trouble_with_version

INSTALL = "curl -fsSL https://opencode.ai/install | bash"


INSTALL_WITH_NPM = "npm install -g opencode-ai"


INSTALL_1 = "npm install -g opencode-ai@1"


def items(found: Inventory) -> tuple[InventoryItem, ...]:
    """Return all items, OpenCode first."""
    homes = (_home(home) for home in found.homes)
    return (_program(found.program), *homes, _keyring(found.keyring), *_notices(found.notices), _data(found))


def tray_item(is_there: bool, desktop: str) -> InventoryItem:
    """Return whether the desktop shows the icon. `desktop` is its name in XDG_CURRENT_DESKTOP."""
    if is_there:
        return InventoryItem("Icon", ItemState.FINE, "t3tray's icon is in the menu bar or tray.")
    text = "This desktop shows no tray icons, so t3tray shows its window; starting t3tray again brings it up."
    if "gnome" in desktop.lower():
        return InventoryItem(
            "Icon", ItemState.NOTED, text, "On GNOME the extension “AppIndicator and KStatusNotifierItem Support” brings them."
        )
    return InventoryItem("Icon", ItemState.NOTED, text)


def megabytes(size: int) -> str:
    """Format a size in bytes."""
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
        text = f"{found.path} is there, but does not say its version when it is asked."
        return InventoryItem(
            "OpenCode", ItemState.NOTED, text, "Try it in a terminal: it may need to be installed anew.", (found.path,)
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
    """Return what a home contains in a few words."""
    if not home.is_there:
        return "No T3 Code in it"
    return f"{'Running now' if home.runs else 'Not running now'}. {home.trouble or _threads(home)}"


def _home(home: FoundHome) -> InventoryItem:
    if not home.is_there:
        text = f"There is no T3 Code in {home.path}."
        if home.added_as:
            return InventoryItem("T3 Code", ItemState.MISSING, text, "Remove the folder in Settings, or add the right one.")
        advice = "If you use it with another folder, add that in Settings. t3tray works without T3 Code too."
        return InventoryItem("T3 Code", ItemState.NOTED, text, advice)
    runs = "running now" if home.runs else "not running now"
    if home.trouble:
        text = f"T3 Code in {home.path}, {runs}; its threads cannot be read: {home.trouble}"
        return InventoryItem("T3 Code", ItemState.NOTED, text, "Its folder is watched. Look for a newer t3tray.")
    return InventoryItem("T3 Code", ItemState.FINE, f"{home.path}, {runs}. {_threads(home)}")


def _threads(home: FoundHome) -> str:
    if not home.threads:
        return "No threads in it yet."
    held = {0: "none of them is", 1: "1 of them is"}.get(home.ours, f"{home.ours} of them are")
    return f"{home.threads} {'thread' if home.threads == 1 else 'threads'}, {held} OpenCode's."


def _keyring(name: str) -> InventoryItem:
    if name:
        return InventoryItem("Keyring", ItemState.FINE, f"The server's password is kept in {name}.")
    text = "This session has no keyring, so the server's password is kept in a file that only you can read."
    return InventoryItem("Keyring", ItemState.NOTED, text)


def _notices(trouble: str | None) -> tuple[InventoryItem, ...]:
    if trouble is None:
        return ()
    if not trouble:
        return (InventoryItem("Notifications", ItemState.FINE, "The desktop shows t3tray's notifications."),)
    return (
        InventoryItem(
            "Notifications",
            ItemState.NOTED,
            trouble,
            "Everything that a notification would say is in the window and the menu too.",
        ),
    )


def _data(found: Inventory) -> InventoryItem:
    kept = f", with {megabytes(found.vault)} of what your threads said" if found.vault else ""
    return InventoryItem("Data", ItemState.FINE, f"t3tray keeps everything of its own in {found.data}{kept}.")


def starts_another(what: str) -> AutostartState:
    """Return the state "on, but for another copy, or for one that has been moved"."""
    return AutostartState(
        True,
        f"Another copy of t3tray, or one that has moved, is set to start: {what}. Turn it off and on to start this one.",
        is_ours=False,
    )


def autostart_blocked(who: str) -> AutostartState:
    return AutostartState(False, f"{who} keeps t3tray from starting. Turn it on again here, or there.")


def unreadable(why: object) -> AutostartState:
    return AutostartState(False, f"It cannot be said whether t3tray starts: {why}.", is_ours=False)
