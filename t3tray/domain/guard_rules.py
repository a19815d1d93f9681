"""The guard's rules: which thread a request belongs to, and how it is answered. Pure and total; every path names its evidence
(its lines are in `messages.guard_evidence`).

The first rule: a thread with an earlier conversation is never given a session that is not its own, nor a way to make one. What is
unknown is refused with a message, except `prompt_async`: that is never refused, but if OpenCode has no such session T3 Code is
answered in our words what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from t3tray.domain.guard import (
    BoundSession,
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardDecision,
    GuardEvidence,
    GuardEvidenceKind,
    GuardRequest,
    OtherRequest,
    PermissionRule,
    PromptRequest,
    ReadRequest,
    Refusal,
    T3CodeState,
    T3ThreadState,
    UpstreamAnswer,
)
from t3tray.domain.verdict import Kind, Reason

_TEXT_GENERATION = "T3 Code "
_UPGRADED_TITLE = re.compile(r"T3 Code [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DENY_ALL = (PermissionRule("*", "*", "deny"),)
_REFUSALS = {
    Reason.MISSING: Refusal.SESSION_GONE,
    Reason.SPLIT: Refusal.SPLIT,
    Reason.DIRECTORY_MISMATCH: Refusal.ELSEWHERE,
    Reason.DIRECTORY_MISSING: Refusal.FOLDER_GONE,
}


@dataclass(frozen=True)
class Identity:
    """The thread that a request belongs to. `claimants` are the threads that name the requested session."""

    thread: T3ThreadState | None
    evidence: tuple[GuardEvidence, ...]
    claimants: tuple[T3ThreadState, ...] = ()


def identify(asked: GuardRequest, t3: T3CodeState, missed: str | None) -> Identity:
    """Return the thread that a request belongs to. `missed` is the session that was last reported to T3 Code as missing."""
    if t3.unreadable:
        return Identity(None, _because(GuardEvidenceKind.T3_UNREADABLE, t3.unreadable))
    match asked:
        case ReadRequest(session_id) | ForkRequest(session_id) | PromptRequest(session_id):
            return _by_cursor(session_id, t3)
        case CreateRequest():
            return _by_start(asked, t3) or _by_miss(asked, t3, missed) or _by_mode(asked, t3) or _unidentified(t3)
        case OtherRequest():
            return Identity(None, ())


def is_settled(asked: GuardRequest, identity: Identity, t3: T3CodeState) -> bool:
    """Whether T3 Code's database need not be read again: it changes within milliseconds around the start of a turn."""
    if identity.thread is not None or t3.unreadable or not isinstance(asked, CreateRequest):
        return True
    return is_text_generation(asked) or _is_upgraded(asked, t3)


def is_text_generation(asked: CreateRequest) -> bool:
    """Whether T3 Code generates a title or a commit message for itself: such requests belong to no thread."""
    return (asked.title or "").startswith(_TEXT_GENERATION) and asked.rules == _DENY_ALL


def decide(
    asked: GuardRequest,
    identity: Identity,
    t3: T3CodeState,
    bound: BoundSession | None,
    said: UpstreamAnswer = UpstreamAnswer.FAILED,
) -> GuardDecision:
    """Return the answer. `bound` is the identified thread's live binding, `said` OpenCode's answer to a `ReadRequest`."""
    match asked:
        case ReadRequest():
            decision = _read(asked, identity, t3, bound, said)
        case CreateRequest():
            decision = _create(asked, identity, t3, bound)
        case ForkRequest():
            decision = _fork(asked, identity, t3)
        case PromptRequest() | OtherRequest():
            decision = GuardDecision(GuardAction.PASS, ())
    thread_id = identity.thread.id if identity.thread else None
    return replace(decision, thread_id=thread_id, evidence=(*identity.evidence, *_binding(bound), *decision.evidence))


def decide_gone(asked: PromptRequest, identity: Identity, bound: str | None) -> GuardDecision:
    """Return the answer to a message into a session that OpenCode does not have. `bound` is the thread's bound session."""
    thread, gone = identity.thread, GuardEvidence(GuardEvidenceKind.SESSION_MISSING, (asked.session_id,))
    if thread is None:
        return GuardDecision(GuardAction.PASS, (*identity.evidence, gone))
    refusal = Refusal.HELD_IS_GONE if is_astray(asked, bound) else Refusal.SESSION_GONE
    return replace(_refuse(refusal, *identity.evidence, gone), thread_id=thread.id)


def is_astray(asked: PromptRequest, bound: str | None) -> bool:
    """Whether a message goes to another session than the one that its thread is bound to."""
    return bound is not None and bound != asked.session_id


def decide_newer(t3: T3CodeState) -> GuardDecision:
    """Return the answer to a request in OpenCode's newer API, which does not say what the session is for."""
    if t3.unreadable:
        return _refuse(Refusal.T3_UNREADABLE)
    if waiting := _waiting(t3):
        names = ", ".join(one.id for one in waiting)
        return _refuse(Refusal.NOT_IDENTIFIED, *_because(GuardEvidenceKind.NEWER_AND_WAITS, names))
    return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.NEWER_AND_NONE))


def _read(
    asked: ReadRequest, identity: Identity, t3: T3CodeState, bound: BoundSession | None, said: UpstreamAnswer
) -> GuardDecision:
    if said is UpstreamAnswer.FAILED:
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.OPENCODE_FAILED))
    if said is UpstreamAnswer.UNCLEAR:
        return _refuse(Refusal.CANNOT_TELL, *_because(GuardEvidenceKind.NOT_OPENCODE))
    thread = identity.thread
    if said is UpstreamAnswer.FOUND:
        if thread and bound and bound.chosen and asked.session_id in bound.put_away:
            left = _because(GuardEvidenceKind.SESSION_LEFT, asked.session_id, bound.session_id)
            return _give_or_refuse(bound, asked.directory or thread.directory, *left)
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.SESSION_FOUND, asked.session_id))
    gone = GuardEvidence(GuardEvidenceKind.SESSION_MISSING, (asked.session_id,))
    if t3.unreadable:
        return _refuse(Refusal.T3_UNREADABLE, gone)
    if thread is None:
        lost = [one for one in (*identity.claimants, *_waiting(t3)) if one.has_earlier]
        return _refuse(Refusal.NOT_IDENTIFIED, gone) if lost else GuardDecision(GuardAction.PASS, (gone,))
    if not _has_earlier(thread, bound):
        return GuardDecision(GuardAction.PASS, (gone, *_because(GuardEvidenceKind.NOTHING_TO_LOSE)))
    if bound is None or bound.session_id == asked.session_id or not bound.chosen:
        return _refuse(Refusal.SESSION_GONE, gone)
    return _give_or_refuse(bound, asked.directory or thread.directory, gone)


def _create(asked: CreateRequest, identity: Identity, t3: T3CodeState, bound: BoundSession | None) -> GuardDecision:
    if is_text_generation(asked):
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.TEXT_GENERATION))
    if identity.thread is None and _is_upgraded(asked, t3):
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.UPGRADED_TITLE, t3.upgraded))
    if t3.unreadable:
        return _refuse(Refusal.T3_UNREADABLE)
    thread = identity.thread
    if thread is None:
        waiting = _waiting(t3)
        if waiting:
            names = ", ".join(one.id for one in waiting)
            return _refuse(Refusal.NOT_IDENTIFIED, *_because(GuardEvidenceKind.FOLLOW_UP_WAITS, names))
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.NO_FOLLOW_UP))
    if not _has_earlier(thread, bound):
        return _begin(asked, bound)
    if bound is None:
        return _refuse(Refusal.NO_SESSION if thread.session_id is None else Refusal.SESSION_GONE)
    return _give_or_refuse(bound, asked.directory)


def _begin(asked: CreateRequest, bound: BoundSession | None) -> GuardDecision:
    """Answer the first message of a thread. If an earlier answer was lost on the way it has a session already."""
    new = GuardEvidence(GuardEvidenceKind.NOTHING_EARLIER)
    if bound is None:
        return GuardDecision(GuardAction.CREATE, (new,))
    if _is_for(bound, asked.directory):
        return _give(bound, new)
    if bound.verdict.kind is Kind.UNKNOWN:
        return _refuse(Refusal.CANNOT_TELL, new)
    return GuardDecision(GuardAction.CREATE, (new, *_because(GuardEvidenceKind.UNUSABLE)))


def _fork(asked: ForkRequest, identity: Identity, t3: T3CodeState) -> GuardDecision:
    if not asked.directory:
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.NO_FOLDER))
    if identity.thread is None and not identity.claimants and not t3.unreadable:
        return GuardDecision(GuardAction.PASS, _because(GuardEvidenceKind.OF_NO_THREAD))
    return GuardDecision(GuardAction.MOVE, _because(GuardEvidenceKind.FORK_STAYS, asked.directory))


def _give_or_refuse(bound: BoundSession, directory: str, *evidence: GuardEvidence) -> GuardDecision:
    if _is_for(bound, directory):
        return _give(bound, *evidence)
    return _refuse(_why_not(bound, directory), *evidence)


def _is_for(bound: BoundSession, directory: str) -> bool:
    return bound.is_proved and bool(directory) and bound.directory == directory


def _why_not(bound: BoundSession, directory: str) -> Refusal:
    if bound.verdict.kind is Kind.UNKNOWN:
        return Refusal.CANNOT_TELL
    if bound.verdict.reason in _REFUSALS:
        return _REFUSALS[bound.verdict.reason]
    return Refusal.ELSEWHERE if bound.directory != directory else Refusal.NOT_PROVED


def _give(bound: BoundSession, *evidence: GuardEvidence) -> GuardDecision:
    return GuardDecision(GuardAction.GIVE, evidence, session_id=bound.session_id, messages=bound.messages)


def _refuse(refusal: Refusal, *evidence: GuardEvidence) -> GuardDecision:
    return GuardDecision(GuardAction.REFUSE, evidence, refusal=refusal)


def _has_earlier(thread: T3ThreadState, bound: BoundSession | None) -> bool:
    return thread.has_earlier or (bound is not None and bound.has_messages)


def _is_upgraded(asked: CreateRequest, t3: T3CodeState) -> bool:
    """Whether the request is one of the second orchestrator, which names every session after its thread."""
    return bool(t3.upgraded) and _UPGRADED_TITLE.fullmatch(asked.title or "") is not None


def _waiting(t3: T3CodeState) -> list[T3ThreadState]:
    """Return the follow-ups whose turn has not begun."""
    return [thread for thread in t3.threads if thread.pending and thread.has_earlier]


def _by_cursor(session_id: str, t3: T3CodeState) -> Identity:
    claimants = tuple(thread for thread in t3.threads if thread.session_id == session_id)
    starting = [thread for thread in claimants if thread.starting] if len(claimants) > 1 else list(claimants)
    if len(starting) == 1:
        return Identity(starting[0], _because(GuardEvidenceKind.CURSOR_OF_ONE, starting[0].id, session_id), claimants)
    if not claimants:
        return Identity(None, _because(GuardEvidenceKind.CURSOR_OF_NONE, session_id))
    return Identity(None, _because(GuardEvidenceKind.CURSOR_OF_SEVERAL, len(claimants), session_id), claimants)


def _by_start(asked: CreateRequest, t3: T3CodeState) -> Identity | None:
    """T3 Code starts one turn at a time, and writes that to its database before the request."""
    found = [thread for thread in t3.threads if thread.starting and thread.pending and _fits(asked, thread)]
    if len(found) > 1:
        # A thread whose turn has just begun may still be marked as starting. The two clocks may differ, so this only breaks a
        # tie.
        found = [thread for thread in found if not _has_begun(thread)]
    if len(found) != 1:
        return None
    return Identity(found[0], _because(GuardEvidenceKind.STARTS_ALONE, found[0].id))


def _by_miss(asked: CreateRequest, t3: T3CodeState, missed: str | None) -> Identity | None:
    if not missed:
        return None
    found = [thread for thread in t3.threads if thread.session_id == missed and _fits(asked, thread)]
    if len(found) != 1:
        return None
    return Identity(found[0], _because(GuardEvidenceKind.JUST_MISSED, missed, found[0].id))


def _by_mode(asked: CreateRequest, t3: T3CodeState) -> Identity | None:
    found = [thread for thread in t3.threads if thread.id in t3.mode_set and _fits(asked, thread)]
    if len(found) != 1:
        return None
    return Identity(found[0], _because(GuardEvidenceKind.MODE_JUST_SET, found[0].id))


def _unidentified(t3: T3CodeState) -> Identity:
    starting = sum(thread.starting for thread in t3.threads)
    pending = sum(thread.pending for thread in t3.threads)
    return Identity(None, _because(GuardEvidenceKind.NO_THREAD_FITS, starting, pending))


def _fits(asked: CreateRequest, thread: T3ThreadState) -> bool:
    return asked.title in (None, thread.title) and bool(asked.directory) and asked.directory == thread.directory


def _has_begun(thread: T3ThreadState) -> bool:
    return bool(thread.last_seen_at and thread.asked_at and thread.last_seen_at >= thread.asked_at)


def _binding(bound: BoundSession | None) -> tuple[GuardEvidence, ...]:
    if bound is None:
        return ()
    kind = GuardEvidenceKind.CHOSEN if bound.chosen else GuardEvidenceKind.BOUND
    return _because(kind, bound.session_id, bound.directory, bound.verdict.reason)


def _because(kind: GuardEvidenceKind, *names: str | int) -> tuple[GuardEvidence]:
    return (GuardEvidence(kind, names),)
