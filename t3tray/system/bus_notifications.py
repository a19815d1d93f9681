"""Notices on the desktops of Linux and its kin: org.freedesktop.Notifications on the session's bus.

jeepney, not desktop-notifier: that one sets no time limits, keeps a connection that has died, escapes no markup and takes what
any program on the bus says for the answer to a notice. Here only the service that showed a notice can tell that it was pressed.
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
from t3tray.messages.notifications import NotificationWording
from t3tray.system.notification_service import CLICKED, Heard, Trouble

_log = logging.getLogger(__name__)
_SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", bus_name="org.freedesktop.Notifications", interface="org.freedesktop.Notifications"
)
_SIGNALS = MatchRule(type="signal", interface=_SERVICE.interface, path=_SERVICE.object_path)
_ABSENT = frozenset({"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"})

# In seconds: for a service that may have to be started first, and for the last words to it.
LIMIT = 5.0
_LAST_LIMIT = 1.0
# In seconds: until a connection that was lost is made again, while something is shown; each time twice as long.
RETURN = 1.0
_LONGEST_RETURN = 60.0
_NORMAL_URGENCY = 1
_UNTIL_WITHDRAWN, _AS_THE_SERVICE_LIKES = 0, -1

NO_BUS = "This session has no message bus, so the desktop shows no notices."
NO_SERVICE = "No program on this desktop shows notices."
NO_ANSWER = "The desktop's notification service does not answer."
FAILED = "The desktop's notification service failed."


class BusNotifications:
    """See `Notifications`. It connects when it is first needed, and again after the connection broke."""

    def __init__(self, address: str, icon: str, heard: Callable[[Heard], None]) -> None:
        self._address = address
        self._icon = icon
        self._heard = heard
        self._trouble = Trouble()
        self._bus: _Bus | None = None
        # A signal is looked at only when the notice that it is about has its number.
        self._turn = asyncio.Lock()
        self._shown: dict[str, tuple[str, int]] = {}
        self._tokens: dict[tuple[str, int], str] = {}
        self._returning: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        return self._trouble.sentence

    async def look(self) -> None:
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
        """Withdraw what is shown, since nobody will hear of it any more, and leave."""
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
        """Ask the service within the time; what goes wrong becomes our `trouble`."""
        async with self._turn:
            try:
                async with asyncio.timeout(LIMIT):
                    try:
                        await question(await self._reach())
                    except (OSError, EOFError):
                        # The bus went since the last time.
                        await self._leave()
                        await question(await self._reach())
            except DBusErrorResponse as error:
                self._trouble.tell(NO_SERVICE if error.name in _ABSENT else f"{FAILED[:-1]} ({error.name}).")
            except TimeoutError:
                self._trouble.tell(NO_ANSWER)
                await self._leave()
            except Exception as error:
                # jeepney lets through whatever a broken connection or a strange reply comes to, under no common class.
                self._trouble.tell(f"{FAILED[:-1]} ({type(error).__name__}: {error})." if self._address else NO_BUS)
                await self._leave()
            else:
                self._trouble.tell("")

    async def _reach(self) -> _Bus:
        if self._bus is None:
            self._bus = await _Bus.join(self._address, self._on_signal, self._on_loss)
        return self._bus

    def _on_loss(self, bus: _Bus) -> None:
        """Nobody hears any more what is pressed. What is asked next would connect again; what is shown does not wait for that."""
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
                    self._trouble.tell(f"{FAILED[:-1]} ({type(error).__name__}: {error}).")
                    pause = min(2 * pause, _LONGEST_RETURN)
                    continue
                self._trouble.tell("")
                await lost.leave()
                return

    async def _leave(self) -> None:
        bus, self._bus = self._bus, None
        self._shown.clear()
        self._tokens.clear()
        if bus:
            await bus.leave()

    async def _capabilities(self, bus: _Bus) -> list[str]:
        """Asked each time: another service may have taken over."""
        (able,) = (await bus.call("GetCapabilities")).body
        return list(able)

    async def _close_one(self, bus: _Bus, notice_id: str) -> None:
        shown = self._shown.pop(notice_id, None)
        if shown:
            with contextlib.suppress(DBusErrorResponse):  # it was gone already
                await bus.call("CloseNotification", "u", (shown[1],), shown[0])

    async def _on_signal(self, signal: Message) -> None:
        """Any program on the bus may send one, of any form: one that is not as it has to be means nothing."""
        member, number, said = signal.header.fields.get(HeaderFields.member), *_words(signal)
        async with self._turn:
            place = (_sender(signal), number)
            notice_id = next((known for known, at in self._shown.items() if at == place), None)
            if notice_id is None:
                return
            if member == "ActivationToken":
                self._tokens[place] = said
                return
            # Pressed or closed: what comes after that counts no more.
            del self._shown[notice_id]
            token = self._tokens.pop(place, "")
        if member == "ActionInvoked":
            self._heard(Heard(notice_id, said, token))


class _Bus:
    """A connection, with what it hears. jeepney has a router for this, but that loses a cancellation that comes with a reply."""

    def __init__(
        self, connection: DBusConnection, hear: Callable[[Message], Awaitable[None]], lost: Callable[[_Bus], None]
    ) -> None:
        """`lost` is called when nothing is received any more."""
        self._connection = connection
        self._hear = hear
        self._lost = lost
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._signals: asyncio.Queue[Message] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._listen())]

    @classmethod
    async def join(cls, address: str, hear: Callable[[Message], Awaitable[None]], lost: Callable[[_Bus], None]) -> _Bus:
        """Raises whatever jeepney raises, OSError above all."""
        if sys.platform == "win32":
            raise OSError("there is no such bus")
        reader, writer = await asyncio.open_unix_connection(get_bus(address))
        try:
            await _introduce(reader, writer)
        except BaseException:
            writer.close()
            raise
        bus = cls(DBusConnection(reader, writer), hear, lost)
        try:
            await bus.ask(message_bus.Hello())
            await bus.ask(message_bus.AddMatch(_SIGNALS))
        except BaseException:
            await bus.leave()
            raise
        return bus

    async def call(self, member: str, signature: str | None = None, body: tuple[object, ...] = (), service: str = "") -> Message:
        """The reply. Raises DBusErrorResponse, OSError."""
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
            _log.warning("The message bus said what cannot be read.", exc_info=True)
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(ConnectionResetError("the bus has gone"))
        self._lost(self)

    async def _listen(self) -> None:
        while True:
            signal = await self._signals.get()
            try:
                await self._hear(signal)
            except Exception:
                # One that goes wrong keeps nobody from hearing the next.
                _log.warning("A signal of the notification service could not be followed.", exc_info=True)


async def _introduce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tell the bus who we are. jeepney's own way to connect leaves the connection open when it is interrupted here."""
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


def _words(signal: Message) -> tuple[int, str]:
    """The notice's number and the text of a signal of the service's; 0 and "" where it has none."""
    number, said = (*signal.body, None, None)[:2]
    return number if isinstance(number, int) else 0, said if isinstance(said, str) else ""


def _sender(message: Message) -> str:
    return str(message.header.fields.get(HeaderFields.sender, ""))
