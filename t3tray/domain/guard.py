"""Values of the guard: T3 Code's requests, its database at that moment, our binding, and the answer.

Every directory in here is a real path (links resolved, one spelling for each folder) or empty, so that equal means the same
folder. The rules are in `guard_rules`, the sentences in `messages.guard`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from t3tray.domain.verdict import Kind, Reason, Verdict


@dataclass(frozen=True)
class PermissionRule:
    """One permission rule that T3 Code gives a session. Later rules win over earlier ones."""

    permission: str
    pattern: str
    action: str


@dataclass(frozen=True)
class ReadRequest:
    """`GET /session/{id}`: T3 Code resumes a thread."""

    session_id: str
    directory: str = ""


@dataclass(frozen=True)
class CreateRequest:
    """`POST /session`: a new thread, a follow-up that lost its session, or a text that T3 Code generates for itself."""

    title: str | None
    directory: str
    rules: tuple[PermissionRule, ...] = ()


@dataclass(frozen=True)
class ForkRequest:
    """`POST /session/{id}/fork`: a thread was moved to another folder."""

    session_id: str
    directory: str


@dataclass(frozen=True)
class PromptRequest:
    """`POST /session/{id}/prompt_async`: a message into the session that T3 Code holds open."""

    session_id: str


@dataclass(frozen=True)
class OtherRequest:
    """Every other request."""


GuardRequest = ReadRequest | CreateRequest | ForkRequest | PromptRequest | OtherRequest


class GuardRequestKind(StrEnum):
    """The kind of a request as a word."""

    READ = "read"
    CREATE = "create"
    FORK = "fork"
    PROMPT = "prompt"
    OTHER = "other"


def kind_of(asked: GuardRequest) -> GuardRequestKind:
    match asked:
        case ReadRequest():
            return GuardRequestKind.READ
        case CreateRequest():
            return GuardRequestKind.CREATE
        case ForkRequest():
            return GuardRequestKind.FORK
        case PromptRequest():
            return GuardRequestKind.PROMPT
        case OtherRequest():
            return GuardRequestKind.OTHER


class UpstreamAnswer(StrEnum):
    """OpenCode's own answer to a `ReadRequest`.

    FAILED is any answer that says neither; UNCLEAR is a failure that T3 Code would take for a missing session.
    """

    FOUND = "found"
    MISSING = "missing"
    FAILED = "failed"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class T3ThreadState:
    """One of T3 Code's OpenCode threads, as its database has it while a request waits.

    `pending`: a message waits for its turn to start. `had_turns`: a turn has begun at some time. `answered`: it contains an
    assistant's message. `last_seen_at` is by the clock of T3 Code's server, `asked_at` (the user's newest message) by the clock
    of the client that wrote it.
    """

    id: str
    title: str
    directory: str
    session_id: str | None = None
    starting: bool = False
    pending: bool = False
    had_turns: bool = False
    answered: bool = False
    last_seen_at: datetime | None = None
    asked_at: datetime | None = None
    created_at: datetime | None = None

    @property
    def has_earlier(self) -> bool:
        """Whether there is an earlier conversation that a new session would not know."""
        return self.had_turns or self.answered


@dataclass(frozen=True)
class T3CodeState:
    """T3 Code's database at one moment: the threads that are starting, waiting, or named by the request.

    `mode_set`: threads whose runtime mode was just changed. `unreadable`: why nothing is known, a clause. `upgraded`: the
    database of a T3 Code with the second orchestrator; the guard knows none of its threads and lets all of its requests pass,
    since that version waits for ever when it is refused.
    """

    threads: tuple[T3ThreadState, ...] = ()
    mode_set: frozenset[str] = frozenset()
    unreadable: str = ""
    upgraded: str = ""


@dataclass(frozen=True)
class BoundSession:
    """A thread's live binding, checked just now.

    `directory` is the session's according to OpenCode. `chosen`: the user bound it by a remedy. `marked`: the session carries our
    marker for this thread. `has_messages`: messages were recorded. `put_away`: sessions that the user left for it.
    """

    session_id: str
    directory: str
    verdict: Verdict
    chosen: bool = False
    marked: bool = False
    has_messages: bool = False
    messages: int | None = None
    put_away: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_proved(self) -> bool:
        """Whether a follow-up may be given this session: it exists, and it is this thread's own.

        One that the user chose needs no other proof, not even a message: starting afresh is a remedy too.
        """
        if self.verdict.kind is Kind.RESUMABLE:
            return self.verdict.reason not in (Reason.UNPROVEN, Reason.NEW) or self.chosen or self.marked
        return self.chosen and self.verdict.reason is Reason.EMPTY and not self.has_messages


class GuardAction(StrEnum):
    """What is done with a request."""

    PASS = "passed on"
    GIVE = "given"
    CREATE = "created"
    MOVE = "forked and moved"
    REFUSE = "refused"


class Refusal(StrEnum):
    """Why nothing was given."""

    SESSION_GONE = "session-gone"
    HELD_IS_GONE = "held-is-gone"
    NO_SESSION = "no-session"
    NOT_PROVED = "not-proved"
    SPLIT = "split"
    ELSEWHERE = "elsewhere"
    FOLDER_GONE = "folder-gone"
    CANNOT_TELL = "cannot-tell"
    NOT_IDENTIFIED = "not-identified"
    T3_UNREADABLE = "t3-unreadable"
    MOVE_REFUSED = "move-refused"
    NOT_RECORDED = "not-recorded"


class GuardEvidenceKind(StrEnum):
    """What a decision rests on. In brackets: the names that the evidence has."""

    T3_UNREADABLE = "t3-unreadable"  # (why)
    THREAD_KNOWN = "thread-known"  # (thread)
    CURSOR_OF_ONE = "cursor-of-one"  # (thread, session)
    CURSOR_OF_NONE = "cursor-of-none"  # (session)
    CURSOR_OF_SEVERAL = "cursor-of-several"  # (number of threads, session)
    STARTS_ALONE = "starts-alone"  # (thread)
    JUST_MISSED = "just-missed"  # (session, thread)
    MODE_JUST_SET = "mode-just-set"  # (thread)
    NO_THREAD_FITS = "no-thread-fits"  # (number starting, number with a message waiting)
    BOUND = "bound"  # (session, folder, reason)
    CHOSEN = "chosen"  # (session, folder, reason)
    SESSION_FOUND = "session-found"  # (session)
    SESSION_MISSING = "session-missing"  # (session)
    SESSION_LEFT = "session-left"  # (session, the one it was left for)
    OPENCODE_FAILED = "opencode-failed"
    NOT_OPENCODE = "not-opencode"
    NOT_GIVEN = "not-given"  # (OpenCode's status)
    NOTHING_TO_LOSE = "nothing-to-lose"
    NOTHING_EARLIER = "nothing-earlier"
    UNUSABLE = "unusable"
    TEXT_GENERATION = "text-generation"
    UPGRADED_TITLE = "upgraded-title"  # (version)
    FOLLOW_UP_WAITS = "follow-up-waits"  # (threads)
    NO_FOLLOW_UP = "no-follow-up"
    NEWER_AND_WAITS = "newer-and-waits"  # (threads)
    NEWER_AND_NONE = "newer-and-none"
    NO_FOLDER = "no-folder"
    OF_NO_THREAD = "of-no-thread"
    FORK_STAYS = "fork-stays"  # (folder)
    FORK_NOT_MOVED = "fork-not-moved"


@dataclass(frozen=True)
class GuardEvidence:
    """One item of evidence. Its line is made by `messages.guard_evidence`, from `names` in the order given there."""

    kind: GuardEvidenceKind
    names: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class GuardDecision:
    """An answer and the evidence for it. `session_id` is the one that is given; `refusal` is why none is."""

    answer: GuardAction
    evidence: tuple[GuardEvidence, ...]
    thread_id: str | None = None
    session_id: str | None = None
    messages: int | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class GuardAnswer:
    """An answer of the guard as it is stored: when, to which request, and with what result. `session_id` is what T3 Code was
    given.

    `seen_at`: when the user saw it. `id`: None until stored. `evidence`: one line for each item of the decision's; the lines are
    stored, not the items, so that old rows keep theirs. The rules of a `CreateRequest` are not stored either.
    """

    at: datetime
    asked: GuardRequest
    decision: GuardDecision
    session_id: str | None = None
    seen_at: datetime | None = None
    id: int | None = None
    evidence: tuple[str, ...] = ()

    @property
    def is_refusal(self) -> bool:
        return self.decision.answer is GuardAction.REFUSE
