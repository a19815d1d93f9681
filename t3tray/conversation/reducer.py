"""The reducer: pages of messages and changes told by events, put together into one session's messages.

It is deterministic and does no I/O. A page is the truth; changes are believed until the next one. After a gap in the events
(`lose`) and another page it holds what the page alone would give, whatever was heard before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from t3tray.domain.conversation import error_sentence
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message
from t3tray.opencode.markers import part_mark
from t3tray.opencode.message_events import (
    Change,
    MessageGone,
    MessageTold,
    PartGone,
    PartGrew,
    PartTold,
    StatusTold,
    TurnBroke,
    Unclear,
)
from t3tray.opencode.wire import MessageInfo, Part, TranscriptPage, WireMessage
from t3tray.system.known_secrets import conceal


@dataclass
class _Held:
    """A message as far as it is known: its parts may be told before it is. `shown` is kept until something of it changes."""

    info: MessageInfo | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    shown: Message | None = None

    def message(self) -> Message | None:
        if self.shown is None and self.info is not None:
            parts = tuple(self.parts[name] for name in sorted(self.parts))
            self.shown = self.info.message(self.info.id, parts)
        return self.shown


class MessageReducer:
    """One session. `is_stale` says that an event could not be made sense of, so that a page has to be read."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.older: str | None = None
        self.is_busy = False
        self.retrying = ""
        self.is_stale = False
        self._trouble = ""
        self._held: dict[str, _Held] = {}
        self._told: tuple[Message, ...] | None = ()
        # What was heard while a page is under way, and so may be newer than it: ids of messages and parts.
        self._heard: set[str] = set()
        self._gone: set[str] = set()
        self._heard_status = False

    @property
    def count(self) -> int:
        """How many messages it holds."""
        return len(self._held)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Oldest first. What did not change is the same object as before."""
        if self._told is None:
            shown = [message for held in self._held.values() if (message := held.message())]
            self._told = tuple(sorted(shown, key=lambda message: (message.created_ms, message.id)))
        return self._told

    @property
    def trouble(self) -> str:
        """Why the last turn broke, where no message says it."""
        return "" if self.messages and self.messages[-1].error else self._trouble

    def unanswered(self, until_ms: int) -> tuple[Message, ...]:
        """The newest messages of the user's, up to this time, that no answer follows; not what was only added for the model."""
        found: list[Message] = []
        for each in reversed(self.messages):
            if each.created_ms > until_ms:
                continue
            if each.role is not Role.USER:
                break
            if (each.text or each.files) and not any(part_mark(part.metadata) for part in self._held[each.id].parts.values()):
                found.append(each)
        return tuple(reversed(found))

    def lose(self) -> None:
        """The events have a gap: nothing that was heard before is to be believed any more."""
        self._held, self._told, self._trouble = {}, (), ""
        self.begin_read()

    def begin_read(self) -> None:
        """A page is asked for now: what is heard from here on may be newer than what it tells."""
        self._heard.clear()
        self._gone.clear()
        self._heard_status = False

    def read(self, page: TranscriptPage, is_busy: bool) -> None:
        """The newest messages, in place of all that was held."""
        before = self._held
        self._held = {name: held for name, held in before.items() if self._is_news(name, held, page)}
        self._take(page, before)
        self.older = page.older
        self.is_stale = False
        if not self._heard_status:
            self.is_busy = is_busy
            self.retrying = self.retrying if is_busy else ""
        self.begin_read()

    def read_older(self, page: TranscriptPage) -> None:
        """The messages before the oldest one."""
        self._take(page, self._held)
        self.older = page.older

    def handle(self, change: Change) -> None:
        """Believe an event."""
        match change:
            case MessageTold(info):
                self._message(info.id).info = info
                self._heard.add(info.id)
                self._touch(info.id)
            case PartTold(part):
                self._hear_part(part)
            case PartGrew(message_id, part_id, words):
                self._grow(message_id, part_id, words)
            case MessageGone(message_id):
                self._held.pop(message_id, None)
                self._gone.add(message_id)
                self._told = None
            case PartGone(message_id, part_id):
                self._message(message_id).parts.pop(part_id, None)
                self._gone.add(part_id)
                self._touch(message_id)
            case StatusTold(is_busy, retrying):
                self._trouble = "" if is_busy and not self.is_busy else self._trouble
                self.is_busy, self.retrying, self._heard_status = is_busy, retrying, True
            case TurnBroke(error):
                self._trouble = "" if error.is_stop else error_sentence(error.name, error.words)
            case Unclear():
                self.is_stale = True

    def _is_news(self, message_id: str, held: _Held, page: TranscriptPage) -> bool:
        """Whether it was heard of while the page was under way, and is no part of the pages before."""
        if page.older and page.messages and held.info and held.info.time.created < page.messages[0].info.time.created:
            return False
        return message_id in self._heard or not self._heard.isdisjoint(held.parts)

    def _message(self, message_id: str) -> _Held:
        return self._held.setdefault(message_id, _Held())

    def _touch(self, message_id: str) -> None:
        self._held[message_id].shown = None
        self._told = None

    def _hear_part(self, part: Part) -> None:
        parts = self._message(part.message_id).parts
        parts[part.id] = _fuller(parts.get(part.id), part)
        self._heard.add(part.id)
        self._touch(part.message_id)

    def _grow(self, message_id: str, part_id: str, words: str) -> None:
        held = self._held.get(message_id)
        part = held.parts.get(part_id) if held else None
        if part and part.is_being_written:
            self._message(message_id).parts[part_id] = replace(part, text=conceal(part.text + words))
            self._heard.add(part_id)
            self._touch(message_id)

    def _take(self, page: TranscriptPage, before: dict[str, _Held]) -> None:
        for message in page.messages:
            if message.info.id not in self._gone:
                self._held[message.info.id] = self._merged(before.get(message.info.id), message)
        self._told = None

    def _merged(self, known: _Held | None, message: WireMessage) -> _Held:
        if known is None:
            return _Held(message.info, {part.id: part for part in message.parts})
        is_newer = message.info.id in self._heard and known.info is not None
        parts = {name: part for name, part in known.parts.items() if name in self._heard}
        for part in message.parts:
            if part.id not in self._gone and part.id not in parts:
                parts[part.id] = _fuller(known.parts.get(part.id), part)
        merged = _Held(known.info if is_newer else message.info, parts)
        if merged.message() == known.shown:
            merged.shown = known.shown
        return merged


def _fuller(known: Part | None, told: Part) -> Part:
    """A text that is being written is stored empty until its end; its words are in the events, so what was heard stays."""
    if known and told.is_being_written and known.text.startswith(told.text):
        return replace(told, text=known.text)
    return told
