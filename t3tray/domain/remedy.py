"""Remedies: what the user may choose when a thread cannot simply continue. Nothing else changes a binding. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Remedy(StrEnum):
    """One remedy, by its name on the command line."""

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


# Remedies that make a session.
MAKES = frozenset({Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH})


@dataclass(frozen=True)
class Choice:
    """A remedy as the user chose it. `session_id` and `directory` are empty where the remedy finds them itself.

    `confirmed`: the user confirmed a folder that is not the same repository. `allowed`: the user granted, once, the preview's
    `permission`.
    """

    remedy: Remedy
    session_id: str = ""
    directory: str = ""
    confirmed: bool = False
    allowed: bool = False


@dataclass(frozen=True)
class Preview:
    """What a remedy would do. Each line is a sentence or a fact for people.

    `button`: name of the act. `word`: what the user has to type for a remedy that starts from nothing; empty for all others.
    `permission`: what the user has to allow first, the label of a check box. `hindrance`: what has to be done before; it is
    checked again.
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
        """Return the whole preview in lines."""
        parts = (("now", self.before), ("then", self.after), ("kept", self.kept), ("lost", self.lost or ("nothing",)))
        lines = [self.title]
        for name, facts in parts:
            lines += [f"{'' if number else name:<5} {line}" for number, line in enumerate(facts)]
        lines += [f"first {line}" for line in (self.hindrance,) if line]
        return "\n".join(lines)


@dataclass(frozen=True)
class Repair:
    """T3 Code's cursor of one thread before and after: its text, None for no cursor.

    `home` is T3 Code's base folder, `copy` the file to which its whole database is copied first.
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
    """What the journal stores of a remedy so that it can be completed, given up or undone. Fields that do not apply are empty.

    `session_id`: the session it works on. `undoes`: intent of the remedy that this one undoes. `title`, `after_ms`: of a fork's
    parent right before: its title, and its last change by the server's clock.
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
