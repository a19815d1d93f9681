"""The threads of the demo, with the verdict that each shall show: the source for the builder and for the tests."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from t3tray.demo import stories
from t3tray.demo.story import DemoTurn
from t3tray.domain.verdict import Reason

_NAMES = uuid.UUID("5f0d1a52-7d0c-4d6c-8a5a-0f4a3a6c9d10")


class Project(StrEnum):
    """The demo's project folders, by name. When the demo begins `ADMIN` is gone and `APP` is unreadable; `PAYMENTS` is a worktree
    of `SHOP`."""

    SHOP = "shop"
    PARSER = "parser"
    WEBSITE = "website"
    ADMIN = "old-admin"
    APP = "mobile-app"
    PAYMENTS = "shop-payments"


class Fate(StrEnum):
    """What happened to the thread's session. All but those of running turns have happened when the demo begins."""

    KEPT = "nothing: it is there"
    NO_SESSION_YET = "nothing was asked yet"
    UNFINISHED = "its last answer has no end"
    REVERTED = "its last turn is about to be taken back"
    CURSOR_LOST = "T3 Code has lost its cursor"
    DAMAGED = "T3 Code's cursor is none"
    DELETED = "it was deleted"
    REWRITTEN = "all of it was taken back and something else asked"
    EMPTY = "it never held a message"
    FOLDER_GONE = "its folder was removed"
    FOLDER_LOOPS = "its folder leads to itself"
    MOVED = "the thread was moved to a worktree"
    SPLIT = "a second session took over after a part of the conversation"
    REPLACED = "T3 Code names another one than t3tray knows"
    SUB_AGENT = "T3 Code names a sub-agent's"
    AGENT_WORKS = "a sub-agent works in it"
    ASKS_FOR_LEAVE = "it waits for leave to run something"
    ASKS = "it waits for an answer"
    SWITCHES = "it is switched while you watch"


@dataclass(frozen=True)
class DemoThread:
    """A thread. `age` is the time since its last turn ended. A `provider` other than OpenCode has no verdict. `own`: a thread of
    t3tray instead of T3 Code."""

    title: str
    project: Project
    age: timedelta
    verdict: Reason | None
    story: tuple[DemoTurn, ...] = ()
    fate: Fate = Fate.KEPT
    after: tuple[DemoTurn, ...] = ()
    prompt: str = ""
    provider: str = "opencode"
    own: bool = False
    archived: bool = False

    @property
    def id(self) -> str:
        """The thread's id, equal in every demo; t3tray's own threads get another one."""
        return str(uuid.uuid5(_NAMES, self.title))

    @property
    def is_live(self) -> bool:
        return bool(self.prompt)


def _ago(days: float = 0, hours: float = 0, minutes: float = 0) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes)


_SHOP, _PARSER, _WEBSITE = Project.SHOP, Project.PARSER, Project.WEBSITE

THREADS: tuple[DemoThread, ...] = (
    DemoThread("Refactor the parser", _PARSER, _ago(minutes=11), Reason.PROVED, stories.PARSER),
    DemoThread(
        "Fix the flaky checkout test",
        _SHOP,
        _ago(minutes=4),
        Reason.BUSY,
        stories.CHECKOUT,
        Fate.AGENT_WORKS,
        prompt="Find out what else relies on the order of the payments, then mend the test.",
    ),
    DemoThread(
        "Release 2.4", _SHOP, _ago(minutes=7), Reason.BUSY, stories.RELEASE, Fate.ASKS_FOR_LEAVE, prompt="Push it, please."
    ),
    DemoThread(
        "Choose a date library", _WEBSITE, _ago(minutes=16), Reason.BUSY, stories.DATES, Fate.ASKS, prompt="Pick one and use it."
    ),
    DemoThread("Add a dark mode to the settings", _WEBSITE, _ago(minutes=23), Reason.PROVED, stories.DARK_MODE, Fate.SWITCHES),
    DemoThread("Explain the build script", _WEBSITE, _ago(hours=2), Reason.PROVED, stories.BUILD, own=True),
    DemoThread(
        "Keep the cart over a restart",
        Project.APP,
        _ago(minutes=31),
        Reason.DIRECTORY_UNREADABLE,
        stories.CART,
        Fate.FOLDER_LOOPS,
    ),
    DemoThread("Plan the onboarding", _WEBSITE, _ago(minutes=35), Reason.NEW, fate=Fate.NO_SESSION_YET, own=True),
    DemoThread("Try the new linter rules", _SHOP, _ago(minutes=2), Reason.PROVED, stories.LINTER),
    DemoThread("Tidy up the release notes", _SHOP, _ago(minutes=48), Reason.NEW, fate=Fate.NO_SESSION_YET),
    DemoThread("Port the command line to Rust", _PARSER, _ago(hours=5), Reason.INTERRUPTED, stories.CLI, Fate.UNFINISHED),
    DemoThread("Speed up the thumbnails", _WEBSITE, _ago(hours=7), Reason.REWOUND, stories.THUMBNAILS, Fate.REVERTED),
    DemoThread("Move to Python 3.14", _SHOP, _ago(hours=9), Reason.MISSING, stories.PYTHON, Fate.DELETED),
    DemoThread("Write the API reference", _SHOP, _ago(days=1, hours=1), Reason.UNBOUND, stories.API_DOCS, Fate.CURSOR_LOST),
    DemoThread(
        "Move the orders to SQLite",
        _SHOP,
        _ago(days=1, hours=4),
        Reason.HISTORY_LOST,
        stories.DATABASE,
        Fate.REWRITTEN,
        after=stories.DATABASE_AFTER,
    ),
    DemoThread("Translate the order mails", _SHOP, _ago(days=2), Reason.EMPTY, stories.MAILS, Fate.EMPTY),
    DemoThread(
        "Retire the old admin panel",
        Project.ADMIN,
        _ago(days=2, hours=6),
        Reason.DIRECTORY_MISSING,
        stories.ADMIN,
        Fate.FOLDER_GONE,
    ),
    DemoThread("Extract the payment module", _SHOP, _ago(days=3), Reason.DIRECTORY_MISMATCH, stories.PAYMENT, Fate.MOVED),
    DemoThread(
        "Make the search faster",
        _SHOP,
        _ago(days=3, hours=3),
        Reason.SPLIT,
        stories.SEARCH,
        Fate.SPLIT,
        after=stories.SEARCH_AFTER,
    ),
    DemoThread(
        "Tidy up the logging", _SHOP, _ago(days=4), Reason.CONFLICT, stories.LOGGING, Fate.REPLACED, after=stories.LOGGING_AFTER
    ),
    DemoThread("Ask about the price cache", _SHOP, _ago(days=5), Reason.CHILD, stories.CACHE, Fate.SUB_AGENT),
    DemoThread("Rename the customer table", _SHOP, _ago(days=6), Reason.BAD_CURSOR, stories.LINTER, Fate.DAMAGED),
    DemoThread("Set up CI", _PARSER, _ago(days=9), Reason.PROVED, stories.CI, archived=True),
    DemoThread("Sketch the new logo", _WEBSITE, _ago(days=1), None, provider="claudeAgent"),
)


def thread_of(fate: Fate) -> DemoThread:
    """Return the first thread with this fate."""
    return next(thread for thread in THREADS if thread.fate is fate)
