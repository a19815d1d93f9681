"""OpenCode 1.x's JSON, and its conversion into our values.

Defines all names of the protocol (`sessionID`, `time.completed`, …), for the API and for the database's JSON columns. Unknown
fields are ignored; a missing required field raises Unsupported with its path.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, field

from t3tray.domain.evidence import Activity, MessageFacts, Role, SessionFacts
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.errors import Unsupported
from t3tray.opencode.markers import marker_in, part_mark
from t3tray.opencode.message_error import MessageError
from t3tray.opencode.records import MessageRecord, SessionRecord
from t3tray.system.known_secrets import conceal, conceal_bytes

T = TypeVar("T")


class _SessionTime(Struct, frozen=True):
    created: int
    updated: int
    archived: int | None = None


class _Cache(Struct, frozen=True):
    read: int = 0
    write: int = 0


class _Tokens(Struct, frozen=True):
    input: int = 0
    cache: _Cache = _Cache()

    @property
    def sent(self) -> int:
        """All input tokens, including cached ones."""
        return self.input + self.cache.read + self.cache.write


class Revert(Struct, frozen=True):
    message_id: str = field(name="messageID")


class WireSession(Struct, frozen=True):
    id: str
    directory: str
    title: str
    time: _SessionTime
    version: str = ""
    parent_id: str | None = field(name="parentID", default=None)
    revert: Revert | None = None
    metadata: Raw = Raw()
    agent: str = ""
    tokens: _Tokens = _Tokens()

    def record(self) -> SessionRecord:
        facts = SessionFacts(
            id=self.id,
            directory=self.directory,
            title=self.title,
            created_ms=self.time.created,
            updated_ms=self.time.updated,
            version=self.version,
            parent_id=self.parent_id,
            archived=self.time.archived is not None,
            reverted_to=self.revert.message_id if self.revert else None,
        )
        tokens = self.tokens.sent
        return SessionRecord(facts, marker_in(self.metadata), self.agent, bytes(self.metadata).decode(), tokens)


class _MessageTime(Struct, frozen=True):
    created: int
    completed: int | None = None


class MessageBody(Struct, frozen=True):
    """A message without its ids, which the database has in separate columns.

    `summary` is true in the assistant's message of a compaction, and an object of diffs in a user's message.
    """

    role: Role
    time: _MessageTime
    parent_id: str | None = field(name="parentID", default=None)
    mode: str = ""
    finish: str | None = None
    summary: Raw = Raw()
    error: MessageError | None = None
    model_id: str = field(name="modelID", default="")
    # Kept as raw JSON: not needed for the text.
    cost: Raw = Raw()
    tokens: Raw = Raw()

    def message(self, message_id: str, parts: tuple[Part, ...]) -> Message:
        """Return the message with its text."""
        facts = self.facts_with(message_id, parts)
        return Message(
            id=message_id,
            role=self.role,
            created_ms=self.time.created,
            text="\n".join(part.text for part in parts if part.type == "text" and not part.synthetic),
            tools=tuple(part.tool_call() for part in parts if part.type == "tool"),
            files=tuple(part.filename or part.mime or "a file" for part in parts if part.type == "file" and not part.synthetic),
            error=self.error.sentence() if self.error else "",
            model=self.model_id,
            sent_tokens=_sent_tokens(self.tokens),
            cost=_number(self.cost),
            finished=facts.finished,
            summarises=facts.compaction and self.role is Role.ASSISTANT,
            pieces=tuple(piece for part in parts if (piece := part.piece())),
            stopped=self.error is not None and self.error.is_stop,
        )

    def facts_with(self, name: str, parts: tuple[Part, ...]) -> MessageFacts:
        keeps = next((part.tail_start_id or "" for part in parts if part.type == COMPACTION), None)
        has_words = any(part.type == "tool" or (part.type == "text" and part.text.strip()) for part in parts)
        return self.facts(name, keeps, bool(parts), has_words)

    def facts(self, name: str, keeps: str | None = None, has_parts: bool = True, has_words: bool = False) -> MessageFacts:
        """Return the facts. `keeps`: the message requests a compaction that keeps messages from this id on ("" for none);
        `has_words`: it has text or tools."""
        # After tool calls another step follows: this is the only trace of a process that was killed in between.
        ended = self.error is not None or (self.time.completed is not None and self.finish != "tool-calls")
        is_users = self.role is Role.USER
        # An answer that failed or was not finished may have no parts anyway. A stopped one is sent to the model completely.
        is_emptied = not has_parts and (is_users or (self.error is None and self.time.completed is not None))
        is_summary = not is_users and bytes(self.summary) == b"true"
        return MessageFacts(
            name,
            self.role,
            self.time.created,
            is_users or ended,
            is_summary or self.mode == COMPACTION or keeps is not None,
            self.parent_id,
            is_summary,
            self.finish is not None,
            self.error is not None,
            keeps or None,
            is_emptied,
            has_words and not is_users and self.error is not None and not self.error.is_stop,
        )


def _sent_tokens(content: Raw) -> int:
    """Return the number of input tokens of an answer, including cached ones; 0 where it is not known."""
    try:
        tokens = msgspec.json.decode(content, type=_Tokens)
    except msgspec.DecodeError:
        return 0
    return tokens.sent


def _number(content: Raw) -> float:
    try:
        return msgspec.json.decode(content, type=float)
    except msgspec.DecodeError:
        return 0.0


class MessageInfo(MessageBody, frozen=True, kw_only=True):
    id: str
    session_id: str = field(name="sessionID")

    def record(self, parts: tuple[Part, ...] = ()) -> MessageRecord:
        return MessageRecord(
            facts=self.facts_with(self.id, parts),
            session_id=self.session_id,
            parent_id=self.parent_id,
            text="\n".join(part.text for part in parts if part.type == "text" and not part.synthetic),
            finish=self.finish,
            error=self.error.sentence() if self.error else None,
            mark=next((mark for part in parts if (mark := part_mark(part.metadata))), ""),
        )


COMPACTION = "compaction"


class _ToolMetadata(Struct, frozen=True):
    session_id: str | None = field(name="sessionId", default=None)


class _TaskInput(Struct, frozen=True):
    subagent_type: str = ""


class _ToolState(Struct, frozen=True):
    status: str = ""
    input: Raw = Raw()
    output: str = ""
    title: str = ""
    error: str = ""
    metadata: _ToolMetadata = _ToolMetadata()


class _PartTime(Struct, frozen=True):
    end: int | None = None


class Part(Struct, frozen=True):
    """A part of a message. `state` and `tool` belong to a tool call, `filename` and `mime` to an attached file.

    `time` has an end when a text is complete; before that its text is only in events. `auto`: a compaction started by OpenCode
    itself; `tail_start_id`: the first message that it keeps.
    """

    type: str
    id: str = ""
    text: str = ""
    synthetic: bool = False
    tool: str = ""
    state: _ToolState | None = None
    filename: str = ""
    mime: str = ""
    metadata: Raw = Raw()
    message_id: str = field(name="messageID", default="")
    time: _PartTime | None = None
    tail_start_id: str | None = None
    auto: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether it is OpenCode's own text after a compaction, which asks the model to continue."""
        return self.synthetic and b"compaction_continue" in bytes(self.metadata)

    @property
    def is_being_written(self) -> bool:
        return self.type in _WORDS and self.time is not None and self.time.end is None

    def piece(self) -> Piece | None:
        """Return the part for a conversation; None for OpenCode's internal parts and empty ones."""
        if self.type == "tool":
            return Piece(self.id, PieceKind.TOOL, tool=self.tool_call())
        kind = None if self.synthetic else _WORDS.get(self.type)
        return Piece(self.id, kind, self.text) if kind and self.text else None

    def tool_call(self) -> ToolCall:
        state = self.state or _ToolState()
        return ToolCall(
            name=self.tool,
            status=state.status,
            title=state.title,
            input=bytes(state.input).decode(),
            output=state.output or state.error,
            child_session=state.metadata.session_id,
            agent=_sub_agent(state.input) if self.tool == _TASK else "",
        )


_WORDS = {"text": PieceKind.TEXT, "reasoning": PieceKind.THOUGHT}
_TASK = "task"


def _sub_agent(task: Raw) -> str:
    """Return the sub-agent of a task; the model's input may be invalid or incomplete."""
    try:
        return msgspec.json.decode(task, type=_TaskInput).subagent_type
    except msgspec.DecodeError:
        return ""


class WireMessage(Struct, frozen=True):
    info: MessageInfo
    parts: tuple[Part, ...]

    def record(self) -> MessageRecord:
        return self.info.record(self.parts)

    def message(self) -> Message:
        return self.info.message(self.info.id, self.parts)


class _StubInfo(Struct, frozen=True):
    time: _MessageTime


class Stub(Struct, frozen=True):
    """A message of which only the time is decoded."""

    info: _StubInfo

    @property
    def created_ms(self) -> int:
        return self.info.time.created


class TranscriptPage(Struct, frozen=True):
    """Some messages with all their parts, oldest first. `older` requests the previous page, None at the beginning."""

    messages: tuple[WireMessage, ...]
    older: str | None = None


class Status(Struct, frozen=True):
    """A session's status. `message` is the reason why a request to the model is repeated."""

    type: str
    message: str = ""

    @property
    def activity(self) -> Activity:
        """BUSY for every type except `idle`: `busy`, `retry`, and types of newer versions."""
        return Activity.IDLE if self.type == "idle" else Activity.BUSY


class Permission(Struct, frozen=True):
    """A tool that waits for approval. `always` is what "always" would allow."""

    id: str
    session_id: str = field(name="sessionID")
    permission: str = ""
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


class _Option(Struct, frozen=True):
    label: str
    description: str = ""


class QuestionItem(Struct, frozen=True):
    """One question; `custom`: an answer other than the options is accepted."""

    question: str = ""
    header: str = ""
    options: tuple[_Option, ...] = ()
    multiple: bool = False
    custom: bool = True


class QuestionSet(Struct, frozen=True):
    """Questions of the model that are answered together."""

    id: str
    session_id: str = field(name="sessionID")
    questions: tuple[QuestionItem, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(item.question for item in self.questions)


def decode(content: bytes | str | Raw, shape: type[T], what: str) -> T:
    """Decode JSON text as this shape, with passwords removed. Raises Unsupported with the path of an invalid field.

    `what` names the thing in the message ("the session").
    """
    try:
        return msgspec.json.decode(conceal(content) if isinstance(content, str) else conceal_bytes(bytes(content)), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unsupported(f"OpenCode's data for {what} has an unsupported format: {error}.") from error
