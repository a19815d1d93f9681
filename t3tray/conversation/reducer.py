"""Merge pages of messages and events into one session's messages.

Deterministic, without I/O. A page is authoritative; events are applied on top until the next page. After a gap in the events
(`lose`) and a new page the result equals the page alone, whatever events came before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message
from t3tray.messages.conversation import error_sentence
from t3tray.opencode.markers import part_mark
from t3tray.opencode.message_events import (
    Change,
    MessageRemoved,
    MessageUpdated,
    PartDelta,
    PartRemoved,
    PartUpdated,
    StatusChanged,
    TurnErrored,
    UnclearChange,
)
from t3tray.opencode.wire import MessageInfo, Part, TranscriptPage, WireMessage
from t3tray.system.known_secrets import conceal


@dataclass
class _PartialMessage:
    """A message as far as it is known: its parts may arrive before it does. `built` caches the result until something changes."""

    info: MessageInfo | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    built: Message | None = None

    def message(self) -> Message | None:
        if self.built is None and self.info is not None:
            parts = tuple(self.parts[name] for name in sorted(self.parts))
            self.built = self.info.message(self.info.id, parts)
        return self.built


class MessageReducer:
    """The messages of one session. `is_stale`: an event could not be interpreted, so a page has to be read."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.older: str | None = None
        self.is_busy = False
        self.retrying = ""
        self.is_stale = False
        self._trouble = ""
        self._partial: dict[str, _PartialMessage] = {}
        self._sorted: tuple[Message, ...] | None = ()
        # Ids of the messages and parts in events since the current page was requested: they may be newer than the page.
        self._updated: set[str] = set()
        self._gone: set[str] = set()
        self._has_status = False

    @property
    def count(self) -> int:
        return len(self._partial)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages, oldest first. A message that has not changed is the same object as before."""
        if self._sorted is None:
            shown = [message for partial in self._partial.values() if (message := partial.message())]
            self._sorted = tuple(sorted(shown, key=lambda message: (message.created_ms, message.id)))
        return self._sorted

    @property
    def trouble(self) -> str:
        """Why the last turn failed, empty where the last message says it itself."""
        return "" if self.messages and self.messages[-1].error else self._trouble

    def unanswered(self, until_ms: int) -> tuple[Message, ...]:
        """Return the user's newest messages, up to this time, that have no answer; not those that were added only for the
        model."""
        found: list[Message] = []
        for each in reversed(self.messages):
            if each.created_ms > until_ms:
                continue
            if each.role is not Role.USER:
                break
            if (each.text or each.files) and not any(part_mark(part.metadata) for part in self._partial[each.id].parts.values()):
                found.append(each)
        return tuple(reversed(found))

    def lose(self) -> None:
        """Forget everything: the events have a gap."""
        self._partial, self._sorted, self._trouble = {}, (), ""
        self.begin_read()

    def begin_read(self) -> None:
        """Note that a page is requested now: events from here on may be newer than it."""
        self._updated.clear()
        self._gone.clear()
        self._has_status = False

    def read(self, page: TranscriptPage, is_busy: bool) -> None:
        """Replace the messages by this page of the newest ones."""
        before = self._partial
        self._partial = {name: partial for name, partial in before.items() if self._is_newer(name, partial, page)}
        self._take(page, before)
        self.older = page.older
        self.is_stale = False
        if not self._has_status:
            self.is_busy = is_busy
            self.retrying = self.retrying if is_busy else ""
        self.begin_read()

    def read_older(self, page: TranscriptPage) -> None:
        """Add the page before the oldest message."""
        self._take(page, self._partial)
        self.older = page.older

    def handle(self, change: Change) -> None:
        """Apply an event."""
        match change:
            case MessageUpdated(info):
                self._message(info.id).info = info
                self._updated.add(info.id)
                self._touch(info.id)
            case PartUpdated(part):
                self._update_part(part)
            case PartDelta(message_id, part_id, text):
                self._grow(message_id, part_id, text)
            case MessageRemoved(message_id):
                self._partial.pop(message_id, None)
                self._gone.add(message_id)
                self._sorted = None
            case PartRemoved(message_id, part_id):
                self._message(message_id).parts.pop(part_id, None)
                self._gone.add(part_id)
                self._touch(message_id)
            case StatusChanged(is_busy, retrying):
                self._trouble = "" if is_busy and not self.is_busy else self._trouble
                self.is_busy, self.retrying, self._has_status = is_busy, retrying, True
            case TurnErrored(error):
                self._trouble = "" if error.is_stop else error_sentence(error.name, error.words)
            case UnclearChange():
                self.is_stale = True

    def _is_newer(self, message_id: str, partial: _PartialMessage, page: TranscriptPage) -> bool:
        """Whether the message was in an event since the page was requested, and does not belong to the pages before it."""
        if page.older and page.messages and partial.info and partial.info.time.created < page.messages[0].info.time.created:
            return False
        return message_id in self._updated or not self._updated.isdisjoint(partial.parts)

    def _message(self, message_id: str) -> _PartialMessage:
        return self._partial.setdefault(message_id, _PartialMessage())

    def _touch(self, message_id: str) -> None:
        self._partial[message_id].built = None
        self._sorted = None

    def _update_part(self, part: Part) -> None:
        parts = self._message(part.message_id).parts
        parts[part.id] = _fuller(parts.get(part.id), part)
        self._updated.add(part.id)
        self._touch(part.message_id)

    def _grow(self, message_id: str, part_id: str, text: str) -> None:
        partial = self._partial.get(message_id)
        part = partial.parts.get(part_id) if partial else None
        if part and part.is_being_written:
            self._message(message_id).parts[part_id] = replace(part, text=conceal(part.text + text))
            self._updated.add(part_id)
            self._touch(message_id)

    def _take(self, page: TranscriptPage, before: dict[str, _PartialMessage]) -> None:
        for message in page.messages:
            if message.info.id not in self._gone:
                self._partial[message.info.id] = self._merged(before.get(message.info.id), message)
        self._sorted = None

    def _merged(self, known: _PartialMessage | None, message: WireMessage) -> _PartialMessage:
        if known is None:
            return _PartialMessage(message.info, {part.id: part for part in message.parts})
        is_newer = message.info.id in self._updated and known.info is not None
        parts = {name: part for name, part in known.parts.items() if name in self._updated}
        for part in message.parts:
            if part.id not in self._gone and part.id not in parts:
                parts[part.id] = _fuller(known.parts.get(part.id), part)
        merged = _PartialMessage(known.info if is_newer else message.info, parts)
        if merged.message() == known.built:
            merged.built = known.built
        return merged


def _fuller(known: Part | None, part: Part) -> Part:
    """OpenCode stores a text that is being written as empty until its end; until then its content is in the events only."""
    if known and part.is_being_written and known.text.startswith(part.text):
        return replace(part, text=known.text)
    return part
