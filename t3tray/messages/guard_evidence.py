"""The lines that say what a decision of the guard rests on. They are stored with the answer: old rows keep theirs."""

from __future__ import annotations

from t3tray.domain.guard import GuardDecision, GuardEvidence, GuardEvidenceKind

_LINES = {
    GuardEvidenceKind.T3_UNREADABLE: "T3 Code's database could not be read: {}.",
    GuardEvidenceKind.THREAD_KNOWN: "It is for thread {}, as found before.",
    GuardEvidenceKind.CURSOR_OF_ONE: "T3 Code's cursor of thread {} is {}.",
    GuardEvidenceKind.CURSOR_OF_NONE: "No thread of T3 Code's has {} as its cursor.",
    GuardEvidenceKind.CURSOR_OF_SEVERAL: "{} threads of T3 Code's have {} as their cursor.",
    GuardEvidenceKind.STARTS_ALONE: "Only thread {} is starting a turn, with that title and folder.",
    GuardEvidenceKind.JUST_MISSED: "T3 Code was just told that {}, the cursor of thread {}, does not exist.",
    GuardEvidenceKind.MODE_JUST_SET: "The runtime mode of thread {} was just changed, with that title and folder.",
    GuardEvidenceKind.NO_THREAD_FITS: "No thread fits, of {} that are starting a turn and {} with a message waiting.",
    GuardEvidenceKind.BOUND: "t3tray has {} in {}: {}.",
    GuardEvidenceKind.CHOSEN: "t3tray has {} by the user's choice in {}: {}.",
    GuardEvidenceKind.SESSION_FOUND: "OpenCode has {}.",
    GuardEvidenceKind.SESSION_MISSING: "OpenCode has no {}.",
    GuardEvidenceKind.SESSION_LEFT: "OpenCode has {}, which the user left for {}.",
    GuardEvidenceKind.OPENCODE_FAILED: "OpenCode could not say whether it has the session; its failure is passed on.",
    GuardEvidenceKind.NOT_OPENCODE: "What answered is not OpenCode, and T3 Code would take it for a missing session.",
    GuardEvidenceKind.NOT_GIVEN: "OpenCode answered {} for it.",
    GuardEvidenceKind.NOTHING_TO_LOSE: "The thread has no earlier conversation, so nothing is lost by saying so.",
    GuardEvidenceKind.NOTHING_EARLIER: "The thread has no earlier conversation.",
    GuardEvidenceKind.UNUSABLE: "The session that it was given before cannot be used, and holds nothing.",
    GuardEvidenceKind.TEXT_GENERATION: "T3 Code generates a text for itself: title and permissions say so.",
    GuardEvidenceKind.UPGRADED_TITLE: "The title is one of T3 Code's new version ({}): left alone.",
    GuardEvidenceKind.FOLLOW_UP_WAITS: "A follow-up waits in {}; it may be this one.",
    GuardEvidenceKind.NO_FOLLOW_UP: "No follow-up waits anywhere, so no thread can lose its session by this.",
    GuardEvidenceKind.NEWER_AND_WAITS: "The request uses OpenCode's newer API; a follow-up waits in {}.",
    GuardEvidenceKind.NEWER_AND_NONE: "The request uses OpenCode's newer API, and no follow-up waits anywhere.",
    GuardEvidenceKind.NO_FOLDER: "No folder was asked for.",
    GuardEvidenceKind.OF_NO_THREAD: "No thread of T3 Code's names this session.",
    GuardEvidenceKind.FORK_STAYS: "OpenCode leaves a fork in the old folder; T3 Code listens in {}.",
    GuardEvidenceKind.FORK_NOT_MOVED: "The fork could not be moved to the requested folder.",
}


def evidence_lines(decision: GuardDecision) -> tuple[str, ...]:
    """Return one line for each item of a decision's evidence, in its order."""
    return tuple(_line(evidence) for evidence in decision.evidence)


def _line(evidence: GuardEvidence) -> str:
    names = evidence.names
    if evidence.kind in (GuardEvidenceKind.BOUND, GuardEvidenceKind.CHOSEN):
        session_id, folder, reason = names
        names = session_id, folder or "an unknown folder", reason
    return _LINES[evidence.kind].format(*names)
