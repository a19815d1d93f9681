"""A conversation as a flat list of rows, each small enough to be laid out in a moment. Pure; no PySide6 here.

What did not change since the last call is the same object, so that the view touches only what did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from t3tray.domain.conversation import Conversation, SubAgent
from t3tray.domain.evidence import Role
from t3tray.domain.times import dated, from_ms, local
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.ui.conversation.markdown import Block, Blocks
from t3tray.ui.conversation.tools import ToolSheet, given, is_running, mark, tool_words

# In lines: what a tool was given and what it gave scrolls by itself beyond.
_TOOL_LINES = 14
_CODE_LINES = 200
_CLOSE, _NEAR, _FAR = 1, 2, 4
# In messages.
_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """`key` stays while its content changes; `depth`: how many sub-agents deep; `space`: what is above it, in units."""

    key: str
    depth: int = 0
    space: int = _NEAR


@dataclass(frozen=True, kw_only=True)
class UserRow(Row):
    """A piece of what the user wrote, as it was typed; a long message has several, of which one is first and one last."""

    text: str
    is_first: bool = True
    is_last: bool = True


@dataclass(frozen=True, kw_only=True)
class ProseRow(Row):
    """Markdown without code blocks. `is_quiet`: a thought."""

    text: str
    is_quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class CodeRow(Row):
    """Lines as they are. `caption` says what they are, `lines` how many are shown at once, `language` (or a file's name) how they
    are coloured."""

    text: str
    caption: str = ""
    language: str = ""
    lines: int = _CODE_LINES


@dataclass(frozen=True, kw_only=True)
class FoldRow(Row):
    """One line that opens to more. `child` is the session of a sub-agent."""

    text: str
    mark: str = ""
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
    """Why a turn ended. `can_retry`: it is the last one, nothing runs, and it stands in the session itself."""

    text: str
    can_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class CopyRow(Row):
    """The end of a message of the user's, or of an answer with all its steps. `texts` were said in it, `what` is what it is."""

    texts: tuple[str, ...]
    what: str


class Rows:
    """The rows of one conversation, picture after picture. `opened` are the keys of the rows that were opened.

    Of the messages that were read already the newest are told first, the ones before when they are asked for.
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
        """Open a row that is closed, close one that is open."""
        self.opened ^= {key}
        self._known.pop(key.split("/")[0], None)

    def reveal(self) -> bool:
        """Tell some more of the messages before; whether there are any that were read already."""
        if self._held_back:
            self._first = self._held_back[-_AT_ONCE:][0].id
        return bool(self._held_back)

    def of(self, conversation: Conversation) -> tuple[Row, ...]:
        """The rows, oldest first."""
        self._agents = {agent.session_id: agent for agent in conversation.agents}
        rows: list[Row] = []
        told = self._told(conversation.messages)
        if conversation.has_older or self._held_back:
            rows.append(NoteRow(key="older", text="Older messages are being read…", centred=True))
        former: PieceKind | None = None
        day, last = None, told[-1] if told else None
        can_retry = not conversation.is_busy and conversation.kept is None
        turn: tuple[Message, ...] = ()
        for message, after in zip_longest(told, told[1:]):
            at = local(from_ms(message.created_ms))
            if at.date() != day:
                day = at.date()
                rows.append(NoteRow(key=f"day {day}", text=f"{at:%A}, {dated(at, '%B %Y')}", centred=True, space=_FAR))
            # The button above has its own room.
            begin = _NEAR if rows and isinstance(rows[-1], CopyRow) else _FAR
            rows += self._utterance(message, 0, former, begin)
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
        """Nothing where nothing was said."""
        name = turn[-1].id
        known = self._ends.get(name)
        if known is None or known[0] != turn:
            known = self._ends[name] = turn, [*_copy(turn)]
        return known[1]

    def _told(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        begin = next((number for number, each in enumerate(messages) if each.id == self._first), None)
        if begin is None:
            begin = max(len(messages) - _AT_ONCE, 0)
            self._first = messages[begin].id if messages else ""
        self._held_back = messages[:begin]
        return messages[begin:]

    def _utterance(self, message: Message, depth: int, former: PieceKind | None, begin: int = _FAR) -> tuple[Row, ...]:
        """`former` is what the message before ends with, where that is an answer too: a turn's steps stand together.

        `begin` is the space above it where it is none.
        """
        known = self._known.get(message.id)
        if known and known[0] is message and known[1:3] == (former, begin):
            return known[3]
        is_users = message.role is Role.USER
        rows = tuple(self._user(message, depth, begin) if is_users else self._assistant(message, depth, former, begin))
        # What an open sub-agent does changes without its task.
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
                # What begins as prose may turn out to be code: that is another row.
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
            mark=mark(tool),
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
            yield from self._utterance(message, depth, former)
            former = _ends_with(message)
            yield from _error(message, depth, can_retry=False)
        if is_running(tool):
            yield NoteRow(key=f"{key}/working", depth=depth, text="Working…")


def _ends_with(message: Message) -> PieceKind | None:
    """The last piece of an answer that ended well."""
    if message.role is Role.USER or message.error or not message.in_order:
        return None
    return message.in_order[-1].kind


def _end(conversation: Conversation) -> Iterator[Row]:
    """What is said below the last message."""
    if conversation.trouble:
        # What OpenCode dropped is none of the messages: it waits in the composer, and an answered one is not sent again.
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
    said = (piece.text for message in turn for piece in message.in_order if piece.kind is PieceKind.TEXT)
    texts = (turn[-1].text,) if is_users else tuple(said)
    if any(text.strip() for text in texts):
        yield CopyRow(key=f"{turn[-1].id}/copy", space=_CLOSE, texts=texts, what="your message" if is_users else "the answer")


def _error(message: Message, depth: int, *, can_retry: bool) -> Iterator[Row]:
    if message.error and not message.stopped:
        text = f"The model did not answer: {message.error.rstrip('.')}."
        yield ErrorRow(key=f"{message.id}/error", depth=depth, space=_FAR, text=text, can_retry=can_retry)


def _unanswered(conversation: Conversation, message_id: str) -> ErrorRow:
    """Stored, and left there. The last one can be sent once more, unless that would be left there too."""
    why = conversation.why_unanswered
    text = f"The model was not asked. {why or 'OpenCode stored this message and gave no reason.'}"
    can_retry = not why and message_id == conversation.unanswered[-1]
    return ErrorRow(key=f"{message_id}/unanswered", space=_NEAR, text=text, can_retry=can_retry)


def _plain_pieces(text: str) -> list[str]:
    """What was typed, cut at line ends (or anywhere, in a line without one) into pieces that are laid out in a moment."""
    pieces, at = [], 0
    text = text.strip("\n")
    while len(text) - at > 3_000:
        cut = text.rfind("\n", at + 1_500, at + 3_000)
        if cut < 0:
            cut = max(text.rfind(" ", at + 1_500, at + 3_000), 0) or at + 3_000
        pieces.append(text[at:cut].rstrip("\n"))
        at = cut + (text[cut] in "\n ")
    return [*pieces, text[at:]] if text[at:].strip() or not pieces else pieces
