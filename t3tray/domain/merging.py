"""Merge a conversation from several sources (sessions, archived copies, T3 Code's own copy): what a session lacks of it, in
order. Pure.

The same message has different ids and times in two sources: a fork copies messages with their times; T3 Code stores each text of
an answer separately, and a prompt by the moment it was typed. The contents of a hand-over count as known to its session.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from t3tray.domain.carries import Context
from t3tray.domain.evidence import Role
from t3tray.domain.handoff import is_carried, is_handoff, messages_in, words_of
from t3tray.domain.handoff_prompt import Carried
from t3tray.domain.transcript import Message, Origin, PieceKind, Transcript

# In ms. A prompt reaches OpenCode after it was typed in T3 Code: once a server has started for it and the turns before are over.
# An answer's text is written after OpenCode began the answer. The reverse order only occurs by the rounding of two clocks.
_LATER = 600_000
_EARLIER = 5_000
_PART = "prt_"


@dataclass(frozen=True)
class Collected:
    """What one session lacks of a conversation, oldest first, from `sources`. `held`: ids of its own messages. `context`: what
    the model gets of them. Messages that it has only a summary of do not count as lacking: a compaction is not undone."""

    messages: tuple[Message, ...]
    held: frozenset[str]
    context: Context
    sources: tuple[Transcript, ...]

    @property
    def summarised(self) -> int:
        """Number of messages of which the model gets only a summary."""
        return 0 if self.context.since_ms is None else self.context.before or 0

    @property
    def transcript(self) -> Transcript:
        """The lacking messages as a transcript, with the doubts about the sources that were used."""
        missing = tuple(dict.fromkeys(line for source in self._used for line in source.missing))
        return Transcript(self._used[0].origin if self._used else Origin.OPENCODE, self.messages, missing=missing)

    @property
    def origin(self) -> str:
        """The sources that were used, for people."""
        return " and ".join(dict.fromkeys(source.origin for source in self._used))

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions that have, or had, some of it."""
        return tuple(dict.fromkeys(source.session_id for source in self._used if source.session_id))

    @property
    def _used(self) -> tuple[Transcript, ...]:
        taken = {each.id for each in self.messages}
        return tuple(source for source in self.sources if any(each.id in taken for each in source.messages))


@dataclass(frozen=True)
class Brought:
    """What is brought into the session, packed as one message. `stays_lacking`: what no source has, a clause."""

    collected: Collected
    packed: Carried
    stays_lacking: str


def lacking(known: Sequence[Message], sessions: Iterable[Sequence[Message]], shown: Sequence[Message]) -> tuple[Message, ...]:
    """Return what `known` (a session's messages; empty: no session) lacks of the conversation, in T3 Code's order.

    `sessions` are the messages of other sessions and archived copies; `shown` is T3 Code's own copy, empty if there is none.
    Hand-off texts are left out, and so is what t3tray carried over before, if T3 Code's copy contains it too.
    """
    shown = [message for message in shown if _says_anything(message)]
    parts = frozenset(part for message in shown if (part := _part_of(message)))
    target = _Index(known, parts)
    union = _union(target, sessions, keep_carried=not shown)
    others = _Index(union, parts)
    lost: list[tuple[int, Message]] = []
    placed: dict[int, int] = {}
    handed_over: set[int] = set()
    # Newest first: of two equal prompts the later one is the one that exists.
    for message in reversed(shown):
        if target.place_of(message) is not None:
            continue
        place = others.place_of(message)
        if target.was_handed_over(message):
            handed_over |= {place} if place is not None else set()
        elif place is None:
            lost.append((message.created_ms, message))
        else:
            placed[place] = min(placed.get(place, message.created_ms), message.created_ms)
    lost.reverse()
    at = 0
    for place, message in enumerate(union):
        follows = place > 0 and message.created_ms >= union[place - 1].created_ms
        at = placed.get(place, max(at, message.created_ms) if follows else message.created_ms)
        if place in placed or not (place in handed_over or target.was_handed_over(message)):
            lost.append((at, message))
    return tuple(message for _, message in sorted(lost, key=lambda each: each[0]))


def _union(target: _Index, sessions: Iterable[Sequence[Message]], keep_carried: bool) -> list[Message]:
    """Return every message that the target does not have, once, session after session."""
    found: list[Message] = []
    keys = set(target.keys)
    for session in sessions:
        for message in map(words_of, session):
            if _key(message) in keys or not _says_anything(message) or (is_carried(message.text) and not keep_carried):
                continue
            keys.add(_key(message))
            found.append(message)
    return found


class _Index:
    """Messages indexed by what another source knows of them. `named` are the parts that T3 Code's copy lists by id."""

    def __init__(self, messages: Sequence[Message], named: Collection[str]) -> None:
        self.keys: set[tuple[str, int, str]] = set()
        self._messages = messages
        self._parts: dict[str, int] = {}
        self._texts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._handed_over: list[tuple[Message, str]] = []
        self._taken: set[int] = set()
        for place, message in enumerate(messages):
            if is_handoff(message.text) or is_carried(message.text):
                self._handed_over += [(handed_over, _plain(handed_over.text)) for handed_over in messages_in(message)]
            self._add(place, words_of(message), named)

    def _add(self, place: int, message: Message, named: Collection[str]) -> None:
        self.keys.add(_key(message))
        pieces = [piece for piece in message.pieces if piece.kind is PieceKind.TEXT]
        self._parts |= {piece.id: place for piece in pieces}
        if any(piece.id in named for piece in pieces):
            return  # found by its part, and by nothing less certain
        for text in {_plain(message.text), *(_plain(piece.text) for piece in pieces)} - {""}:
            self._texts[message.role, text].append(place)

    def place_of(self, message: Message) -> int | None:
        """Return the position of this message of T3 Code's copy; None if it is not among them."""
        if (part := _part_of(message)) in self._parts:
            return self._parts[part]
        fitting = [
            (later, place)
            for place in self._texts.get((message.role, _plain(message.text)), ())
            if place not in self._taken and -_EARLIER <= (later := _lateness(message, self._messages[place])) <= _LATER
        ]
        if not fitting:
            return None
        place = min(fitting)[1]
        if message.role is Role.USER:
            self._taken.add(place)
        return place

    def was_handed_over(self, message: Message) -> bool:
        """Whether a hand-over among these contains this message. One message of a hand-over stands for one message; of an
        answer, for all its texts."""
        text = _plain(message.text)
        for number in range(len(self._handed_over) - 1, -1, -1):
            handed_over, plain = self._handed_over[number]
            if handed_over.role is not message.role or message.created_ms > handed_over.created_ms + _EARLIER:
                continue
            if plain == text:
                del self._handed_over[number]
                return True
            if handed_over.role is Role.ASSISTANT and text and f"\n{message.text.strip()}\n" in f"\n{handed_over.text}\n":
                return True
        return False


def _part_of(message: Message) -> str:
    """Return the part of OpenCode's message that T3 Code made this one from; empty for the user's messages."""
    part = message.id.rpartition(":")[2]
    return part if part.startswith(_PART) else ""


def _lateness(shown: Message, held: Message) -> int:
    """Return by how many ms the second writer of this message was later: OpenCode for a prompt, T3 Code for an answer."""
    difference = held.created_ms - shown.created_ms
    return difference if shown.role is Role.USER else -difference


def _says_anything(message: Message) -> bool:
    return bool(message.text.strip() or message.tools or message.files or message.error)


def _key(message: Message) -> tuple[str, int, str]:
    """Author, time and text: a fork copies messages under new ids with their times (OpenCode 1.18)."""
    return message.role, message.created_ms, message.text


def _plain(text: str) -> str:
    return " ".join(text.split())
