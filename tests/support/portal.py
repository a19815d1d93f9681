"""The desktop portal's colour scheme, on a test's own bus. A context manager; 1 is dark, 2 light."""

from __future__ import annotations

import threading

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

_NAME, _PATH, _SETTINGS = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings"
_GROUP, _KEY = "org.freedesktop.appearance", "color-scheme"
DARK, LIGHT = 1, 2


class Portal:
    def __init__(self, address: str, scheme: int) -> None:
        self._scheme = scheme
        self._connection = open_dbus_connection(address)
        self._connection.send_and_get_reply(message_bus.RequestName(_NAME))
        self._thread = threading.Thread(target=self._serve, name="portal", daemon=True)

    def __enter__(self) -> Portal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def change(self, scheme: int) -> None:
        """Change it, as the user does in the desktop's settings."""
        self._scheme = scheme
        address = DBusAddress(_PATH, interface=_SETTINGS)
        self._connection.send(new_signal(address, "SettingChanged", "ssv", (_GROUP, _KEY, ("u", scheme))))

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
                if message.header.message_type is MessageType.method_call:
                    self._connection.send(self._answer(message))
            except OSError:
                return

    def _answer(self, message: Message) -> Message:
        told = ("u", self._scheme)
        match message.header.fields.get(HeaderFields.member):
            case "ReadAll":
                return new_method_return(message, "a{sa{sv}}", ({_GROUP: {_KEY: told}},))
            case "ReadOne":
                return new_method_return(message, "v", (told,))
            case "Read":
                return new_method_return(message, "v", (("v", told),))
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
