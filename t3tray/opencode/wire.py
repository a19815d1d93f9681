"""OpenCode 1.x's JSON as it stands on the wire, and what it becomes here.

It owns every spelling of the protocol (`sessionID`, `time.completed`, …), for the API and for the JSON columns of the
database alike. Unknown fields are ignored; a missing field that we need is Unsupported, with its path. It sends nothing.
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
        """What was sent in all, what was cached included."""
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
    """A message without its ids: the database keeps those in columns of their own.

    `summary` is true in the assistant's message of a compaction and an object of diffs in a user's.
    """

    role: Role
    time: _MessageTime
    parent_id: str | None = field(name="parentID", default=None)
    mode: str = ""
    finish: str | None = None
    summary: Raw = Raw()
    error: MessageError | None = None
    model_id: str = field(name="modelID", default="")
    # What nobody needs to read the words is taken as it comes.
    cost: Raw = Raw()
    tokens: Raw = Raw()

    def message(self, message_id: str, parts: tuple[Part, ...]) -> Message:
        """The message with its words."""
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
        """`keeps`: it asks for a compaction that keeps what follows on this message ("": nothing). `has_words`: text or tools."""
        # After tool calls another step follows: a process that was killed in between leaves no other trace of it.
        ended = self.error is not None or (self.time.completed is not None and self.finish != "tool-calls")
        is_users = self.role is Role.USER
        # An answer that failed, or was never finished, may have no parts by itself. Of one that was stopped the model gets all.
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


def _sent_tokens(told: Raw) -> int:
    """How many tokens an answer was sent, what was cached included; 0 where that is not told."""
    try:
        tokens = msgspec.json.decode(told, type=_Tokens)
    except msgspec.DecodeError:
        return 0
    return tokens.sent


def _number(told: Raw) -> float:
    try:
        return msgspec.json.decode(told, type=float)
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
    """A piece of a message. `state` and `tool` belong to a use of a tool, `filename` and `mime` to an attached file.

    `time` has an end once a text is written to its end; before that its words are told by events alone. `auto`: a compaction that
    OpenCode makes by itself; `tail_start_id`: the first message that it keeps.
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
        """OpenCode's own words after a compaction, by which it has the model go on with what it was asked."""
        return self.synthetic and b"compaction_continue" in bytes(self.metadata)

    @property
    def is_being_written(self) -> bool:
        return self.type in _WORDS and self.time is not None and self.time.end is None

    def piece(self) -> Piece | None:
        """What it is in a conversation; None for what only OpenCode needs, and for what nobody has written yet."""
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
    """Which sub-agent a task is given to; the model may have said anything, or nothing yet."""
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
    """A message of which only the time is looked at: the rest is not even decoded."""

    info: _StubInfo

    @property
    def created_ms(self) -> int:
        return self.info.time.created


class TranscriptPage(Struct, frozen=True):
    """Some messages with all their parts, oldest first. `older` asks for the page before, None at the beginning."""

    messages: tuple[WireMessage, ...]
    older: str | None = None


class Status(Struct, frozen=True):
    """`message` says why a request to the model is tried again."""

    type: str
    message: str = ""

    @property
    def activity(self) -> Activity:
        """Every type but `idle` is work under way: `busy`, `retry`, and what a newer version may add."""
        return Activity.IDLE if self.type == "idle" else Activity.BUSY


class Permission(Struct, frozen=True):
    """A tool that waits for leave. `always` is what would be allowed from now on."""

    id: str
    session_id: str = field(name="sessionID")
    permission: str = ""
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


class _Option(Struct, frozen=True):
    label: str
    description: str = ""


class QuestionItem(Struct, frozen=True):
    """One question; `custom`: an answer in other words than the options' is taken too."""

    question: str = ""
    header: str = ""
    options: tuple[_Option, ...] = ()
    multiple: bool = False
    custom: bool = True


class QuestionSet(Struct, frozen=True):
    """Questions of the model that wait for the user together."""

    id: str
    session_id: str = field(name="sessionID")
    questions: tuple[QuestionItem, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(asked.question for asked in self.questions)


def decode(content: bytes | str | Raw, shape: type[T], what: str) -> T:
    """The JSON text as this shape, without passwords. Raises Unsupported with the path of the field that is not as we need it.

    `what` names the thing for people ("the session").
    """
    try:
        return msgspec.json.decode(conceal(content) if isinstance(content, str) else conceal_bytes(bytes(content)), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unsupported(f"OpenCode tells {what} in a way that t3tray does not understand: {error}.") from error
