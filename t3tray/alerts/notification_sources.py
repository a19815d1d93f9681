"""Derive the facts for desktop notifications from one snapshot. Pure; which of them are shown is decided by
`domain.notification`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from t3tray.domain.alarm import Alarm
from t3tray.domain.guard import GuardAnswer, Refusal
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.notification import Fact, NotificationFacts, NotificationKind
from t3tray.domain.pending_request import ApprovalRequest, PendingRequest
from t3tray.domain.reaper import ReaperPhase
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.alarms import alarm_notice
from t3tray.messages.guard import REFUSALS
from t3tray.messages.notifications import FINISHED, GUARD_UNFIT, SERVER_TROUBLE, reaping_sentence
from t3tray.messages.pending_requests import wish_sentence
from t3tray.messages.verdicts import sentence
from t3tray.threads.remedy_offers import answer_to_alarm
from t3tray.threads.snapshot import Snapshot, ThreadRow

# Ids of the threads in which a turn runs, as of the last snapshot.
Working = frozenset[str]

# How long before T3 Code's reaper ends a thread the notification of it comes.
_BEFORE_REAPING = timedelta(minutes=3)
_ENDED = frozenset({Reason.PROVED, Reason.UNPROVEN, Reason.REWOUND})
_SERVER_ENDED, _SERVER_FAILED = "server ended", "server failed"
_BETWEEN = frozenset({ServerState.STARTING, ServerState.STOPPING})


def notification_facts(
    snapshot: Snapshot,
    working: Working,
    watched: str | None,
    started: datetime,
    now: datetime,
) -> tuple[NotificationFacts, Working]:
    """Return the facts of this snapshot and the ids of the threads at work.

    `working` is what the previous call returned; `started` is when the app was started: alarms and refusals from before count as
    old.
    """
    facts: list[Fact] = []
    unclear: set[str] = {_SERVER_ENDED, _SERVER_FAILED} if snapshot.server.state in _BETWEEN else set()
    at_work: set[str] = set()
    for row in _rows_with_facts(snapshot, working):
        id, reason = row.thread.id, row.verdict.reason
        facts += _of_row(row, id in working, now)
        if row.verdict.kind is Kind.UNKNOWN:
            unclear.add(_blocked_id(id))
        if reason is Reason.BUSY or (id in working and reason not in _ENDED):
            at_work.add(id)
    events = snapshot.alarms or snapshot.refusals
    rows = snapshot.by_id if events else {}
    facts += (_of_alarm(alarm, rows.get(alarm.thread_id), started) for alarm in snapshot.alarms)
    facts += (_of_refusal(answer, rows.get(answer.decision.thread_id or ""), started) for answer in snapshot.refusals)
    facts += (_of_request(request) for request in snapshot.pending_requests)
    facts += _of_server(snapshot.server)
    facts += _of_guard(snapshot.guard)
    # The alarm's notification also covers "blocked" of the same thread: the one follows from the other.
    covered = frozenset(_blocked_id(alarm.thread_id) for alarm in snapshot.alarms)
    return NotificationFacts(tuple(facts), frozenset(unclear), watched, covered), frozenset(at_work)


def _rows_with_facts(snapshot: Snapshot, working: Working) -> Iterable[ThreadRow]:
    """Return the rows that may give a fact: of many thousands next to none does."""
    if not working:
        return snapshot.notable
    # In the order of the list, which is the order of the notifications.
    relevant = {row.thread.id for row in snapshot.notable} | working
    return (row for name, row in snapshot.by_id.items() if name in relevant and not row.is_archived)


def _of_row(row: ThreadRow, was_working: bool, now: datetime) -> Iterator[Fact]:
    thread = row.thread
    if row.verdict.kind is Kind.BLOCKED:
        yield Fact(_blocked_id(thread.id), NotificationKind.BLOCKED, thread.title, sentence(row.verdict), thread.id, is_old=True)
    if was_working and row.verdict.reason in _ENDED:
        id = f"turn {thread.id} {thread.last_activity_at.isoformat()}"
        yield Fact(id, NotificationKind.TURN, thread.title, FINISHED, thread.id)
    reaper = row.reaper
    if reaper.phase is ReaperPhase.IDLE and reaper.reap_at and reaper.idle_since and reaper.reap_at - now <= _BEFORE_REAPING:
        id = f"reap {thread.id} {reaper.idle_since.isoformat()}"
        text = reaping_sentence(reaper.reap_at.astimezone(now.tzinfo), row.verdict.kind is Kind.RESUMABLE)
        yield Fact(id, NotificationKind.REAP, thread.title, text, thread.id)


def _of_alarm(alarm: Alarm, row: ThreadRow | None, started: datetime) -> Fact:
    is_old = alarm.noticed_at < started
    id = f"switch {alarm.event} {alarm.noticed_at.isoformat()}"
    remedy = answer_to_alarm(row.remedies, is_complete=True) if row else None
    return Fact(id, NotificationKind.SWITCH, _title(row), alarm_notice(alarm), alarm.thread_id, is_old, remedy=remedy)


def _of_refusal(answer: GuardAnswer, row: ThreadRow | None, started: datetime) -> Fact:
    thread_id = answer.decision.thread_id
    title, text = _title(row), REFUSALS[answer.decision.refusal or Refusal.CANNOT_TELL]
    return Fact(f"guard {thread_id} {answer.at.isoformat()}", NotificationKind.GUARD, title, text, thread_id, answer.at < started)


def _title(row: ThreadRow | None) -> str:
    return row.thread.title if row else ""


def _of_request(request: PendingRequest) -> Fact:
    id, requester = f"ask {request.id}", request.requester
    if isinstance(request, ApprovalRequest):
        return Fact(id, NotificationKind.APPROVAL, requester.path, wish_sentence(request), requester.thread_id, request=request)
    text = "\n".join(question.text for question in request.questions)
    return Fact(id, NotificationKind.QUESTION, requester.path, text, requester.thread_id, request=request)


def _of_server(server: ServerStatus) -> Iterable[Fact]:
    if server.state in SERVER_TROUBLE:
        id = _SERVER_FAILED if server.state is ServerState.FAILED else _SERVER_ENDED
        return (Fact(id, NotificationKind.SERVER, SERVER_TROUBLE[server.state], server.reason),)
    return ()


def _of_guard(guard: GuardState) -> Iterable[Fact]:
    if guard.phase is GuardPhase.UNFIT:
        return (Fact("guard unfit", NotificationKind.SERVER, GUARD_UNFIT, guard.sentence),)
    return ()


def _blocked_id(thread_id: str) -> str:
    return f"blocked {thread_id}"
