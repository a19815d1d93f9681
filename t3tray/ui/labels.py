"""Short labels that the tray, the menu and the window share. No PySide6 here, so that they can be tested without it."""

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
from t3tray.domain.verification import OpenResult
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

# Distinct without colour: a full disc, a half one, an empty one, a cross, a question mark.
STATUS_SYMBOLS = {Kind.RESUMABLE: "●", Kind.BLOCKED: "✕", Kind.UNKNOWN: "?"}
SYMBOL_UNSURE, SYMBOL_NEW = "◐", "○"
NOT_BEGUN = "Not begun yet"
_LESS = {CarriesKind.SINCE_COMPACTION: "Older part summarised", CarriesKind.PART: "Carried in part"}
_NOT_SURE = frozenset({Reason.UNPROVEN, Reason.INTERRUPTED, Reason.REWOUND})


SOURCES = {Source.T3CODE: "T3 Code", Source.T3TRAY: "t3tray"}
VERDICTS = {Kind.RESUMABLE: "Can be resumed", Kind.BLOCKED: "Cannot be resumed", Kind.UNKNOWN: "Unknown"}

FOUND_IN_MESSAGES = "Found in messages"

# Shown while a long operation runs.
CHECKING = "Checking the thread with the server…"
RESUMING = "Checking the thread, then opening a terminal…"
STARTING = "Starting the server…"
RESTARTING = "Restarting the server…"
PREVIEWING = "Preparing the preview…"
CREATING = "Creating the thread…"
DIAGNOSING = "Collecting the diagnostics…"
_PROGRESS = {
    Remedy.HEAL: "Giving T3 Code its memory back…",
    Remedy.BIND: "Binding the thread…",
    Remedy.JOIN: "Merging the sessions…",
    Remedy.MOVE_SESSION: "Moving the session…",
    Remedy.RELOCATE: "Using the other folder…",
    Remedy.CARRY: "Carrying the conversation over…",
    Remedy.FORK: "Forking the session…",
    Remedy.START_AFRESH: "Starting a new session…",
    Remedy.RELEASE: "Unbinding the session…",
    Remedy.REPAIR: "Copying and repairing T3 Code's database…",
    Remedy.UNDO: "Undoing the last remedy…",
}


def doing(remedy: Remedy) -> str:
    """Return the progress label of a remedy."""
    return _PROGRESS.get(remedy, CHECKING)


def stopped(label: str) -> str:
    """Return the note on a long operation that was stopped, from its progress label."""
    operation = label.removesuffix("…")
    return f"Stopped: {operation[0].lower()}{operation[1:]}."


def verdict_symbol(verdict: Verdict) -> str:
    """Return the verdict as one character."""
    if verdict.reason is Reason.NEW:
        return SYMBOL_NEW
    return STATUS_SYMBOLS[verdict.kind] if verdict.kind is not Kind.RESUMABLE or is_fine(verdict) else SYMBOL_UNSURE


def row_symbol(row: ThreadRow) -> str:
    """Return a thread's status as one character: a full disc only if its next message is fine both here and in T3 Code."""
    return SYMBOL_UNSURE if is_ready_only_here(row) else verdict_symbol(row.verdict)


def is_ready_only_here(row: ThreadRow) -> bool:
    """Whether the thread can be resumed here, but T3 Code's side is not fine."""
    return row.verdict.kind is Kind.RESUMABLE and not row.is_t3_side_fine


_SIDE_NOTES = {
    NextReason.STUCK: "Stuck in T3 Code",
    NextReason.LIVE: "At risk in T3 Code",
    NextReason.HAND_OFF: "Copied in T3 Code",
}


def side_note(side: NextMessage) -> str:
    """Return the note on T3 Code's side of a thread, "" if that side is fine."""
    if side.is_fine:
        return ""
    plain = "Unknown in T3 Code" if side.kind is Kind.UNKNOWN else "Not fixed in T3 Code"
    return _SIDE_NOTES.get(side.reason, plain)


def is_fine(verdict: Verdict) -> bool:
    """Whether the next message carries the whole conversation, as far as is known; its older part may be summarised."""
    is_less = verdict.carries.kind is CarriesKind.PART
    return verdict.kind is Kind.RESUMABLE and verdict.reason not in _NOT_SURE and not is_less


def is_all_well(verdict: Verdict) -> bool:
    """Whether the verdict needs no remark."""
    has_summary = verdict.carries.kind is CarriesKind.SINCE_COMPACTION
    return is_fine(verdict) and verdict.reason is not Reason.NEW and not has_summary


def reason_label(verdict: Verdict) -> str:
    """Return the reason in at most three words: `directory-missing` → `Folder missing`."""
    if verdict.reason is Reason.NEW:
        return NOT_BEGUN
    if verdict.reason is Reason.PROVED and verdict.carries.kind in _LESS:
        return _LESS[verdict.carries.kind]
    return verdict.reason.value.replace("-", " ").replace("directory", "folder").capitalize()


def server_line(server: ServerStatus, is_short: bool = False) -> str:
    """Return the server's state in one line, with version and memory if known; `is_short` leaves out the word OpenCode."""
    parts = [_STATES[server.state]]
    if server.state.answers and server.version:
        parts.append(server.version if is_short else f"OpenCode {server.version}")
    if server.memory:
        parts.append(f"{server.memory / 2**20:.0f} MB")
    return " · ".join(parts)


def is_trouble(server: ServerStatus) -> bool:
    return server.state in _TROUBLE


def tooltip(snapshot: Snapshot | None) -> str:
    """Return the tray's tooltip: counts of working, waiting and blocked threads, and the server's state if it is in trouble."""
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
    """Return how many things need the user: pending requests, threads with an unseen alarm, threads mended here but not in
    T3 Code, and threads in which T3 Code waits for an answer."""
    asked = {request.requester.thread_id for request in snapshot.pending_requests}
    waiting = {alarm.thread_id for alarm in snapshot.alarms}
    waiting |= {row.thread.id for row in snapshot.rows if (row.waits_in_t3 or row.is_half_mended) and not row.is_archived}
    return len(snapshot.pending_requests) + len(waiting - asked)


def reaper_line(snapshot: Snapshot) -> str:
    """Return how many threads T3 Code's reaper will end and when it ends the next, "" if none."""
    states = [row.reaper for row in snapshot.rows if not row.is_archived]
    states += [snapshot.foreign_reapers[thread.id] for thread in snapshot.foreign if thread.id in snapshot.foreign_reapers]
    times = sorted(state.reap_at for state in states if state.reap_at)
    return f"{len(times)} idle, next reaped {local(times[0]):%H:%M}" if times else ""


def reaping(state: ReaperState, now: datetime) -> str:
    """Return the remaining idle time as one character and the time of its end, "" if the thread is not idle."""
    left = state.fraction_left(now)
    if left is None or state.reap_at is None:
        return ""
    ring = "◕" if left > 0.75 else "◑" if left > 0.5 else "◔" if left > 0.25 else "○"
    return f"{ring} {local(state.reap_at):%H:%M}"


def reaper_text(state: ReaperState) -> str:
    """Return a thread's state with its reaper, such as `idle, reaped at 21:10`."""
    if state.reap_at:
        return f"idle, reaped at {local(state.reap_at):%H:%M}"
    return _PHASES[state.phase]


def opened_note(opened: OpenResult) -> str:
    """Return what was opened, and that the title was copied if it was."""
    return (
        f"{opened.sentence} The thread's title was copied, so that you can look for it there."
        if opened.title
        else opened.sentence
    )


def ago(at: datetime, now: datetime) -> str:
    """Return the age, short enough for a list: `now`, `12 min`, `3 h`, `2 d`, else the date."""
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
    """Return the age as a screen reader reads it: `just now`, `12 minutes ago`, else the date."""
    number, _, unit = ago(at, now).partition(" ")
    if unit not in _UNITS:
        return "just now" if number == "now" else ago(at, now)
    return f"{number} {_UNITS[unit]}{'' if number == '1' else 's'} ago"


def folder_name(directory: str) -> str:
    """Return the last part of a path of this operating system."""
    return Path(directory).name or directory


def shown_path(directory: str, home: str) -> str:
    """Return a path with the home folder written as `~`: `~/code/parser`."""
    inside = directory.removeprefix(home.rstrip(os.sep))
    return f"~{inside}" if inside != directory and inside[:1] in ("", os.sep) else directory


def shortened(text: str, limit: int) -> str:
    """Return the text in one line of at most `limit` characters, cut at its end."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


_GUARD_LINES = {
    GuardPhase.OFF: "Protect T3 Code…",
    GuardPhase.ALONE: "The Guard Is Not Running…",
    GuardPhase.CHANGED: "T3 Code Is No Longer Guarded…",
    GuardPhase.UNFIT: "The Guard Cannot Read T3 Code…",
}


def guard_line(snapshot: Snapshot) -> str:
    """Return the guard's entry in the menu, "" without T3 Code."""
    if snapshot.guard.phase is GuardPhase.ON:
        count = len(snapshot.guarded)
        return f"Guarding T3 Code · {count} thread{'' if count == 1 else 's'}"
    return _GUARD_LINES.get(snapshot.guard.phase, "")


def guard_would_turn_on(state: GuardState) -> bool:
    """Whether the guard's button switches it on (else off)."""
    return state.phase in (GuardPhase.OFF, GuardPhase.CHANGED)
