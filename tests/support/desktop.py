"""A desktop for tests: an X server without a screen, its own session bus, and a tray that a test can read and click.

Everything is started and ended here; the machine's own desktop is not touched.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_call, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.support.close_window import ask_to_close

WATCHER = "org.kde.StatusNotifierWatcher"
_WATCHER_PATH = "/StatusNotifierWatcher"
_ITEM = "org.kde.StatusNotifierItem"
_MENU = "com.canonical.dbusmenu"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_LIMIT = 90.0


def session_bus(address: str = "") -> list[str]:
    """Return the command that runs a test's own bus, which starts no service of this machine. It prints its address."""
    listening = [f"--address={address}"] if address else []
    configuration = Path(__file__).with_name("session-bus.conf")
    return ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address=1", *listening]


class Desktop:
    """A context manager. `environment` makes programs use this desktop. Without `has_tray` nothing shows an icon."""

    def __init__(self, scratch: Path, has_tray: bool = True) -> None:
        self._scratch = scratch
        self._has_tray = has_tray
        self._ends = ExitStack()
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Desktop:
        with ExitStack() as starting:
            display = starting.enter_context(
                Started(["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
            )
            number = display.first_line()
            bus = starting.enter_context(Started(session_bus()))
            runtime = self._scratch / "runtime"
            runtime.mkdir(mode=0o700, exist_ok=True)
            self.environment = {
                "DISPLAY": f":{number}",
                "DBUS_SESSION_BUS_ADDRESS": bus.first_line(),
                "XDG_RUNTIME_DIR": str(runtime),
                "QT_QPA_PLATFORM": "xcb",
            }
            if self._has_tray:
                self.tray = starting.enter_context(TrayHost(self.environment["DBUS_SESSION_BUS_ADDRESS"]))
            self._ends = starting.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ends.close()

    def windows(self) -> list[str]:
        """Return the titles of the visible windows."""
        command = ["xdotool", "search", "--onlyvisible", "--name", ".", "getwindowname", "%@"]
        shown = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        return shown.stdout.splitlines()

    def close_window(self, words: str) -> None:
        """Close the window whose title begins with this text, as its frame's button does."""
        command = ["xdotool", "search", "--onlyvisible", "--name", f"^{words}"]
        found = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        for number in found.stdout.split():
            ask_to_close(self.environment["DISPLAY"], int(number))


class TrayHost:
    """Owns org.kde.StatusNotifierWatcher on a bus, and operates the first item that registers."""

    def __init__(self, address: str) -> None:
        self._connection = open_dbus_connection(address)
        assert self._connection.send_and_get_reply(message_bus.RequestName(WATCHER)).body == (1,)
        self._client = open_dbus_connection(address)
        self._items: list[str] = []
        self._registered = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="tray-host", daemon=True)

    def __enter__(self) -> TrayHost:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        # It ends with the bus; a call of ours would only race with that.
        self._connection.close()

    def wait_for_item(self, limit: float = _LIMIT) -> float:
        """Wait for an icon; return the time of its registration by the monotonic clock."""
        assert self._registered.wait(limit), f"no icon within {limit:.0f} s"
        return self._at

    def forget(self) -> None:
        """Make `wait_for_item` wait for another icon."""
        self._items.clear()
        self._registered.clear()

    def properties(self) -> dict[str, Any]:
        bus, path = self._item()
        (found,) = self._call(bus, path, _PROPERTIES, "GetAll", "s", (_ITEM,))
        return {name: value[1] for name, value in found.items()}

    @property
    def tooltip(self) -> str:
        return str(self.properties()["ToolTip"][2])

    def labels(self) -> list[str]:
        """Return the menu's labels, top to bottom, without separators."""
        return [label for _, label in self._menu()]

    def click(self) -> None:
        """Click the icon with the left button."""
        bus, path = self._item()
        self._call(bus, path, _ITEM, "Activate", "ii", (10, 10))

    def labels_below(self, words: str) -> list[str]:
        """Return the labels of the submenu of the entry whose label contains this text."""
        above = next(number for number, text in self._menu() if words in text)
        return [label for _, label in self._menu(above)]

    def open_menu(self) -> None:
        """Send what a panel sends when it opens the menu."""
        self._menu()

    def labels_while_open(self) -> list[str]:
        """Return the labels for a panel that has opened the menu and reads it again."""
        return [label for _, label in self._read()]

    def close_menu(self) -> None:
        """Send what a panel sends when it has closed the menu."""
        bus, _ = self._item()
        self._call(bus, self.properties()["Menu"], _MENU, "Event", "isvu", (0, "closed", ("i", 0), 0))

    def choose(self, label: str) -> None:
        """Click the menu's entry with this label."""
        self._click(next(number for number, text in self._menu() if text == label))

    def choose_as_shown(self, label: str) -> None:
        """Click an entry of a menu that was opened before."""
        self._click(next(number for number, text in self._read() if text == label))

    def choose_below(self, words: str, label: str) -> None:
        """Click an entry in the submenu of the entry whose label contains this text."""
        above = next(number for number, text in self._menu() if words in text)
        self._click(next(number for number, text in self._menu(above) if text == label))

    def _click(self, number: int) -> None:
        bus, _ = self._item()
        self._call(bus, self.properties()["Menu"], _MENU, "Event", "isvu", (number, "clicked", ("i", 0), 0))

    def _menu(self, below: int = 0) -> list[tuple[int, str]]:
        bus, _ = self._item()
        self._call(bus, self.properties()["Menu"], _MENU, "AboutToShow", "i", (below,))
        return self._read(below)

    def _read(self, below: int = 0) -> list[tuple[int, str]]:
        bus, _ = self._item()
        path = self.properties()["Menu"]
        _, (_, _, children) = self._call(bus, path, _MENU, "GetLayout", "iias", (below, -1, []))
        entries = [(child[1][0], {name: value[1] for name, value in child[1][1].items()}) for child in children]
        return [(number, drawn(entry["label"])) for number, entry in entries if "label" in entry]

    def _item(self) -> tuple[str, str]:
        bus, _, path = self._items[0].partition("/")
        return bus, f"/{path}"

    def _call(self, bus: str, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]) -> Any:
        message = new_method_call(DBusAddress(path, bus, interface), member, signature, body)
        reply = self._client.send_and_get_reply(message, timeout=_LIMIT)
        assert reply.header.message_type is not MessageType.error, (member, reply.body)
        return reply.body

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except OSError:
                return
            if message.header.message_type is MessageType.method_call:
                _send(self._connection, self._answer(message))

    def _answer(self, message: Message) -> Message:
        fields = message.header.fields
        member = fields.get(HeaderFields.member)
        known = {
            "RegisteredStatusNotifierItems": ("as", self._items),
            "IsStatusNotifierHostRegistered": ("b", True),
            "ProtocolVersion": ("i", 0),
        }
        match member:
            case "RegisterStatusNotifierItem":
                named = message.body[0]
                sender = fields[HeaderFields.sender]
                self._items.append(f"{sender}{named}" if named.startswith("/") else f"{named}/StatusNotifierItem")
                self._at = time.monotonic()
                self._registered.set()
                return new_method_return(message)
            case "RegisterStatusNotifierHost":
                return new_method_return(message)
            case "Get" if message.body[1] in known:
                return new_method_return(message, "v", (known[message.body[1]],))
            case "GetAll":
                return new_method_return(message, "a{sv}", (known,))
            case "Introspect":
                return new_method_return(message, "s", (_INTROSPECTION,))
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")


_INTROSPECTION = (
    f'<node><interface name="{WATCHER}"><method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>'
    '<property name="IsStatusNotifierHostRegistered" type="b" access="read"/></interface></node>'
)


def drawn(label: str) -> str:
    """Return a label of com.canonical.dbusmenu as a panel draws it: `__` is an underscore, `_` marks the letter after it."""
    return re.sub("_(_?)", r"\1", label)


def _send(connection: DBusConnection, message: Message) -> None:
    try:
        connection.send(message)
    except OSError:
        # The caller is gone, or the test is over: no program waits for the answer.
        return


class Started:
    """Start a program that prints a line when it is ready; end it at the end."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> Started:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=_LIMIT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def first_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, f"{self._command[0]} did not start"
        return line
