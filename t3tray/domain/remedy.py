"""Remedies: what a user may choose when a thread cannot simply go on. Nothing else changes a binding. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Remedy(StrEnum):
    """One action, named as the command line names it."""

    START_SERVER = "start-server"
    RETRY = "retry"
    SIGN_IN = "sign-in"
    HEAL = "heal"
    BIND = "bind"
    JOIN = "join"
    MOVE_SESSION = "move-session"
    RELOCATE = "relocate"
    CARRY = "carry-transcript"
    FORK = "fork"
    START_AFRESH = "start-afresh"
    RELEASE = "release"
    REPAIR = "repair-t3code"
    UNDO = "undo"


# Those that make a session.
MAKES = frozenset({Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH})


@dataclass(frozen=True)
class Choice:
    """A remedy as the user chose it. `session_id` and `directory` are empty where the remedy finds them by itself.

    `confirmed`: the user said once more that a folder which is not the same repository is the right one. `allowed`: the user
    gave, for this once, the `permission` that the preview asked for.
    """

    remedy: Remedy
    session_id: str = ""
    directory: str = ""
    confirmed: bool = False
    allowed: bool = False


@dataclass(frozen=True)
class Preview:
    """What a remedy would do, before it does anything. Each line is a sentence or a fact for people.

    `button` names the act. `word`: what the user has to type, for an act that starts from nothing; empty for all others.
    `permission`: what the user has to allow first, in words for a check box. `hindrance`: what has to be done before, and is
    looked at again.
    """

    remedy: Remedy
    title: str
    button: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    word: str = ""
    permission: str = ""
    hindrance: str = ""

    def as_text(self) -> str:
        """The whole preview in lines for people."""
        parts = (("now", self.before), ("then", self.after), ("kept", self.kept), ("lost", self.lost or ("nothing",)))
        lines = [self.title]
        for name, told in parts:
            lines += [f"{'' if number else name:<5} {line}" for number, line in enumerate(told)]
        lines += [f"first {line}" for line in (self.hindrance,) if line]
        return "\n".join(lines)


@dataclass(frozen=True)
class Repair:
    """T3 Code's cursor of one thread, as it stands and as it is to be: the text of it, None where there is none.

    `home` is T3 Code's base folder, `copy` the file that its whole database is copied to before.
    """

    home: str
    thread_id: str
    before: str | None
    after: str | None
    copy: str = ""

    @property
    def reversed(self) -> Repair:
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True)
class RemedyRecord:
    """What the journal keeps of a remedy so that it can be finished, given up or undone. Empty where it does not apply.

    `session_id` is the session it works on, `undoes` the intent of the remedy that it takes back. `title` and `after_ms` are of a
    fork's parent right before: its title, and when it was changed last by the server's clock.
    """

    remedy: Remedy
    session_id: str = ""
    directory_before: str = ""
    directory_after: str = ""
    thread_directory_before: str = ""
    undoes: str = ""
    repair: Repair | None = None
    title: str = ""
    after_ms: int = 0
