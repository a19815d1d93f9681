"""What one snapshot has to tell: the facts for notices, in their words. It reads values only, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from t3tray.domain.alarm import Alarm, alarm_notice
from t3tray.domain.guard import GuardAnswer, Refusal
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.notification import Fact, NotificationFacts, NotificationKind
from t3tray.domain.pending_request import ApprovalRequest, PendingRequest
from t3tray.domain.reaper import ReaperPhase
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.guard import REFUSALS
from t3tray.messages.notifications import FINISHED, wish
from t3tray.messages.verdicts import sentence
from t3tray.threads.remedy_offers import answer_to_alarm
from t3tray.threads.snapshot import Snapshot, ThreadRow

# The threads in which a turn runs, as far as the last looks could tell.
Working = frozenset[str]

# A notice of the reaper's comes this long before it.
_BEFORE_REAPING = timedelta(minutes=3)
_ENDED = frozenset({Reason.PROVED, Reason.UNPROVEN, Reason.REWOUND})
_SERVER_ENDED, _SERVER_FAILED = "server ended", "server failed"
_TROUBLE = {
    ServerState.UNRESPONSIVE: (_SERVER_ENDED, "The OpenCode server does not answer"),
    ServerState.WAITING: (_SERVER_ENDED, "The OpenCode server ended; it starts again soon"),
    ServerState.FAILED: (_SERVER_FAILED, "The OpenCode server failed"),
}
_BETWEEN = frozenset({ServerState.STARTING, ServerState.STOPPING})


def notification_facts(
    snapshot: Snapshot,
    working: Working,
    watched: str | None,
    started: datetime,
    now: datetime,
) -> tuple[NotificationFacts, Working]:
    """The facts of this snapshot, and who works now. `working` is who did at the last look; `started` when the app was."""
    facts: list[Fact] = []
    unclear: set[str] = {_SERVER_ENDED, _SERVER_FAILED} if snapshot.server.state in _BETWEEN else set()
    at_work: set[str] = set()
    for row in _telling(snapshot, working):
        id, reason = row.thread.id, row.verdict.reason
        facts += _of_row(row, id in working, now)
        if row.verdict.kind is Kind.UNKNOWN:
            unclear.add(_blocked_id(id))
        if reason is Reason.BUSY or (id in working and reason not in _ENDED):
            at_work.add(id)
    events = snapshot.alarms or snapshot.refusals
    rows = snapshot.by_id if events else {}
    facts += (_of_alarm(alarm, rows.get(alarm.thread_id), started) for alarm in snapshot.alarms)
    facts += (_of_refusal(told, rows.get(told.decision.thread_id or ""), started) for told in snapshot.refusals)
    facts += (_of_ask(ask) for ask in snapshot.pending_requests)
    facts += _of_server(snapshot.server)
    facts += _of_guard(snapshot.guard)
    # What happened to it is told; that it cannot go on as it is follows from that.
    covered = frozenset(_blocked_id(alarm.thread_id) for alarm in snapshot.alarms)
    return NotificationFacts(tuple(facts), frozenset(unclear), watched, covered), frozenset(at_work)


def _telling(snapshot: Snapshot, working: Working) -> Iterable[ThreadRow]:
    """The rows that may have something to tell. There are many thousands, of which next to none has."""
    if not working:
        return snapshot.notable
    # In their order, as they are told.
    telling = {row.thread.id for row in snapshot.notable} | working
    return (row for name, row in snapshot.by_id.items() if name in telling and not row.is_archived)


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
        when = f"{reaper.reap_at.astimezone(now.tzinfo):%H:%M}"
        stays = "The conversation stays." if row.verdict.kind is Kind.RESUMABLE else "It could not be resumed as it is now."
        yield Fact(id, NotificationKind.REAP, thread.title, f"T3 Code ends what is idle in it at {when}. {stays}", thread.id)


def _of_alarm(alarm: Alarm, row: ThreadRow | None, started: datetime) -> Fact:
    is_old = alarm.noticed_at < started
    id = f"switch {alarm.event} {alarm.noticed_at.isoformat()}"
    remedy = answer_to_alarm(row.remedies, is_complete=True) if row else None
    return Fact(id, NotificationKind.SWITCH, _title(row), alarm_notice(alarm), alarm.thread_id, is_old, remedy=remedy)


def _of_refusal(told: GuardAnswer, row: ThreadRow | None, started: datetime) -> Fact:
    thread_id = told.decision.thread_id
    title, text = _title(row), REFUSALS[told.decision.refusal or Refusal.CANNOT_TELL]
    return Fact(f"guard {thread_id} {told.at.isoformat()}", NotificationKind.GUARD, title, text, thread_id, told.at < started)


def _title(row: ThreadRow | None) -> str:
    return row.thread.title if row else ""


def _of_ask(ask: PendingRequest) -> Fact:
    if isinstance(ask, ApprovalRequest):
        return Fact(f"ask {ask.id}", NotificationKind.APPROVAL, ask.requester.path, wish(ask), ask.requester.thread_id, ask=ask)
    text = "\n".join(question.text for question in ask.questions)
    return Fact(f"ask {ask.id}", NotificationKind.QUESTION, ask.requester.path, text, ask.requester.thread_id, ask=ask)


def _of_server(server: ServerStatus) -> Iterable[Fact]:
    if server.state in _TROUBLE:
        id, title = _TROUBLE[server.state]
        return (Fact(id, NotificationKind.SERVER, title, server.reason),)
    return ()


def _of_guard(guard: GuardState) -> Iterable[Fact]:
    if guard.phase is GuardPhase.UNFIT:
        return (Fact("guard unfit", NotificationKind.SERVER, "The guard cannot read T3 Code", guard.sentence),)
    return ()


def _blocked_id(thread_id: str) -> str:
    return f"blocked {thread_id}"
