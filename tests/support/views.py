"""Views for the face's tests, and a desk that only records what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import structs

from t3tray.domain.alarm import Acknowledged, Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.autostart import AutostartState
from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.conversation import Conversation
from t3tray.domain.cursor import Cursor
from t3tray.domain.inventory import FoundHome, FoundProgram, Inventory
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import Answers, ApprovalRequest, QuestionRequest, Reply, Requester
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.receipt import Check, Receipt
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.domain.restore import Restore, SettlePlan, settle_plan
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.domain.verification import Opened, Verification
from t3tray.errors import ServerDown
from t3tray.guard.status import GuardStatus, ProtectionPlan
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.settings.definitions import Settings
from t3tray.threads.remedy_offers import offers
from t3tray.threads.snapshot import Snapshot, ThreadDetails, ThreadRow

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
    """A thread that T3 Code's reaper ends in so many of its 30 minutes."""
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
    """The same thread as one of T3 Code's."""
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


class FakeDesk:
    """Publishes what it is given; `asked` is what it was asked, in order."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self.snapshots = snapshots
        self.asked: list[tuple[str, ...]] = []
        self.closed = False
        self.trouble: Exception | None = None
        self.slow_to_close = 0.0
        # What the slow wishes wait for, where a test sets it.
        self.lingers: asyncio.Event | None = None
        self.slow_to_keep = 0.0
        self.login = AutostartState(False)
        self.said = ""
        self.settling: SettlePlan | None = settle_plan(RESTORE, ("Thread a",), ())

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        for snapshot in self.snapshots:
            publish(snapshot)
        await asyncio.Event().wait()

    async def close(self) -> None:
        await asyncio.sleep(self.slow_to_close)
        self.closed = True

    async def details(self, thread_id: str) -> ThreadDetails:
        self._note("details", thread_id)
        return details(self._row(thread_id))

    async def resume(self, thread_id: str) -> Verification:
        self._note("resume", thread_id)
        found = self._row(thread_id)
        return Verification(found.thread, found.session_id, found.verdict, receipt(found))

    async def resume_in_terminal(self, thread_id: str) -> Verification:
        self._note("terminal", thread_id)
        return await self.resume(thread_id)

    async def open_in_t3code(self, thread_id: str) -> Opened:
        self._note("t3code", thread_id)
        return Opened("T3 Code came to the front.", title=self._row(thread_id).thread.title)

    async def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        self._note("seen", thread_id, fact)

    async def visit(self, thread_id: str, activity_at: datetime) -> None:
        self._note("visit", thread_id, activity_at.isoformat())

    async def watch(self, thread_id: str) -> None:
        self._note("watch", thread_id)

    async def tell_clicks(self, click: Callable[[Click], None]) -> None:
        self.click = click

    async def start_server(self) -> None:
        self._note("start")
        await self._linger()

    async def stop_server(self) -> None:
        self._note("stop")

    async def restart_server(self) -> None:
        self._note("restart")

    async def preview(self, thread_id: str, choice: Choice) -> Preview:
        self._note("preview", thread_id, choice.remedy, choice.session_id)
        return preview(choice.remedy)

    async def apply(self, thread_id: str, choice: Choice, seen: Preview) -> Preview:
        self._note("apply", thread_id, choice.remedy, choice.session_id)
        await self._linger()
        return seen

    async def preview_protection(self, on: bool) -> ProtectionPlan:
        self._note("preview protection", str(on))
        return protection_plan(on)

    async def protect(self, on: bool, despite_running: bool) -> GuardStatus:
        self._note("protect", str(on), str(despite_running))
        state, said = (Protection.GUARDED, "It is guarded.") if on else (Protection.NOT_GUARDED, "It is not guarded.")
        return GuardStatus("http://127.0.0.1:4711", on, (ProtectionView(Path("/home/dev/.t3"), state, said),))

    async def plan_settling(self) -> SettlePlan | None:
        self._note("plan settling")
        return self.settling

    async def settle(self, seen: SettlePlan) -> None:
        self._note("settle", seen.title)

    async def new_thread(self, directory: str, title: str) -> str:
        self._note("new", directory, title)
        return "made"

    async def change_setting(self, name: str, value: object) -> Settings:
        self._note("set", name, str(value))
        return replace(Settings(), **{name: value})  # type: ignore[arg-type]

    async def autostart(self) -> AutostartState:
        return self.login

    async def set_autostart(self, is_on: bool) -> AutostartState:
        self._note("login", str(is_on))
        self.login = AutostartState(is_on)
        return self.login

    async def take_inventory(self) -> Inventory:
        self._note("inventory")
        return INVENTORY

    async def open_data_folder(self) -> None:
        self._note("folder")

    async def diagnostics(self, face: tuple[str, ...]) -> str:
        self._note("diagnostics", *face)
        return "all that helps"

    async def _linger(self) -> None:
        if self.lingers:
            await self.lingers.wait()

    async def rename(self, thread_id: str, title: str) -> None:
        self._note("rename", thread_id, title)

    async def archive(self, thread_id: str, archived: bool) -> None:
        self._note("archive" if archived else "bring back", thread_id)

    async def search(self, text: str) -> frozenset[str]:
        self._note("search", text)
        return frozenset({"found"})

    async def follow(self, thread_id: str, publish: Callable[[Conversation], None]) -> None:
        self._note("follow", thread_id)
        try:
            publish(Conversation(thread_id, f"ses_{thread_id}"))
            await asyncio.Event().wait()
        finally:
            self.asked.append(("unfollow", thread_id))

    def show_older(self) -> None:
        self._note("older")

    def show_agent(self, session_id: str) -> None:
        self._note("agent", session_id)

    async def send(self, thread_id: str, text: str, despite_others: bool = False) -> None:
        self._note("send", thread_id, text, *(("anyway",) if despite_others else ()))

    async def stop_turn(self, thread_id: str) -> None:
        self._note("stop turn", thread_id)

    async def keep_draft(self, thread_id: str, text: str) -> None:
        await asyncio.sleep(self.slow_to_keep)
        self._note("draft", thread_id, text)

    async def reply(self, ask: ApprovalRequest, reply: Reply) -> str:
        self._note("reply", ask.id, reply)
        return self.said

    async def answer(self, ask: QuestionRequest, answers: Answers | None) -> str:
        self._note("answer", ask.id, repr(answers))
        return self.said

    def _note(self, *words: str) -> None:
        self.asked.append(words)
        if self.trouble:
            raise self.trouble

    def _row(self, thread_id: str) -> ThreadRow:
        for found in (row for snapshot in self.snapshots for row in snapshot.rows):
            if found.thread.id == thread_id:
                return found
        raise ServerDown(f"nobody knows {thread_id}")
