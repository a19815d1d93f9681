"""A conversation as a flat list of rows, each small enough to be laid out quickly. Pure; no PySide6 here.

A row that did not change since the last call is the same object, so that the view updates only the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from t3tray.domain.conversation import Conversation, SubAgent
from t3tray.domain.evidence import Role
from t3tray.domain.times import dated, from_ms, local
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.messages.conversation import not_answered, not_asked
from t3tray.ui.conversation.markdown import Block, Blocks
from t3tray.ui.conversation.tools import ToolSheet, given, is_running, tool_symbol, tool_words

# In lines: a longer tool input or output, or code block, scrolls within its box.
_TOOL_LINES = 14
_CODE_LINES = 200
# Space above a row, in units.
_CLOSE, _NEAR, _FAR = 1, 2, 4
# In messages: how many are shown at first, and added with each `reveal`.
_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row. `key` is stable while the content changes; `depth` is the nesting of sub-agents; `space` is above it, in units."""

    key: str
    depth: int = 0
    space: int = _NEAR


@dataclass(frozen=True, kw_only=True)
class UserRow(Row):
    """A part of a user's message, as plain text. Of the parts of a long message, the first and the last are flagged."""

    text: str
    is_first: bool = True
    is_last: bool = True


@dataclass(frozen=True, kw_only=True)
class ProseRow(Row):
    """Markdown without code blocks. `is_quiet`: part of a thought."""

    text: str
    is_quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class CodeRow(Row):
    """Preformatted lines. `lines` is how many are visible at once; `language` (or a file's name) selects the highlighting."""

    text: str
    caption: str = ""
    language: str = ""
    lines: int = _CODE_LINES


@dataclass(frozen=True, kw_only=True)
class FoldRow(Row):
    """A line that can be opened to show more. `child` is the session of a sub-agent."""

    text: str
    symbol: str = ""
    is_open: bool = False
    failed: bool = False
    child: str | None = None


@dataclass(frozen=True, kw_only=True)
class NoteRow(Row):
    """A remark between the messages; `kind` is its role in the style sheet."""

    text: str
    kind: str = "muted"
    centred: bool = False


@dataclass(frozen=True, kw_only=True)
class ErrorRow(Row):
    """Why a turn failed. `can_retry`: it is the last turn, nothing is running, and it is in the session itself, not in a copy."""

    text: str
    can_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class CopyRow(Row):
    """The end of a user's message, or of an answer with all its steps. `texts` are its texts, `what` names it for the button."""

    texts: tuple[str, ...]
    what: str


class Rows:
    """Turns successive states of one conversation into rows. `opened` are the keys of the rows that the user opened.

    Of the messages that were read, the newest `_AT_ONCE` are shown first, and earlier ones after `reveal`.
    """

    def __init__(self) -> None:
        self._first = ""
        self._held_back: tuple[Message, ...] = ()
        self.opened: set[str] = set()
        self._blocks: dict[str, Blocks] = {}
        self._prose_rows: dict[str, tuple[tuple[Block, ...], list[Row]]] = {}
        self._known: dict[str, tuple[Message, PieceKind | None, int, tuple[Row, ...]]] = {}
        self._agents: dict[str, SubAgent] = {}
        self._ends: dict[str, tuple[tuple[Message, ...], list[Row]]] = {}

    def toggle(self, key: str) -> None:
        """Open a closed row, or close an open one."""
        self.opened ^= {key}
        self._known.pop(key.split("/")[0], None)

    def reveal(self) -> bool:
        """Include `_AT_ONCE` earlier messages. Return whether there are any that were already read."""
        if self._held_back:
            self._first = self._held_back[-_AT_ONCE:][0].id
        return bool(self._held_back)

    def of(self, conversation: Conversation) -> tuple[Row, ...]:
        """Return the rows, the oldest message first."""
        self._agents = {agent.session_id: agent for agent in conversation.agents}
        rows: list[Row] = []
        messages = self._included(conversation.messages)
        if conversation.has_older or self._held_back:
            rows.append(NoteRow(key="older", text="Older messages are being read…", centred=True))
        former: PieceKind | None = None
        day, last = None, messages[-1] if messages else None
        can_retry = not conversation.is_busy and conversation.kept is None
        turn: tuple[Message, ...] = ()
        for message, after in zip_longest(messages, messages[1:]):
            at = local(from_ms(message.created_ms))
            if at.date() != day:
                day = at.date()
                rows.append(NoteRow(key=f"day {day}", text=f"{at:%A}, {dated(at, '%B %Y')}", centred=True, space=_FAR))
            # A copy button already leaves some space.
            begin = _NEAR if rows and isinstance(rows[-1], CopyRow) else _FAR
            rows += self._message(message, 0, former, begin)
            former = _ends_with(message)
            turn = (*turn, message)
            if Role.USER in (message.role, after.role) if after else not conversation.is_busy:
                rows += self._end_of(turn)
                turn = ()
            rows += _error(message, 0, can_retry=message is last and can_retry)
            if message.id in conversation.unanswered and not (conversation.trouble and message is last):
                rows.append(_unanswered(conversation, message.id))
        return (*rows, *_end(conversation))

    def _end_of(self, turn: tuple[Message, ...]) -> list[Row]:
        """Return the copy row of a turn, nothing if the turn has no text."""
        name = turn[-1].id
        known = self._ends.get(name)
        if known is None or known[0] != turn:
            known = self._ends[name] = turn, [*_copy(turn)]
        return known[1]

    def _included(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        begin = next((number for number, each in enumerate(messages) if each.id == self._first), None)
        if begin is None:
            begin = max(len(messages) - _AT_ONCE, 0)
            self._first = messages[begin].id if messages else ""
        self._held_back = messages[:begin]
        return messages[begin:]

    def _message(self, message: Message, depth: int, former: PieceKind | None, begin: int = _FAR) -> tuple[Row, ...]:
        """Return the rows of one message.

        `former` is the last piece of the previous message if that is an answer too, since the steps of a turn are close to each
        other; else `begin` is the space above.
        """
        known = self._known.get(message.id)
        if known and known[0] is message and known[1:3] == (former, begin):
            return known[3]
        is_users = message.role is Role.USER
        rows = tuple(self._user(message, depth, begin) if is_users else self._assistant(message, depth, former, begin))
        # Do not cache an open sub-agent: its messages change while the task's own message does not.
        if not any(isinstance(row, FoldRow) and row.child and row.is_open for row in rows):
            self._known[message.id] = message, former, begin, rows
        return rows

    def _user(self, message: Message, depth: int, begin: int) -> Iterator[Row]:
        blocks = _plain_pieces(message.text)
        for number, text in enumerate(blocks):
            first, last = number == 0, number == len(blocks) - 1
            key = f"{message.id}/text/{number}"
            yield UserRow(key=key, depth=depth, space=begin if first else 0, text=text, is_first=first, is_last=last)
        if message.files:
            yield NoteRow(key=f"{message.id}/files", depth=depth, space=_CLOSE, text=f"Attached: {', '.join(message.files)}")

    def _assistant(self, message: Message, depth: int, former: PieceKind | None, begin: int) -> Iterator[Row]:
        if message.summarises:
            text = "The messages before were summarised; the model reads this summary in their place."
            yield NoteRow(key=f"{message.id}/summary", depth=depth, space=_FAR, text=text)
        for piece in message.in_order:
            space = _CLOSE if piece.kind is former is PieceKind.TOOL else _NEAR if former else begin
            former = piece.kind
            key = f"{message.id}/{piece.id}"
            if piece.kind is PieceKind.TEXT:
                yield from self._prose(key, piece.text, depth, space + 1)
            elif piece.kind is PieceKind.THOUGHT:
                yield from self._thought(key, piece, depth, space)
            elif piece.tool:
                yield from self._tool(key, piece.tool, depth, space)
        if message.stopped:
            yield NoteRow(key=f"{message.id}/stopped", depth=depth, text="Stopped here.")

    def _prose(self, key: str, text: str, depth: int, space: int, *, is_quiet: bool = False) -> list[Row]:
        growing = self._blocks.setdefault(key, Blocks())
        blocks = growing.of(text)
        former, rows = self._prose_rows.get(key, ((), []))
        if rows and rows[0].space != space:
            former, rows = (), []
        same = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(former, blocks, strict=False)))
        rows = rows[:same]
        for number, block in enumerate(blocks[same:], same):
            above = space if number == 0 else 0 if block.continues else _NEAR
            name = f"{key}/{number}"
            if block.is_code:
                # A growing block may turn from prose into code, which needs another key.
                code, language = block.text, block.language
                rows.append(CodeRow(key=f"{name}/code", depth=depth, space=above, text=code, caption=language, language=language))
            else:
                rows.append(ProseRow(key=name, depth=depth, space=above, text=block.text, is_quiet=is_quiet))
        self._prose_rows[key] = blocks, rows
        return rows

    def _thought(self, key: str, piece: Piece, depth: int, space: int) -> Iterator[Row]:
        is_open = key in self.opened
        yield FoldRow(key=key, depth=depth, space=space, text="Thought", is_open=is_open)
        if is_open:
            yield from self._prose(f"{key}/words", piece.text, depth + 1, _CLOSE, is_quiet=True)

    def _tool(self, key: str, tool: ToolCall, depth: int, space: int) -> Iterator[Row]:
        is_open = key in self.opened
        yield FoldRow(
            key=key,
            depth=depth,
            space=space,
            text=tool_words(tool),
            symbol=tool_symbol(tool),
            is_open=is_open,
            failed=tool.status == "error",
            child=tool.child_session,
        )
        if not is_open:
            return
        if tool.child_session:
            yield from self._agent(key, tool, depth + 1)
            return
        for name, sheet in (("Input", given(tool)), ("Output", ToolSheet("Output", tool.output))):
            if sheet.text.strip():
                yield CodeRow(
                    key=f"{key}/{name}",
                    depth=depth + 1,
                    space=_CLOSE,
                    text=sheet.text,
                    caption=sheet.caption,
                    language=sheet.language,
                    lines=_TOOL_LINES,
                )

    def _agent(self, key: str, tool: ToolCall, depth: int) -> Iterator[Row]:
        agent = self._agents.get(tool.child_session or "")
        if agent is None or not agent.messages:
            yield NoteRow(key=f"{key}/reading", depth=depth, text="What it says and does is being read…")
            return
        former: PieceKind | None = None
        for message in agent.messages:
            yield from self._message(message, depth, former)
            former = _ends_with(message)
            yield from _error(message, depth, can_retry=False)
        if is_running(tool):
            yield NoteRow(key=f"{key}/working", depth=depth, text="Working…")


def _ends_with(message: Message) -> PieceKind | None:
    """Return the kind of the last piece of an answer that ended without an error, else None."""
    if message.role is Role.USER or message.error or not message.in_order:
        return None
    return message.in_order[-1].kind


def _end(conversation: Conversation) -> Iterator[Row]:
    """Yield the rows below the last message."""
    if conversation.trouble:
        # A message that OpenCode dropped is not listed; it is back in the composer. An answered message is not sent again.
        is_unanswered = bool(conversation.messages) and conversation.messages[-1].role is Role.USER
        can_retry = is_unanswered and not conversation.is_busy
        yield ErrorRow(key="trouble", space=_FAR, text=conversation.trouble, can_retry=can_retry)
    if conversation.is_busy:
        why = f"The model is asked again: {conversation.retrying}" if conversation.retrying else "Working…"
        yield NoteRow(key="working", space=_NEAR + 1, text=why, kind="unsure" if conversation.retrying else "muted")
    if conversation.notice:
        what = "This may not be the latest" if conversation.messages else "The messages cannot be read just now"
        text = f"{what}: {conversation.notice}"
        yield NoteRow(key="notice", space=_NEAR + 1, text=text, kind="unsure")


def _copy(turn: tuple[Message, ...]) -> Iterator[Row]:
    is_users = turn[-1].role is Role.USER
    pieces = (piece.text for message in turn for piece in message.in_order if piece.kind is PieceKind.TEXT)
    texts = (turn[-1].text,) if is_users else tuple(pieces)
    if any(text.strip() for text in texts):
        yield CopyRow(key=f"{turn[-1].id}/copy", space=_CLOSE, texts=texts, what="your message" if is_users else "the answer")


def _error(message: Message, depth: int, *, can_retry: bool) -> Iterator[Row]:
    if message.error and not message.stopped:
        text = not_answered(f"{message.error.rstrip('.')}.")
        yield ErrorRow(key=f"{message.id}/error", depth=depth, space=_FAR, text=text, can_retry=can_retry)


def _unanswered(conversation: Conversation, message_id: str) -> ErrorRow:
    """Return the error row of a message that was stored but not answered.

    Only the last one can be sent again, and not if the cause is known to persist.
    """
    why = conversation.why_unanswered
    text = not_asked(why)
    can_retry = not why and message_id == conversation.unanswered[-1]
    return ErrorRow(key=f"{message_id}/unanswered", space=_NEAR, text=text, can_retry=can_retry)


def _plain_pieces(text: str) -> list[str]:
    """Cut a typed text at line ends (within a long line at spaces) into pieces of at most 3,000 characters."""
    pieces, at = [], 0
    text = text.strip("\n")
    while len(text) - at > 3_000:
        cut = text.rfind("\n", at + 1_500, at + 3_000)
        if cut < 0:
            cut = max(text.rfind(" ", at + 1_500, at + 3_000), 0) or at + 3_000
        pieces.append(text[at:cut].rstrip("\n"))
        at = cut + (text[cut] in "\n ")
    return [*pieces, text[at:]] if text[at:].strip() or not pieces else pieces
