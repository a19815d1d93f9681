"""What waits for the user: a tool that asks for leave, or questions of the model. Values, and the sentence each is told in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

GONE = "This was answered already, here or elsewhere, or its turn has ended."

# What a tool wants to do, by the name of its permission; what it wants to do it with follows.
_WISHES: Mapping[str, str] = {
    "bash": "wants to run",
    "edit": "wants to change",
    "read": "wants to read",
    "list": "wants to look into",
    "glob": "wants to search for files like",
    "grep": "wants to search for",
    "webfetch": "wants to fetch",
    "websearch": "wants to search the web for",
    "task": "wants to start the sub-agent",
    "external_directory": "wants to work outside its folder, in",
    "doom_loop": "has made the same call again and again, and wants to go on with",
}


class Reply(StrEnum):
    """The answers to a tool that asks for leave, as OpenCode spells them."""

    ONCE = "once"
    ALWAYS = "always"
    REJECT = "reject"


@dataclass(frozen=True)
class Requester:
    """Who waits: a session, and the thread it works for.

    `title` is the thread's (or, without one that is known, the session's). `agents` are the sub-agents on the way to the one that
    asks, the outermost first.
    """

    session_id: str
    directory: str
    title: str
    thread_id: str | None = None
    agents: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """`Refactor the parser ▸ explore`."""
        return " ▸ ".join((self.title, *self.agents))


@dataclass(frozen=True)
class ApprovalRequest:
    """A tool that asks for leave. `patterns` are what it wants to touch, `always` what would be allowed from then on."""

    id: str
    requester: Requester
    permission: str
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()

    @property
    def wish(self) -> str:
        """`wants to run git push`."""
        things = ", ".join(self.patterns) or "something that it does not name"
        return f"{_WISHES.get(self.permission, f'wants to use {self.permission}:')} {things}"

    @property
    def sentence(self) -> str:
        """`Refactor the parser ▸ explore ▸ wants to run git push`."""
        return f"{self.requester.path} ▸ {self.wish}"


@dataclass(frozen=True)
class Option:
    label: str
    description: str = ""


@dataclass(frozen=True)
class Question:
    """`multiple`: several options may be chosen; `custom`: other words than the options' are an answer too."""

    text: str
    header: str = ""
    options: tuple[Option, ...] = ()
    multiple: bool = False
    custom: bool = True


@dataclass(frozen=True)
class QuestionRequest:
    """Questions that are asked, and answered, together."""

    id: str
    requester: Requester
    questions: tuple[Question, ...]

    @property
    def sentence(self) -> str:
        """`Refactor the parser ▸ asks: Shall I push?`"""
        more = f" (and {len(self.questions) - 1} more)" if len(self.questions) > 1 else ""
        return f"{self.requester.path} ▸ asks: {self.questions[0].text if self.questions else ''}{more}"


PendingRequest = ApprovalRequest | QuestionRequest
# For each question of an inquiry what was chosen or typed.
Answers = tuple[tuple[str, ...], ...]
