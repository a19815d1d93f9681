"""Values for the window's tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.inventory import FoundHome, FoundProgram, Inventory
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.pending_request import Requester
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.receipt import Check, Receipt
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.restore import Restore
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.guard.status import ProtectionPlan
from t3tray.threads.remedy_offers import offers
from t3tray.threads.snapshot import ThreadDetails, ThreadRow

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
INVENTORY = Inventory(
    FoundProgram("/usr/bin/opencode", "1.18.33"),
    (FoundHome("/home/dev/.t3", True, True, 12, 9), FoundHome("/code/t3", added_as="/code/t3")),
    "",
    "/home/dev/.local/share/t3tray",
    12_400_000,
)
READY = ServerStatus(ServerState.READY, url="http://127.0.0.1:1", pid=7, version="1.18.33", memory=300 * 2**20)


RESTORE = Restore(
    NOON, "was damaged (it is empty)", 3, complete=False, copy_at=NOON - timedelta(hours=3), aside="t3tray.sqlite.damaged-1"
)
_WHOLE = frozenset({Reason.PROVED, Reason.INTERRUPTED, Reason.BUSY})


def row(
    name: str, reason: Reason = Reason.PROVED, *, title: str = "", age: timedelta = timedelta(0), draft: str = ""
) -> ThreadRow:
    thread = Thread(name, title or f"Thread {name}", f"/home/dev/{name}", Source.T3TRAY, NOON, NOON - age, draft=draft)
    carries = Carries(CarriesKind.WHOLE if reason in _WHOLE else CarriesKind.UNKNOWN)
    return ThreadRow(thread, f"ses_{name}", Verdict(reason, carries=carries), ReaperState(ReaperPhase.IDLE))


def idle(name: str, minutes: int) -> ThreadRow:
    """Return a thread that T3 Code's reaper ends in that many of its 30 minutes."""
    at = NOON + timedelta(minutes=minutes)
    return replace(row(name), reaper=ReaperState(ReaperPhase.IDLE, at, at - timedelta(minutes=30)))


def archived(shown: ThreadRow) -> ThreadRow:
    return replace(shown, thread=structs.replace(shown.thread, archived_at=NOON))


def t3_thread(name: str, provider: str = "opencode", *, project: str = "Project", **facts: Any) -> T3Thread:
    return T3Thread(
        id=name,
        title=f"Thread {name}",
        project=project,
        directory=f"/home/dev/{name}",
        provider=provider,
        instance=provider,
        created_at=NOON,
        last_activity_at=NOON,
        **facts,
    )


def in_t3(shown: ThreadRow, **facts: Any) -> ThreadRow:
    """Return the row as a thread of T3 Code."""
    theirs = t3_thread(shown.thread.id, **facts)
    return replace(shown, thread=structs.replace(shown.thread, source=Source.T3CODE), t3=theirs)


def alarm(name: str) -> Alarm:
    return Alarm(name, AlarmKind.SWITCHED, Cause.UNKNOWN, SessionContents("ses_old"), SessionContents(f"ses_{name}"), NOON, NOON)


def requester(name: str, *agents: str) -> Requester:
    return Requester(f"ses_{name}", f"/home/dev/{name}", f"Thread {name}", name, agents)


def details(shown: ThreadRow, *candidates: str) -> ThreadDetails:
    session = shown.session_id or ""
    cursor = Cursor(session, shown.thread.directory, message_count=41, server_version="1.18.33")
    entry = Entry(shown.thread.id, Event.CONFIRMED, Actor.USER, "made for this thread", NOON, session, cursor=cursor, seq=1)
    choices = tuple(Candidate(session, ("journal",), exists=True, messages=3) for session in candidates)
    return ThreadDetails(shown, cursor, (entry,), receipt(shown), choices, offered=offers(shown.verdict), choices=choices)


def receipt(shown: ThreadRow) -> Receipt:
    fine = shown.verdict.kind is Kind.RESUMABLE
    check = Check("session exists", "ses_1", "ses_1" if fine else "not found", fine)
    return Receipt(shown.thread.id, shown.session_id, shown.verdict, NOON, "OpenCode 1.18.33", (check,), ("A note.",))


def preview(remedy: Remedy, word: str = "") -> Preview:
    return Preview(remedy, f"Do {remedy}", "Do It", ("Before.",), ("After.",), ("Kept.",), ("Lost.", "  in detail"), word)


def protection_plan(on: bool, *running: str) -> ProtectionPlan:
    place = "providers.opencode in /home/dev/.t3"
    return ProtectionPlan(
        on,
        "Protect T3 Code" if on else "Stop Protecting T3 Code",
        "Protect T3 Code" if on else "Stop Protecting",
        (f"{place}: a server that T3 Code starts itself.",),
        (
            f"{place}: the guard at http://127.0.0.1:4711, with a password of its own.",
            "A follow-up goes on, or fails with a clear message.",
        ),
        ("What was in T3 Code's settings is copied first.",),
        ("T3 Code's own browser tools.", "While t3tray does not run, T3 Code cannot reach OpenCode."),
        running,
    )


"""Values for the window's tests."""
