"""Which facts become a notice of the desktop, when, and which notices are withdrawn. Values and pure rules.

A notice is never the only place where a fact is told: the list, the alarms and the menu show it too. What a notice says is in
`notice_sentences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.remedy import Remedy

# None is shown that soon after the start or after waking up: everything comes at once then, and the user has just begun to look.
SETTLING = timedelta(seconds=15)


class NotificationKind(StrEnum):
    """What a notice can be about; each has a switch in the settings."""

    TURN = "turn"
    APPROVAL = "approval"
    QUESTION = "question"
    BLOCKED = "blocked"
    SWITCH = "switch"
    GUARD = "guard"
    SERVER = "server"
    REAP = "reap"


REQUESTS = frozenset({NotificationKind.APPROVAL, NotificationKind.QUESTION})
# Of no use later: where they may not be told at once they are not told at all.
PASSING = frozenset({NotificationKind.TURN, NotificationKind.REAP})
# The same one may come back after its end, and is another fact then.
_RECURRING = frozenset({NotificationKind.BLOCKED, NotificationKind.SERVER})
# From how many of a kind on one notice tells them all; those with buttons are worth more of their own.
_JOINED_FROM = 2
_JOINED_ASKS_FROM = 3
# A click on a notice from before these leads to no thread any more.
_REMEMBERED = 200


@dataclass(frozen=True)
class Fact:
    """One thing to tell. Seen again, it has the same `id`. `title` names what it is about, `text` is a sentence on it.

    `is_old`: it was so before this run of the app began. `request` is what can be answered, `remedy` what
    would mend it.
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
    """What one look at everything showed. `unclear` are the facts of which it cannot tell whether they still hold.

    `watched` is the thread that the user has on screen, in front; `covered` are the facts that another one tells as well.
    """

    facts: tuple[Fact, ...] = ()
    unclear: frozenset[str] = frozenset()
    watched: str | None = None
    covered: frozenset[str] = frozenset()


@dataclass(frozen=True)
class QuietHours:
    """By the user's own clock; `until` may be on the next day. The same time twice is no time at all."""

    begin: time
    until: time

    def hold(self, now: datetime) -> bool:
        at = now.time()
        if self.begin <= self.until:
            return self.begin <= at < self.until
        return at >= self.begin or at < self.until


@dataclass(frozen=True)
class NotificationRules:
    """What the user wants to be told of, and when not."""

    kinds: frozenset[NotificationKind] = frozenset(NotificationKind) - {NotificationKind.REAP}
    quiet: QuietHours | None = None


@dataclass(frozen=True)
class Notification:
    """Facts of one kind that are told together."""

    facts: tuple[Fact, ...]

    @property
    def id(self) -> str:
        return " ".join(fact.id for fact in self.facts)

    @property
    def kind(self) -> NotificationKind:
        return self.facts[0].kind

    @property
    def thread_id(self) -> str | None:
        """Where a click leads; None where it is about several threads, or none."""
        threads = {fact.thread_id for fact in self.facts}
        return threads.pop() if len(threads) == 1 else None

    @property
    def request(self) -> PendingRequest | None:
        """What its buttons answer."""
        return self.facts[0].request if len(self.facts) == 1 else None

    @property
    def remedy(self) -> Remedy | None:
        """What its button shows the preview of."""
        return self.facts[0].remedy if len(self.facts) == 1 else None


@dataclass(frozen=True)
class Click:
    """A notice was clicked. `thread_id` is None where it leads to no single thread; `token` lets the window come to the front.
    `remedy` is what the user wants to see the preview of."""

    thread_id: str | None
    token: str = ""
    remedy: Remedy | None = None


@dataclass(frozen=True)
class NotifierMemory:
    """What is known from one look to the next. `settling_since`: when the app was started, or the machine woke up.

    `done` are facts that were told or passed over, once and for all; `standing` the same of those that may come back.
    """

    settling_since: datetime
    has_looked: bool = False
    done: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    shown: tuple[Notification, ...] = ()

    def is_settling(self, now: datetime) -> bool:
        # A clock that was set back must not make it last.
        return self.settling_since <= now < self.settling_since + SETTLING


@dataclass(frozen=True)
class NotificationStep:
    """What follows from a look."""

    memory: NotifierMemory
    notifications: tuple[Notification, ...] = ()
    withdrawn: tuple[Notification, ...] = ()


def next_step(memory: NotifierMemory, facts_now: NotificationFacts, rules: NotificationRules, now: datetime) -> NotificationStep:
    """What to show and what to withdraw after this look. `now` is aware, in the user's own zone.

    What may not be told now waits, if it still holds then; what is passing, or of a kind that is not wanted, is passed over.
    """
    is_silent = memory.is_settling(now) or (rules.quiet is not None and rules.quiet.hold(now))
    seen = memory.done | memory.standing
    fresh = {fact.id: fact for fact in facts_now.facts if fact.id not in seen}
    passed, told = [], []
    for fact in fresh.values():
        if _is_passed_over(fact, memory, facts_now, rules, is_silent):
            passed.append(fact)
        elif not is_silent:
            told.append(fact)
    hold = {fact.id for fact in facts_now.facts} | facts_now.unclear
    made = tuple(_joined(told))
    over = tuple(shown for shown in memory.shown if all(_is_over(fact, facts_now, hold) for fact in shown.facts))
    # Facts that were joined, passed one by one and come back together have the id of the notification that still shows them.
    kept = tuple({notification.id: notification for notification in (*memory.shown, *made) if notification not in over}.values())
    dealt_with = (*passed, *told)
    known = replace(
        memory,
        has_looked=True,
        done=memory.done.union(fact.id for fact in dealt_with if fact.kind not in _RECURRING),
        standing=(memory.standing & hold).union(fact.id for fact in dealt_with if fact.kind in _RECURRING),
        shown=kept[-_REMEMBERED:],
    )
    return NotificationStep(known, made, over)


def woke_up(memory: NotifierMemory, now: datetime) -> NotifierMemory:
    return replace(memory, settling_since=now)


def answer_of(request: PendingRequest, key: str) -> Reply | Answers | None:
    """What the button of this key answers; None for one that the ask does not have."""
    match request:
        case ApprovalRequest():
            return Reply(key) if key in (Reply.ONCE, Reply.REJECT) else None
        case QuestionRequest(questions=(question,)):
            labels = {option_key(number): option.label for number, option in enumerate(question.options)}
            return ((labels[key],),) if key in labels else None
        case QuestionRequest():
            return None


def option_key(number: int) -> str:
    """The key of the button for an option, counted from 0."""
    return f"option-{number}"


def _is_passed_over(
    fact: Fact, memory: NotifierMemory, facts_now: NotificationFacts, rules: NotificationRules, is_silent: bool
) -> bool:
    return (
        fact.kind not in rules.kinds
        or fact.id in facts_now.covered
        or (fact.is_old and not memory.has_looked)
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
        # It happened, and nothing ends it but that the user has looked.
        return fact.thread_id is not None and fact.thread_id == facts_now.watched
    return fact.id not in hold
