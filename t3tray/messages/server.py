"""Sentences on the OpenCode server: how it starts and ends, and on one that another process or machine started."""

from __future__ import annotations

ENDED_UNEXPECTEDLY = "OpenCode's server ended unexpectedly."
FILE_LEFT_OUT = "(The file is left out here.)\n"
NOT_AN_ADDRESS = "It is not an address."
STOP_THERE = (
    "Stop it there. If that machine is gone for good, run `t3tray server stop --forget` here. "
    "Better use a separate data folder for each machine: `--data-dir`."
)
KEEPS_STARTING = "It keeps starting. Try again later; `t3tray server status` shows its state."
APP_NOT_FOUND = "T3 Code is not responding, and its app was not found on this computer."
APP_ASKED = "Asked the system to open T3 Code; no version of its app is known that can be told which thread to show."


def ended_with(code: int) -> str:
    """`code` is the exit code, or a signal's number below zero."""
    how = f"it was ended by signal {-code}" if code < 0 else f"it exited with code {code}"
    return f"OpenCode's server ended unexpectedly ({how})."


def port_taken(port: int) -> str:
    return f"Another program took port {port} before OpenCode could."


def is_starting(since: str) -> str:
    """`since` is the local time of its start, empty if unknown."""
    began = f" since {since}" if since else ""
    return f"OpenCode has been starting{began} and is at work; an update of its database can take many minutes."


def not_ready_within(hours: float) -> str:
    return f"The server was not ready within {hours:.0f} hours."


def no_sign_of_work(seconds: float) -> str:
    return f"The server was not ready, and showed no sign of work for {seconds:.0f} seconds."


def not_ready_yet(seconds: float, reason: str) -> str:
    """`reason` is the sentence on its state."""
    return f"The server is not ready after {seconds:.0f} seconds. {reason}"


def with_log(message: str, log_tail: str) -> str:
    return f"{message} The end of its log:\n{log_tail}"


def log_tail_unreadable(why: object) -> str:
    """Return what stands in place of the log's end."""
    return f"(The log cannot be read: {why}.)"


def unpacked_removed(size: int) -> str:
    """Return the addition to the title of a start in the server's log. `size` in bytes."""
    return f" (removed {size / 1e6:.1f} MB unpacked by earlier servers)"


def started_on(machine: str) -> str:
    return f"The server of this data folder was started on {machine}, another machine (or container) than this one."


def is_stray(is_usable: bool) -> str:
    """Return the sentence on a server of this data folder that is not recorded. `is_usable`: its password is known."""
    use = "; the next command that needs a server takes it over." if is_usable else "."
    return f"This server belongs to this data folder, but is not recorded in t3tray's data. `t3tray server stop` ends it{use}"


def page_opened(address: str) -> str:
    """Return the result of opening a thread's page of T3 Code."""
    return f"Asked the browser to open {address}; a browser that is new to T3 Code has to be paired first."
