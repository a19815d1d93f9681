"""Notifications on Linux and similar desktops: org.freedesktop.Notifications on the session's D-Bus.

Uses jeepney, because desktop-notifier has no time limits, keeps dead connections, does not escape markup, and accepts a signal of
any program on the bus as the answer to a notification. Here only the service that showed a notification can report a click.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable

from jeepney import DBusAddress, DBusErrorResponse, HeaderFields, MatchRule, Message, MessageType, new_method_call
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import get_bus
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusConnection

from t3tray.domain.controls import escaped
from t3tray.messages.desktop import NO_ANSWER, NO_BUS, NO_SERVICE, service_failed
from t3tray.messages.notifications import NotificationWording
from t3tray.system.notification_service import CLICKED, NotificationPress, Trouble

_log = logging.getLogger(__name__)
_SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", bus_name="org.freedesktop.Notifications", interface="org.freedesktop.Notifications"
)
_SIGNALS = MatchRule(type="signal", interface=_SERVICE.interface, path=_SERVICE.object_path)
_ABSENT = frozenset({"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"})

# In seconds: for a call, which may have to start the service first, and for the calls at the end.
LIMIT = 5.0
_LAST_LIMIT = 1.0
# In seconds: pause before reconnecting while something is shown; doubled after each failure.
RETURN = 1.0
_LONGEST_RETURN = 60.0
_NORMAL_URGENCY = 1
_UNTIL_WITHDRAWN, _AS_THE_SERVICE_LIKES = 0, -1


class BusNotifications:
    """Implements `Notifications`. Connects when first needed, and again after the connection was lost."""

    def __init__(self, address: str, icon: str, on_press: Callable[[NotificationPress], None]) -> None:
        self._address = address
        self._icon = icon
        self._on_press = on_press
        self._trouble = Trouble()
        self._bus: _Bus | None = None
        # Calls and signals take turns: a signal is handled only after its notification's number is stored.
        self._turn = asyncio.Lock()
        self._shown: dict[str, tuple[str, int]] = {}
        self._tokens: dict[tuple[str, int], str] = {}
        self._returning: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        return self._trouble.sentence

    async def check(self) -> None:
        await self._ask(self._capabilities)

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        async def notify(bus: _Bus) -> None:
            able = await self._capabilities(bus)
            pressed = [word for button in wording.buttons for word in (button.key, button.label)]
            # A service that cannot show buttons may show a dialog in their place.
            actions = [CLICKED, "Open", *pressed] if "actions" in able else []
            text = escaped(wording.text) if "body-markup" in able else wording.text
            hints = {"urgency": ("y", _NORMAL_URGENCY), "desktop-entry": ("s", "t3tray")}
            lasting = _UNTIL_WITHDRAWN if stays else _AS_THE_SERVICE_LIKES
            words = ("t3tray", 0, self._icon, wording.title, text, actions, hints, lasting)
            reply = await bus.call("Notify", "susssasa{sv}i", words)
            self._shown[notice_id] = (_sender(reply), reply.body[0])

        await self._ask(notify)

    async def withdraw(self, notice_id: str) -> None:
        if notice_id in self._shown:
            await self._ask(lambda bus: self._close_one(bus, notice_id))

    async def close(self) -> None:
        """Withdraw what is shown, since clicks can no longer be received, and disconnect."""
        if self._bus and self._shown:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_LIMIT):
                    for notice_id in [*self._shown]:
                        await self.withdraw(notice_id)
        if self._returning:
            self._returning.cancel()
            await asyncio.wait([self._returning])
        await self._leave()

    async def _ask(self, question: Callable[[_Bus], Awaitable[object]]) -> None:
        """Run `question` on the connection within the limit; errors are stored as `trouble`."""
        async with self._turn:
            try:
                async with asyncio.timeout(LIMIT):
                    try:
                        await question(await self._reach())
                    except (OSError, EOFError):
                        # The connection was lost since the last call.
                        await self._leave()
                        await question(await self._reach())
            except DBusErrorResponse as error:
                self._trouble.set(NO_SERVICE if error.name in _ABSENT else service_failed(error.name))
            except TimeoutError:
                self._trouble.set(NO_ANSWER)
                await self._leave()
            except Exception as error:
                # jeepney's exceptions for broken connections and unexpected replies have no common base class.
                self._trouble.set(service_failed(f"{type(error).__name__}: {error}") if self._address else NO_BUS)
                await self._leave()
            else:
                self._trouble.set("")

    async def _reach(self) -> _Bus:
        if self._bus is None:
            self._bus = await _Bus.join(self._address, self._on_signal, self._on_loss)
        return self._bus

    def _on_loss(self, bus: _Bus) -> None:
        """Reconnect while something is shown, to receive clicks; otherwise the next call reconnects."""
        if bus is self._bus and self._shown:
            self._returning = asyncio.create_task(self._return(bus))

    async def _return(self, lost: _Bus) -> None:
        pause = RETURN
        while True:
            await asyncio.sleep(pause)
            async with self._turn:
                if self._bus is not lost:
                    return
                try:
                    async with asyncio.timeout(LIMIT):
                        self._bus = await _Bus.join(self._address, self._on_signal, self._on_loss)
                except Exception as error:
                    self._trouble.set(service_failed(f"{type(error).__name__}: {error}"))
                    pause = min(2 * pause, _LONGEST_RETURN)
                    continue
                self._trouble.set("")
                await lost.leave()
                return

    async def _leave(self) -> None:
        bus, self._bus = self._bus, None
        self._shown.clear()
        self._tokens.clear()
        if bus:
            await bus.leave()

    async def _capabilities(self, bus: _Bus) -> list[str]:
        """Return the service's capabilities; requested each time, because the service may have been replaced."""
        (able,) = (await bus.call("GetCapabilities")).body
        return list(able)

    async def _close_one(self, bus: _Bus, notice_id: str) -> None:
        shown = self._shown.pop(notice_id, None)
        if shown:
            with contextlib.suppress(DBusErrorResponse):  # it was closed already
                await bus.call("CloseNotification", "u", (shown[1],), shown[0])

    async def _on_signal(self, signal: Message) -> None:
        """Handle a signal. Any program on the bus may send signals of any form: unexpected ones are ignored."""
        member, number, text = signal.header.fields.get(HeaderFields.member), *_number_and_text(signal)
        async with self._turn:
            place = (_sender(signal), number)
            notice_id = next((known for known, at in self._shown.items() if at == place), None)
            if notice_id is None:
                return
            if member == "ActivationToken":
                self._tokens[place] = text
                return
            # Pressed or closed: later signals for it are ignored.
            del self._shown[notice_id]
            token = self._tokens.pop(place, "")
        if member == "ActionInvoked":
            self._on_press(NotificationPress(notice_id, text, token))


class _Bus:
    """A connection that dispatches replies and signals. jeepney's own router loses a cancellation that arrives with a reply."""

    def __init__(
        self, connection: DBusConnection, on_signal: Callable[[Message], Awaitable[None]], lost: Callable[[_Bus], None]
    ) -> None:
        """`lost` is called when the connection receives no more messages."""
        self._connection = connection
        self._on_signal = on_signal
        self._lost = lost
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._signals: asyncio.Queue[Message] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._listen())]

    @classmethod
    async def join(cls, address: str, on_signal: Callable[[Message], Awaitable[None]], lost: Callable[[_Bus], None]) -> _Bus:
        """Connect to the bus. Raises any exception of jeepney's, mostly OSError."""
        if sys.platform == "win32":
            raise OSError("there is no such bus")
        reader, writer = await asyncio.open_unix_connection(get_bus(address))
        try:
            await _authenticate(reader, writer)
        except BaseException:
            writer.close()
            raise
        bus = cls(DBusConnection(reader, writer), on_signal, lost)
        try:
            await bus.ask(message_bus.Hello())
            await bus.ask(message_bus.AddMatch(_SIGNALS))
        except BaseException:
            await bus.leave()
            raise
        return bus

    async def call(self, member: str, signature: str | None = None, body: tuple[object, ...] = (), service: str = "") -> Message:
        """Call a method of the service and return its reply. Raises DBusErrorResponse, OSError."""
        address = DBusAddress(_SERVICE.object_path, service or _SERVICE.bus_name, _SERVICE.interface)
        return await self.ask(new_method_call(address, member, signature, body))

    async def ask(self, message: Message) -> Message:
        number = next(self._connection.outgoing_serial)
        reply = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            if self._tasks[0].done():
                raise ConnectionResetError("the bus has gone")
            await self._connection.send(message, serial=number)
            answer = await reply
        finally:
            del self._waiting[number]
        if answer.header.message_type is MessageType.error:
            raise DBusErrorResponse(answer)
        return answer

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with contextlib.suppress(OSError):
            await self._connection.close()

    async def _receive(self) -> None:
        try:
            while True:
                message = await self._connection.receive()
                reply = self._waiting.get(message.header.fields.get(HeaderFields.reply_serial, 0))
                if reply and not reply.done():
                    reply.set_result(message)
                elif _SIGNALS.matches(message):
                    self._signals.put_nowait(message)
        except (OSError, EOFError):
            _log.info("The connection to the message bus is lost.")
        except Exception:
            _log.warning("A message on the message bus could not be parsed.", exc_info=True)
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(ConnectionResetError("the bus has gone"))
        self._lost(self)

    async def _listen(self) -> None:
        while True:
            signal = await self._signals.get()
            try:
                await self._on_signal(signal)
            except Exception:
                # One failure must not stop the handling of further signals.
                _log.warning("A signal of the notification service could not be handled.", exc_info=True)


async def _authenticate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Authenticate to the bus. jeepney's own function leaves the connection open when it is cancelled here."""
    authenticator = Authenticator()
    for words in authenticator:
        writer.write(words)
        await writer.drain()
        answer = await reader.read(1024)
        if not answer:
            raise EOFError
        authenticator.feed(answer)
    writer.write(BEGIN)
    await writer.drain()


def _number_and_text(signal: Message) -> tuple[int, str]:
    """Return a signal's notification number and text; 0 and "" where it has none."""
    number, text = (*signal.body, None, None)[:2]
    return number if isinstance(number, int) else 0, text if isinstance(text, str) else ""


def _sender(message: Message) -> str:
    return str(message.header.fields.get(HeaderFields.sender, ""))
