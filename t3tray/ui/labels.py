"""Short texts that the tray, the menu and the window share. No PySide6 here, so that they are tested without it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from t3tray.domain.carries import CarriesKind
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.remedy import Remedy
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.t3code_side import NextMessage, NextReason
from t3tray.domain.thread import Source
from t3tray.domain.times import dated, local
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.domain.verification import Opened
from t3tray.threads.snapshot import Snapshot, ThreadRow

_STATES = {
    ServerState.STOPPED: "Server stopped",
    ServerState.STARTING: "Server is starting",
    ServerState.READY: "Server ready",
    ServerState.UNRESPONSIVE: "Server does not answer",
    ServerState.STOPPING: "Server is stopping",
    ServerState.WAITING: "Server ended; it starts again soon",
    ServerState.FAILED: "Server failed",
    ServerState.EXTERNAL: "Using another program's server",
}
_PHASES = {
    ReaperPhase.ACTIVE: "active",
    ReaperPhase.IDLE: "idle",
    ReaperPhase.SAFE: "reaped, safe",
    ReaperPhase.AT_RISK: "reaped, at risk",
    ReaperPhase.REAPED: "stopped when idle, status unknown",
    ReaperPhase.STOPPED: "stopped",
}
_TROUBLE = frozenset({ServerState.UNRESPONSIVE, ServerState.WAITING, ServerState.FAILED})

# Shapes, not colours alone: a full disc, a half one, an empty one, a cross, a question mark.
MARKS = {Kind.RESUMABLE: "●", Kind.BLOCKED: "✕", Kind.UNKNOWN: "?"}
MARK_NOT_SURE, MARK_NEW = "◐", "○"
NOT_BEGUN = "Not begun yet"
_LESS = {CarriesKind.SINCE_COMPACTION: "Older part summarised", CarriesKind.PART: "Carried in part"}
_NOT_SURE = frozenset({Reason.UNPROVEN, Reason.INTERRUPTED, Reason.REWOUND})


SOURCES = {Source.T3CODE: "T3 Code", Source.T3TRAY: "t3tray"}
VERDICTS = {Kind.RESUMABLE: "Can be resumed", Kind.BLOCKED: "Cannot be resumed", Kind.UNKNOWN: "Unknown"}

FOUND_IN_MESSAGES = "Found in messages"

# What takes long, while it does.
CHECKING = "Checking the thread with the server…"
RESUMING = "Checking the thread, then opening a terminal…"
STARTING = "Starting the server…"
RESTARTING = "Restarting the server…"
LOOKING = "Looking at what that would do…"
MAKING = "Making the thread…"
DIAGNOSING = "Collecting the diagnostics…"
_DOING = {
    Remedy.HEAL: "Giving T3 Code its memory back…",
    Remedy.BIND: "Binding the thread…",
    Remedy.JOIN: "Joining the sessions…",
    Remedy.MOVE_SESSION: "Moving the session…",
    Remedy.RELOCATE: "Using the other folder…",
    Remedy.CARRY: "Carrying the conversation over…",
    Remedy.FORK: "Making the fork…",
    Remedy.START_AFRESH: "Starting afresh…",
    Remedy.RELEASE: "Letting go of the session…",
    Remedy.REPAIR: "Copying and repairing T3 Code's database…",
    Remedy.UNDO: "Undoing the last remedy…",
}


def doing(remedy: Remedy) -> str:
    """What a remedy does, while it does."""
    return _DOING.get(remedy, CHECKING)


def stopped(words: str) -> str:
    """What is told of long work that was stopped."""
    what = words.removesuffix("…")
    return f"Stopped: {what[0].lower()}{what[1:]}."


def mark(verdict: Verdict) -> str:
    """The verdict as one character."""
    if verdict.reason is Reason.NEW:
        return MARK_NEW
    return MARKS[verdict.kind] if verdict.kind is not Kind.RESUMABLE or is_fine(verdict) else MARK_NOT_SURE


def row_mark(row: ThreadRow) -> str:
    """The same of a thread: a full disc only where both sides are well, here and in T3 Code."""
    return MARK_NOT_SURE if is_half_fine(row) else mark(row.verdict)


def is_half_fine(row: ThreadRow) -> bool:
    """Whether it can be resumed here, and something is to be said of T3 Code's side."""
    return row.verdict.kind is Kind.RESUMABLE and not row.is_t3_side_fine


_SIDE_NOTES = {
    NextReason.STUCK: "Stuck in T3 Code",
    NextReason.LIVE: "At risk in T3 Code",
    NextReason.HAND_OFF: "Copied in T3 Code",
}


def side_note(side: NextMessage) -> str:
    """What is to be said of T3 Code's side beside a thread's title."""
    if side.is_fine:
        return ""
    plain = "Unknown in T3 Code" if side.kind is Kind.UNKNOWN else "Not fixed in T3 Code"
    return _SIDE_NOTES.get(side.reason, plain)


def is_fine(verdict: Verdict) -> bool:
    """Whether the conversation goes on, as far as is known all of it, or all of it with a summary of its older part."""
    is_less = verdict.carries.kind is CarriesKind.PART
    return verdict.kind is Kind.RESUMABLE and verdict.reason not in _NOT_SURE and not is_less


def is_all_well(verdict: Verdict) -> bool:
    """Whether there is nothing to be said of it."""
    has_summary = verdict.carries.kind is CarriesKind.SINCE_COMPACTION
    return is_fine(verdict) and verdict.reason is not Reason.NEW and not has_summary


def reason_label(verdict: Verdict) -> str:
    """The reason in three words at most: `directory-missing` → `Folder missing`."""
    if verdict.reason is Reason.NEW:
        return NOT_BEGUN
    if verdict.reason is Reason.PROVED and verdict.carries.kind in _LESS:
        return _LESS[verdict.carries.kind]
    return verdict.reason.value.replace("-", " ").replace("directory", "folder").capitalize()


def server_line(server: ServerStatus, is_short: bool = False) -> str:
    """The server's state in one line, with version and memory where there are any; the short one does not say whose it is."""
    parts = [_STATES[server.state]]
    if server.state.answers and server.version:
        parts.append(server.version if is_short else f"OpenCode {server.version}")
    if server.memory:
        parts.append(f"{server.memory / 2**20:.0f} MB")
    return " · ".join(parts)


def is_trouble(server: ServerStatus) -> bool:
    return server.state in _TROUBLE


def tooltip(snapshot: Snapshot | None) -> str:
    """All that matters in one line: what works, what needs you, what cannot resume, the server's state where it is not well."""
    if snapshot is None:
        return "t3tray"
    live = [row for row in snapshot.rows if not row.is_archived]
    counts = (
        (sum(row.is_working for row in live), "working"),
        (needing(snapshot), "needs you"),
        (sum(row.verdict.kind is Kind.BLOCKED for row in live), "cannot resume"),
    )
    parts = [f"{count} {what}" for count, what in counts if count]
    if is_trouble(snapshot.server) or not parts:
        parts.append(_STATES[snapshot.server.state].lower())
    if snapshot.stale_since:
        parts.append(f"as of {snapshot.stale_since.astimezone():%H:%M}")
    return f"t3tray: {' · '.join(parts)}"


def needing(snapshot: Snapshot) -> int:
    """How many things wait for the user: asks, threads with an alarm nobody has seen, half mended ones, those in which T3 Code
    waits."""
    asked = {ask.requester.thread_id for ask in snapshot.pending_requests}
    waiting = {alarm.thread_id for alarm in snapshot.alarms}
    waiting |= {row.thread.id for row in snapshot.rows if (row.waits_in_t3 or row.is_half_mended) and not row.is_archived}
    return len(snapshot.pending_requests) + len(waiting - asked)


def reaper_line(snapshot: Snapshot) -> str:
    """How many threads T3 Code's reaper will end, and when the next; empty where there are none."""
    states = [row.reaper for row in snapshot.rows if not row.is_archived]
    states += [snapshot.foreign_reapers[thread.id] for thread in snapshot.foreign if thread.id in snapshot.foreign_reapers]
    times = sorted(state.reap_at for state in states if state.reap_at)
    return f"{len(times)} idle, next reaped {local(times[0]):%H:%M}" if times else ""


def reaping(state: ReaperState, now: datetime) -> str:
    """The ring that empties as one character, with when it is empty; nothing where no clock runs."""
    left = state.left(now)
    if left is None or state.reap_at is None:
        return ""
    ring = "◕" if left > 0.75 else "◑" if left > 0.5 else "◔" if left > 0.25 else "○"
    return f"{ring} {local(state.reap_at):%H:%M}"


def reaper_text(state: ReaperState) -> str:
    """Where a thread stands with its reaper."""
    if state.reap_at:
        return f"idle, reaped at {local(state.reap_at):%H:%M}"
    return _PHASES[state.phase]


def opened_note(opened: Opened) -> str:
    """What was opened, and what the user has in the clipboard now."""
    return (
        f"{opened.sentence} The thread's title was copied, so that you can look for it there."
        if opened.title
        else opened.sentence
    )


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in words that fit a list: `now`, `12 min`, `3 h`, `2 d`, else the date."""
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h"
    if seconds < 7 * 86_400:
        return f"{int(seconds // 86_400)} d"
    return dated(at, "%b") if at.year == now.year else f"{local(at):%b %Y}"


_UNITS = {"min": "minute", "h": "hour", "d": "day"}


def ago_aloud(at: datetime, now: datetime) -> str:
    """The same as it is read aloud: `just now`, `12 minutes ago`, else the date."""
    number, _, unit = ago(at, now).partition(" ")
    if unit not in _UNITS:
        return "just now" if number == "now" else ago(at, now)
    return f"{number} {_UNITS[unit]}{'' if number == '1' else 's'} ago"


def folder_name(directory: str) -> str:
    """The last part of a path. For paths of this system."""
    return Path(directory).name or directory


def shown_path(directory: str, home: str) -> str:
    """A path with the user's own folder as people write it: `~/code/parser`."""
    inside = directory.removeprefix(home.rstrip(os.sep))
    return f"~{inside}" if inside != directory and inside[:1] in ("", os.sep) else directory


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut at the end."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


_GUARD = {
    GuardPhase.NO_T3CODE: "There is no T3 Code here to protect.",
    GuardPhase.OFF: "T3 Code is not protected: it can switch a thread to an empty session, and t3tray tells you only afterwards.",
    GuardPhase.ON: "T3 Code is protected: a follow-up goes on in its thread's own session, or fails with a clear message.",
}
_GUARD_LINES = {
    GuardPhase.OFF: "Protect T3 Code…",
    GuardPhase.ALONE: "The Guard Does Not Run…",
    GuardPhase.CHANGED: "T3 Code Is No Longer Guarded…",
    GuardPhase.UNFIT: "The Guard Cannot Read T3 Code…",
}


def guard_line(snapshot: Snapshot) -> str:
    """How T3 Code stands with the guard, for the menu; empty where there is no T3 Code."""
    if snapshot.guard.phase is GuardPhase.ON:
        count = len(snapshot.guarded)
        return f"Guarding T3 Code · {count} thread{'' if count == 1 else 's'}"
    return _GUARD_LINES.get(snapshot.guard.phase, "")


def guard_sentence(state: GuardState) -> str:
    """The same in sentences."""
    plain = _GUARD.get(state.phase, "")
    return f"{plain} {state.sentence}".strip()


def guard_would_turn_on(state: GuardState) -> bool:
    """Whether the next thing to do with it is to switch it on."""
    return state.phase in (GuardPhase.OFF, GuardPhase.CHANGED)
