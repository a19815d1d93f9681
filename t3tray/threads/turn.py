"""One prompt's turn, assembled from events and pages of its session. Pure: no I/O, no clock.

An answer belongs to the prompt by its parent, never by its id or its time. OpenCode answers the user's newest message:
- a turn has several answers with the same parent, one for each step;
- if the context is full it first adds a message with a `compaction`, and then one by which the model continues (or a copy of
  ours): an answer to these is an answer to ours;
- if another program's message came after ours before ours was answered, only that one gets an answer, which answers both.

An idle session ends a turn, an error alone does not: it may belong to another message, or to an attachment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from t3tray.domain.evidence import Role
from t3tray.messages.sending import STOPPED
from t3tray.opencode.message_events import (
    Change,
    MessageUpdated,
    PartDelta,
    PartUpdated,
    StatusChanged,
    TurnErrored,
    UnclearChange,
)
from t3tray.opencode.wire import COMPACTION, MessageInfo, Part, WireMessage


class Outcome(StrEnum):
    """How a turn ended. TOGETHER: answered with another program's message. UNANSWERED: the model was not asked."""

    ANSWERED = "answered"
    TOGETHER = "together"
    FAILED = "failed"
    STOPPED = "stopped"
    BROKEN_OFF = "broken-off"
    UNANSWERED = "unanswered"


@dataclass
class _Asked:
    """A message of the user, ours or a later one. `inherits`: OpenCode added it to continue the one before."""

    info: MessageInfo
    inherits: bool = False


@dataclass
class _Answer:
    """A message of the assistant. `words` are its texts by part id, as far as received."""

    info: MessageInfo
    words: dict[str, str] = field(default_factory=dict)

    @property
    def is_summary(self) -> bool:
        return self.info.facts(self.info.id).compaction

    @property
    def has_ended(self) -> bool:
        return self.info.error is not None or self.info.time.completed is not None

    @property
    def is_last_step(self) -> bool:
        return self.has_ended and self.info.finish not in ("tool-calls", "unknown")


class Turn:
    """`has_arrived` is set when our message was seen in the session, `is_incomplete` when an event may have been missed.

    An incomplete turn is read once more, whatever events came.
    """

    def __init__(self, message_id: str, text: str) -> None:
        self.message_id = message_id
        self.has_arrived = False
        self.is_incomplete = False
        self.reply = ""
        self._text = text
        self._is_in_events = False
        self._is_idle = False
        self._was_stopped = False
        self._error = ""
        self._began = False
        self._asked: dict[str, _Asked] = {}
        self._answers: dict[str, _Answer] = {}
        self._texts: set[str] = set()
        self._last_part = ""

    @property
    def is_in_events(self) -> bool:
        """Whether our message was in an event, with its text."""
        return self._is_in_events

    @property
    def is_doubtful(self) -> bool:
        """The session seems idle, and nothing says how the turn ended: it may not have begun, or its end was missed."""
        return self.has_arrived and self._is_idle and self.outcome is None

    def handle(self, change: Change) -> str:
        """Apply an event; return the text that it adds to the reply."""
        match change:
            case MessageUpdated(info):
                self._take_message(info)
            case PartUpdated(part):
                return self._take_part(part)
            case PartDelta(message_id, part_id, words):
                return self._grow(message_id, part_id, words)
            case StatusChanged(is_busy):
                self._is_idle = not is_busy
                self._began = self._began or (is_busy and self.message_id in self._asked)
            case TurnErrored(error):
                self._was_stopped = self._was_stopped or error.is_stop
                self._error = self._error if error.is_stop else error.sentence()
            case UnclearChange():
                self.is_incomplete = True
        return ""

    def read(self, messages: Iterable[WireMessage], is_idle: bool) -> str:
        """Apply our message and all after it, as a server returns them; return the text that they add to the reply."""
        self.is_incomplete = False
        self._is_idle = is_idle
        words = []
        for message in messages:
            self._take_message(message.info)
            words += [self._take_part(part) for part in message.parts]
        return "".join(words)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, as soon as that is certain."""
        mine, others = self._mine, self._others
        last = mine[-1] if mine else None
        if last and last.is_last_step and not last.is_summary and others:
            return _end_of(last)
        if not self._is_idle:
            return None
        if last and last.has_ended and (not last.is_summary or last.info.error):
            return Outcome.TOGETHER if not last.is_last_step and _is_good(others) else _end_of(last)
        if not mine and others and others[-1].has_ended:
            return Outcome.TOGETHER if _is_good(others) else _end_of(others[-1])
        if not mine and self._began and (self._error or self._was_stopped):
            return Outcome.UNANSWERED
        return None

    def conclude(self) -> Outcome:
        """Return how it ended, after the server was asked again and still says only that the session is idle."""
        return self.outcome or (Outcome.BROKEN_OFF if self._mine else Outcome.UNANSWERED)

    @property
    def error(self) -> str:
        """OpenCode's own words on the error, empty if it gave none."""
        errors = [answer.info.error for answer in (*self._others, *self._mine) if answer.info.error]
        return errors[-1].sentence() if errors else STOPPED if self._was_stopped else self._error

    @property
    def others_reply(self) -> str:
        """The answer to the later message of another program."""
        return "\n\n".join(filter(None, ("\n".join(answer.words.values()) for answer in self._others)))

    @property
    def _mine(self) -> list[_Answer]:
        ours = self._ours
        return [answer for answer in self._answers.values() if answer.info.parent_id in ours]

    @property
    def _others(self) -> list[_Answer]:
        """The answers to later messages of other programs; a compaction is an answer to none."""
        theirs = self._asked.keys() - self._ours
        return [a for a in self._answers.values() if a.info.parent_id in theirs and not a.is_summary]

    @property
    def _ours(self) -> set[str]:
        """The messages whose answers are ours: our own, and those that OpenCode added to continue it."""
        ours: set[str] = set()
        for asked in sorted(self._asked.values(), key=lambda asked: (asked.info.time.created, asked.info.id)):
            if asked.info.id != self.message_id and not asked.inherits:
                break
            ours.add(asked.info.id)
        return ours

    def _take_message(self, info: MessageInfo) -> None:
        if info.role is Role.ASSISTANT:
            if info.id in self._answers:
                self._answers[info.id].info = info
            elif info.parent_id in self._asked:
                self._answers[info.id] = _Answer(info)
        elif info.id in self._asked:
            self._asked[info.id].info = info
        elif info.id == self.message_id or self._is_later(info):
            self._asked[info.id] = _Asked(info)

    def _is_later(self, info: MessageInfo) -> bool:
        """Whether the message is not older than ours: older ones are sent again when something changed in them."""
        ours = self._asked.get(self.message_id)
        return ours is not None and info.time.created >= ours.info.time.created

    def _take_part(self, part: Part) -> str:
        answer, asked = self._answers.get(part.message_id), self._asked.get(part.message_id)
        if asked:
            self._take_question(asked, part)
        if answer is None or part.type != "text" or part.synthetic:
            return ""
        self._texts.add(part.id)
        known = answer.words.get(part.id, "")
        # The end of a text is trimmed once it is complete: what was passed on by then stays.
        return self._add(answer, part.id, part.text[len(known) :]) if part.text.startswith(known) else ""

    def _take_question(self, asked: _Asked, part: Part) -> None:
        if asked.info.id == self.message_id:
            self._is_in_events = self._is_in_events or part.type == "text"
        elif part.type == COMPACTION:
            asked.inherits = part.auto
        elif part.goes_on or (part.type == "text" and part.text == self._text and self._follows_compaction(asked)):
            asked.inherits = True

    def _follows_compaction(self, asked: _Asked) -> bool:
        before = [other for other in self._asked.values() if other.info.time.created < asked.info.time.created]
        return bool(before) and max(before, key=lambda other: other.info.time.created).inherits

    def _grow(self, message_id: str, part_id: str, words: str) -> str:
        answer = self._answers.get(message_id)
        return self._add(answer, part_id, words) if answer and part_id in self._texts else ""

    def _add(self, answer: _Answer, part_id: str, words: str) -> str:
        answer.words[part_id] = answer.words.get(part_id, "") + words
        if not words or answer.is_summary or answer.info.parent_id not in self._ours:
            return ""
        if self._last_part not in ("", part_id):
            words = f"\n\n{words}"
        self._last_part = part_id
        self.reply += words
        return words


def _end_of(answer: _Answer) -> Outcome:
    error = answer.info.error
    if error is None:
        return Outcome.ANSWERED
    return Outcome.STOPPED if error.is_stop else Outcome.FAILED


def _is_good(answers: list[_Answer]) -> bool:
    return bool(answers) and answers[-1].is_last_step and answers[-1].info.error is None
