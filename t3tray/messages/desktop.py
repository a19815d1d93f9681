"""Sentences on the desktop and the operating system: displays, notification services, start at login, keyrings."""

from __future__ import annotations

# Why the desktop shows no notifications: by the message bus, and by macOS's notification centre.
NO_BUS = "This session has no message bus, so the desktop shows no notifications."
NO_SERVICE = "No program on this desktop shows notifications."
NO_ANSWER = "The desktop's notification service is not responding."
NOT_INSTALLED = "The system shows notifications of installed programs only, and this copy of t3tray is not installed."
NO_PERMISSION = "The system's settings do not allow t3tray to show notifications."
NOT_ASKED_YET = "macOS asks you at t3tray's first notification whether it may show them."
PERMISSION_REASON = (
    "macOS asks now whether t3tray may show notifications. They tell you at once that a thread's session has changed, that an "
    "agent waits for your answer, or that a turn has ended. System Settings has the switch, under Notifications."
)
CENTER_NO_ANSWER = "The system's notification centre is not responding."
CENTER_FAILED = "The system's notification centre failed."

# Why macOS must not slow t3tray down, for its own list of activities.
NO_NAP_REASON = "T3 Code's requests pass through t3tray, or a turn runs."

# Where start at login was turned off outside of t3tray.
DESKTOP_LIST = "The desktop's own list of what starts"
AGENT_FILE = "The launch agent's own file"
TASK_MANAGER_LIST = "The Task Manager's list of what starts"
ALLOW_LOGIN_ITEM = "macOS waits for your permission: allow t3tray in System Settings, General, Login Items & Extensions."
# What the desktop shows of t3tray in that list.
COMMENT = "Knows which OpenCode session each thread is bound to"

# By the names of the `keyring` package's backends.
KEYRINGS = {
    "macOS": "the macOS keychain",
    "Windows": "the Windows credential manager",
    "SecretService": "the desktop's keyring",
    "kwallet": "KWallet",
    "libsecret": "the desktop's keyring",
    "chainer": "the system's keyring",
}

# macOS shows them when it asks for a permission, also when a program that t3tray started (an agent's tool) enters such a folder.
USES_FOLDER = "The coding agent that you started works in this folder."
USES_NETWORK = "The coding agent that you started connects to a computer on your network."
USES_TERMINAL = "t3tray opens OpenCode in your terminal."

RUN_WITHOUT_DISPLAY = "`t3tray run` (and `t3tray run --demo`) needs no display: it prints a line for each change."
NO_DISPLAY_NAMED = "QT_QPA_PLATFORM selects X, but DISPLAY is not set."


def no_permission(platform: str) -> str:
    """Return that notifications are not allowed, and where the user can change that."""
    places = {"darwin": "System Settings, under Notifications", "win32": "Settings, under System and Notifications"}
    return f"{NO_PERMISSION} Allow them in {places[platform]}." if platform in places else NO_PERMISSION


def service_failed(why: str) -> str:
    """`why` is the name of the error, or its class and text."""
    return f"The desktop's notification service failed ({why})."


def login_item_failed(why: object) -> str:
    return f"macOS did not change the login item: {why}."


def not_as_written(path: object) -> str:
    return f"{path} is not as t3tray wrote it"


def x_server_silent(display: str) -> str:
    return f"The X server “{display}”, named by DISPLAY, does not respond or refuses this user."


def wayland_silent(socket: object) -> str:
    return f"No response from {socket}, the display named by WAYLAND_DISPLAY."


def qt_not_loaded(message: str) -> tuple[str, str]:
    """Return sentence and hint; `message` is the loader's."""
    return f"Qt cannot be loaded: {message}.", "Install t3tray's packages again."


def library_missing(library: str, package: str, is_checkout: bool) -> tuple[str, str]:
    """Return sentence and hint; `package` is the library's package in Debian and Ubuntu, empty if unknown.

    A checkout has a script that installs it.
    """
    install = f"Install it: sudo apt-get install {package}" if package else "Install the package that has it"
    set_up = ", or run `packaging/setup.sh run`" if is_checkout else ""
    return f"Qt needs the library {library}, which is not installed.", f"{install}{set_up}."
