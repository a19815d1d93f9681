"""Pending requests: a tool that asks for permission, or questions of the model. Values; their sentences are in
`messages.pending_requests`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reply(StrEnum):
    """Answers to a permission request, as OpenCode spells them."""

    ONCE = "once"
    ALWAYS = "always"
    REJECT = "reject"


class RequestKind(StrEnum):
    """What a turn waits for: an approval of a tool, or answers to questions."""

    APPROVAL = "approval"
    QUESTION = "question"


@dataclass(frozen=True)
class Requester:
    """The session that waits, and the thread it works for.

    `title` is the thread's (or the session's, if no thread is known). `agents` are the sub-agents down to the one that asks,
    outermost first.
    """

    session_id: str
    directory: str
    title: str
    thread_id: str | None = None
    agents: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The title and sub-agents as a path: `Refactor the parser ▸ explore`."""
        return " ▸ ".join((self.title, *self.agents))


@dataclass(frozen=True)
class ApprovalRequest:
    """A tool asks for permission. `patterns` are what it wants to act on, `always` what would be allowed from then on."""

    id: str
    requester: Requester
    permission: str
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    label: str
    description: str = ""


@dataclass(frozen=True)
class Question:
    """`multiple`: several options may be chosen. `custom`: a typed answer is accepted too."""

    text: str
    header: str = ""
    options: tuple[Option, ...] = ()
    multiple: bool = False
    custom: bool = True


@dataclass(frozen=True)
class QuestionRequest:
    """Questions that are asked and answered together."""

    id: str
    requester: Requester
    questions: tuple[Question, ...]


PendingRequest = ApprovalRequest | QuestionRequest
# For each question what was chosen or typed.
Answers = tuple[tuple[str, ...], ...]
