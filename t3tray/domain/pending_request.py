"""Pending requests: a tool that asks for permission, or questions of the model. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

GONE = "This was answered already, here or elsewhere, or its turn has ended."

# What a tool wants to do, by the name of its permission; what it acts on follows.
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
    """Answers to a permission request, as OpenCode spells them."""

    ONCE = "once"
    ALWAYS = "always"
    REJECT = "reject"


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

    @property
    def sentence(self) -> str:
        """`Refactor the parser ▸ asks: Shall I push?`"""
        more = f" (and {len(self.questions) - 1} more)" if len(self.questions) > 1 else ""
        return f"{self.requester.path} ▸ asks: {self.questions[0].text if self.questions else ''}{more}"


PendingRequest = ApprovalRequest | QuestionRequest
# For each question what was chosen or typed.
Answers = tuple[tuple[str, ...], ...]
