"""Which facts become a desktop notification and when, and which notifications are withdrawn. Values and pure rules.

A notification is never the only place of a fact: the list, the alarms and the menu show it too. The texts are in
`messages.notifications`.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.remedy import Remedy

# No notification is shown for this long after the start or after waking up: everything comes at once then, and the user is
# looking already.
SETTLING = timedelta(seconds=15)


class NotificationKind(StrEnum):
    """The subject of a notification; each has a setting of its own."""

    TURN = "turn"
    APPROVAL = "approval"
    QUESTION = "question"
    BLOCKED = "blocked"
    SWITCH = "switch"
    GUARD = "guard"
    SERVER = "server"
    REAP = "reap"


REQUESTS = frozenset({NotificationKind.APPROVAL, NotificationKind.QUESTION})
# These are of no use later: if they may not be shown at once they are never shown.
PASSING = frozenset({NotificationKind.TURN, NotificationKind.REAP})
# These may come back after their end, and are a new fact then.
_RECURRING = frozenset({NotificationKind.BLOCKED, NotificationKind.SERVER})
# From this many of a kind on, one notification shows them all; those with buttons are worth more of their own.
_JOINED_FROM = 2
_JOINED_ASKS_FROM = 3
# Number of notifications that are remembered: a click on an older one leads to no thread.
_REMEMBERED = 200


@dataclass(frozen=True)
class Fact:
    """One fact to show. The same fact has the same `id` each time. `title` names its subject, `text` is a sentence.

    `is_old`: it was so before this run of the app began. `request`: the request that can be answered; `remedy`: what would help.
    """

    id: str
    kind: NotificationKind
    title: str
    text: str
    thread_id: str | None = None
    is_old: bool = False
    request: PendingRequest | None = None
    remedy: Remedy | None = None


@dataclass(frozen=True)
class NotificationFacts:
    """The facts of one snapshot. `unclear` are ids of facts that may or may not still hold.

    `watched` is the thread that is visible in the active window; `covered` are ids of facts that another fact reports as well.
    """

    facts: tuple[Fact, ...] = ()
    unclear: frozenset[str] = frozenset()
    watched: str | None = None
    covered: frozenset[str] = frozenset()


@dataclass(frozen=True)
class QuietHours:
    """A range of the user's local time; `until` may be on the next day. Two equal times are an empty range."""

    begin: time
    until: time

    def hold(self, now: datetime) -> bool:
        at = now.time()
        if self.begin <= self.until:
            return self.begin <= at < self.until
        return at >= self.begin or at < self.until


@dataclass(frozen=True)
class NotificationRules:
    """What the user wants to be notified of, and when not."""

    kinds: frozenset[NotificationKind] = frozenset(NotificationKind) - {NotificationKind.REAP}
    quiet: QuietHours | None = None


@dataclass(frozen=True)
class Notification:
    """One or several facts of one kind that are shown together."""

    facts: tuple[Fact, ...]

    @property
    def id(self) -> str:
        return " ".join(fact.id for fact in self.facts)

    @property
    def kind(self) -> NotificationKind:
        return self.facts[0].kind

    @property
    def thread_id(self) -> str | None:
        """The thread that a click opens; None if it is about several threads, or none."""
        threads = {fact.thread_id for fact in self.facts}
        return threads.pop() if len(threads) == 1 else None

    @property
    def request(self) -> PendingRequest | None:
        """The request that its buttons answer."""
        return self.facts[0].request if len(self.facts) == 1 else None

    @property
    def remedy(self) -> Remedy | None:
        """The remedy whose preview its button shows."""
        return self.facts[0].remedy if len(self.facts) == 1 else None


@dataclass(frozen=True)
class Click:
    """A click on a notification. `thread_id` is None if it leads to no single thread; `token` lets the window come to the
    front. `remedy`: the one whose preview the user wants."""

    thread_id: str | None
    token: str = ""
    remedy: Remedy | None = None


@dataclass(frozen=True)
class NotifierMemory:
    """What is remembered between two snapshots. `settling_since`: start of the app, or the last wake-up.

    `done` are ids of facts that were shown or skipped for good; `standing` are those of facts that may come back.
    """

    settling_since: datetime
    has_compared: bool = False
    done: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    shown: tuple[Notification, ...] = ()

    def is_settling(self, now: datetime) -> bool:
        # A clock that was set back must not make it last longer.
        return self.settling_since <= now < self.settling_since + SETTLING


@dataclass(frozen=True)
class NotificationStep:
    """The result of one snapshot."""

    memory: NotifierMemory
    notifications: tuple[Notification, ...] = ()
    withdrawn: tuple[Notification, ...] = ()


def next_step(memory: NotifierMemory, facts_now: NotificationFacts, rules: NotificationRules, now: datetime) -> NotificationStep:
    """Return what to show and what to withdraw. `now` is aware, in the user's time zone.

    What may not be shown now waits, if it still holds then; passing facts, and kinds that are turned off, are skipped.
    """
    is_silent = memory.is_settling(now) or (rules.quiet is not None and rules.quiet.hold(now))
    seen = memory.done | memory.standing
    fresh = {fact.id: fact for fact in facts_now.facts if fact.id not in seen}
    passed, shown = [], []
    for fact in fresh.values():
        if _is_passed_over(fact, memory, facts_now, rules, is_silent):
            passed.append(fact)
        elif not is_silent:
            shown.append(fact)
    hold = {fact.id for fact in facts_now.facts} | facts_now.unclear
    made = tuple(_joined(shown))
    over = tuple(each for each in memory.shown if all(_is_over(fact, facts_now, hold) for fact in each.facts))
    # Facts that were joined, passed one by one and come back together have the id of the notification that still shows them.
    kept = tuple({notification.id: notification for notification in (*memory.shown, *made) if notification not in over}.values())
    dealt_with = (*passed, *shown)
    known = replace(
        memory,
        has_compared=True,
        done=memory.done.union(fact.id for fact in dealt_with if fact.kind not in _RECURRING),
        standing=(memory.standing & hold).union(fact.id for fact in dealt_with if fact.kind in _RECURRING),
        shown=kept[-_REMEMBERED:],
    )
    return NotificationStep(known, made, over)


def woke_up(memory: NotifierMemory, now: datetime) -> NotifierMemory:
    return replace(memory, settling_since=now)


def answer_of(request: PendingRequest, key: str) -> Reply | Answers | None:
    """Return what the button of this key answers; None if the request has no such button."""
    match request:
        case ApprovalRequest():
            return Reply(key) if key in (Reply.ONCE, Reply.REJECT) else None
        case QuestionRequest(questions=(question,)):
            labels = {option_key(number): option.label for number, option in enumerate(question.options)}
            return ((labels[key],),) if key in labels else None
        case QuestionRequest():
            return None


def option_key(number: int) -> str:
    """Return the key of the button for an option, counted from 0."""
    return f"option-{number}"


def _is_passed_over(
    fact: Fact, memory: NotifierMemory, facts_now: NotificationFacts, rules: NotificationRules, is_silent: bool
) -> bool:
    return (
        fact.kind not in rules.kinds
        or fact.id in facts_now.covered
        or (fact.is_old and not memory.has_compared)
        or (is_silent and fact.kind in PASSING)
        or (fact.kind is NotificationKind.TURN and fact.thread_id == facts_now.watched)
    )


def _joined(facts: Iterable[Fact]) -> Iterable[Notification]:
    by_kind: dict[NotificationKind, list[Fact]] = {}
    for fact in facts:
        by_kind.setdefault(fact.kind, []).append(fact)
    for kind, same in by_kind.items():
        if len(same) >= (_JOINED_ASKS_FROM if kind in REQUESTS else _JOINED_FROM):
            yield Notification(tuple(same))
        else:
            yield from (Notification((fact,)) for fact in same)


def _is_over(fact: Fact, facts_now: NotificationFacts, hold: Set[str]) -> bool:
    if fact.kind is NotificationKind.TURN:
        # A finished turn stays a fact until the user has seen the thread.
        return fact.thread_id is not None and fact.thread_id == facts_now.watched
    return fact.id not in hold
