"""A test's own session bus, with a notification service that records and can act as the user."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from tests.support.desktop import Started, session_bus

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
USUAL = ("actions", "body", "body-markup")
_CLOSED_BY_USER, _CLOSED_BY_CALL = 2, 3
_LIMIT = 90.0


class SessionBus(Started):
    """A bus without activatable services. A context manager; `address` is valid while it runs."""

    def __init__(self, address: str = "") -> None:
        super().__init__(session_bus(address))

    def __enter__(self) -> SessionBus:
        super().__enter__()
        self.address = self.first_line()
        return self


@dataclass(frozen=True)
class Shown:
    """A notification as it arrived."""

    number: int
    title: str
    text: str
    actions: tuple[str, ...]
    hints: dict[str, Any]
    lasting: int
    icon: str

    @property
    def buttons(self) -> dict[str, str]:
        """Return the labels of the buttons by their keys, without the default action."""
        pairs = zip(self.actions[::2], self.actions[1::2], strict=True)
        return {key: label for key, label in pairs if key != "default"}


class NotificationDaemon:
    """A context manager. `shown` is everything that arrived, `on_screen` what is visible now. `hangs`: it answers nothing."""

    def __init__(self, address: str, able: tuple[str, ...] = USUAL) -> None:
        self._address = address
        self._able = able
        self._news = threading.Condition()
        self.hangs = False
        self.shown: list[Shown] = []
        self._gone: set[int] = set()

    def __enter__(self) -> NotificationDaemon:
        self._connection = open_dbus_connection(self._address)
        assert self._connection.send_and_get_reply(message_bus.RequestName(NAME)).body == (1,)
        self._thread = threading.Thread(target=self._serve, name="notifications", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(_LIMIT)
        self._connection.close()

    @property
    def on_screen(self) -> list[Shown]:
        return [each for each in self.shown if each.number not in self._gone]

    def wait(self, condition: Callable[[NotificationDaemon], bool], what: str, limit: float = _LIMIT) -> None:
        """Wait for a condition, checked after each event; fails, naming `what`."""
        with self._news:
            assert self._news.wait_for(lambda: condition(self), limit), f"{what} did not come; on screen {self.on_screen}"

    def wait_for(self, title: str) -> Shown:
        """Wait for the visible notification whose title contains this."""
        self.wait(lambda daemon: any(title in each.title for each in daemon.on_screen), f"a notice “{title}”")
        return next(each for each in self.on_screen if title in each.title)

    def press(self, notice: Shown, key: str, token: str = "") -> None:
        """Press a button, or with `default` the notification itself, which closes it."""
        if token:
            self.signal("ActivationToken", "us", (notice.number, token))
        self.signal("ActionInvoked", "us", (notice.number, key))
        self.close(notice)

    def close(self, notice: Shown) -> None:
        """Close it as a user does who has read it."""
        self._remove(notice.number, _CLOSED_BY_USER)

    def _remove(self, number: int, why: int) -> None:
        self.signal("NotificationClosed", "uu", (number, why))
        with self._news:
            self._gone.add(number)
            self._news.notify_all()

    def signal(self, member: str, signature: str | None, body: tuple[Any, ...]) -> None:
        """Send a signal of the notification service, of whatever form."""
        self._connection.send(new_signal(DBusAddress(PATH, interface=NAME), member, signature, body))

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except (OSError, EOFError):
                return
            if message.header.message_type is MessageType.method_call and not self.hangs:
                with suppress(OSError):
                    self._connection.send(self._answer(message))

    def _answer(self, message: Message) -> Message:
        match message.header.fields.get(HeaderFields.member):
            case "GetCapabilities":
                return new_method_return(message, "as", ([*self._able],))
            case "Notify":
                return new_method_return(message, "u", (self._notify(*message.body),))
            case "CloseNotification":
                self._remove(message.body[0], _CLOSED_BY_CALL)
                return new_method_return(message)
            case "GetServerInformation":
                return new_method_return(message, "ssss", ("recorder", "t3tray's tests", "1", "1.2"))
            case "Introspect":
                return new_method_return(message, "s", (_INTROSPECTION,))
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")

    def _notify(
        self, _app: str, _replaces: int, icon: str, title: str, text: str, actions: list[str], hints: dict[str, Any], lasting: int
    ) -> int:
        with self._news:
            number = len(self.shown) + 1
            plain = {name: value for name, (_, value) in hints.items()}
            self.shown.append(Shown(number, title, text, tuple(actions), plain, lasting, icon))
            self._news.notify_all()
        return number


def _method(name: str, takes: str = "", gives: str = "") -> str:
    ways = (("in", takes), ("out", gives))
    arguments = [f'<arg type="{each}" direction="{way}"/>' for way, types in ways for each in types.split()]
    return f'<method name="{name}">{"".join(arguments)}</method>'


def _signal(name: str, *types: str) -> str:
    return f'<signal name="{name}">{"".join(f"""<arg type="{each}"/>""" for each in types)}</signal>'


_INTROSPECTION = f"""<node><interface name="{NAME}">
{_method("Notify", "s u s s s as a{sv} i", "u")}
{_method("CloseNotification", "u")}
{_method("GetCapabilities", gives="as")}
{_method("GetServerInformation", gives="s s s s")}
{_signal("ActionInvoked", "u", "s")}
{_signal("NotificationClosed", "u", "u")}
</interface></node>"""
