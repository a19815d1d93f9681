"""From snapshots to the desktop and back: new facts are shown, past ones withdrawn, and a pressed button is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from t3tray.alerts.notifier import Notifier, rules_of
from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.guard import GuardAction, GuardAnswer, GuardDecision, OtherRequest, Refusal
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.notification import SETTLING, Click, NotificationKind, NotificationRules
from t3tray.domain.pending_request import Answers, ApprovalRequest, Option, Question, QuestionRequest, Reply, Requester
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.remedy import Remedy
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import ServerDown
from t3tray.messages.alarms import NOTICE_LIMIT
from t3tray.messages.notifications import NOT_ANSWERED, NotificationWording
from t3tray.messages.pending_requests import GONE
from t3tray.settings.definitions import Settings
from t3tray.system.notification_service import CLICKED, NotificationPress
from t3tray.threads.snapshot import Snapshot
from tests.support.views import READY, row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKER = Requester("ses_a", "/work", "Parser", "a")
PUSH = ApprovalRequest("per_1", ASKER, "bash", ("git push",))
COLOUR = QuestionRequest("que_1", ASKER, (Question("Which colour?", options=(Option("Red"), Option("Green"))),))
HELD = SessionContents("ses_1", 12), SessionContents("ses_2", 0)
ALARM = Alarm("a", AlarmKind.SWITCHED, Cause.SESSION_DELETED, *HELD, NOON, NOON + timedelta(minutes=1))
REFUSED = GuardAnswer(
    NOON + timedelta(minutes=1), OtherRequest(), GuardDecision(GuardAction.REFUSE, (), "a", refusal=Refusal.SESSION_GONE)
)
DONE = Verdict(Reason.PROVED)
QUIET = Snapshot(READY, (row("a"), row("b")))


class Desktop:
    """Imitates the notification service, which has tests of its own. `trouble` is set by the test."""

    def __init__(self) -> None:
        self.trouble = ""
        self.shown: dict[str, NotificationWording] = {}
        self.ever: list[str] = []
        self.news = asyncio.Event()
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.bug: Exception | None = None
        # How many calls have come to their end, or failed.
        self.done = 0
        self.handle: Callable[[NotificationPress], None]

    async def check(self) -> None: ...

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        await self.hangs.wait()
        self.done += 1
        if self.bug:
            raise self.bug
        self.shown[notice_id] = wording
        self.ever.append(wording.title)
        self.news.set()

    async def withdraw(self, notice_id: str) -> None:
        self.shown.pop(notice_id, None)
        self.done += 1
        self.news.set()

    async def close(self) -> None: ...

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(90):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def next(self, title: str) -> str:
        """Return the id of the notification that is shown under this title."""
        await self.until(lambda: any(title in each.title for each in self.shown.values()))
        return next(id for id, each in self.shown.items() if title in each.title)


class Server:
    """Takes answers; `late` is the sentence that it returns, `trouble` the error that it raises."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[tuple[str, object]] = asyncio.Queue()
        self.late = ""
        self.trouble: Exception | None = None

    async def reply(self, request: ApprovalRequest, reply: Reply) -> str:
        return self._take(request.id, reply)

    async def answer(self, request: QuestionRequest, answers: Answers | None) -> str:
        return self._take(request.id, answers)

    def _take(self, id: str, answer: object) -> str:
        if self.trouble:
            raise self.trouble
        self.answers.put_nowait((id, answer))
        return self.late


class World:
    def __init__(self, rules: NotificationRules, first: Snapshot) -> None:
        self.desktop = Desktop()
        self.server = Server()
        self.clicks: list[Click] = []
        self.now = NOON

        self.is_reached = asyncio.Event()

        def reach(hear: Callable[[NotificationPress], None]) -> Desktop:
            self.desktop.handle = hear
            self.is_reached.set()
            return self.desktop

        self.noticing = Notifier(reach, self.server, lambda: rules, lambda: self.now, self.clicks.append)
        self.noticing.update(first)
        self.now += timedelta(minutes=1)

    def look(self, snapshot: Snapshot) -> None:
        self.now += timedelta(seconds=1)
        self.noticing.update(snapshot)

    async def titles_after(self, *snapshots: Snapshot) -> list[str]:
        """Return all titles that were shown by then; the last notification marks the end."""
        for snapshot in snapshots:
            self.look(snapshot)
        self.look(Snapshot(ServerStatus(ServerState.FAILED), snapshots[-1].rows))
        await self.desktop.next("failed")
        return [title for title in self.desktop.ever if "failed" not in title]


@asynccontextmanager
async def world(first: Snapshot = QUIET) -> AsyncIterator[World]:
    made = World(NotificationRules(frozenset(NotificationKind)), first)
    running = asyncio.create_task(made.noticing.run())
    await made.is_reached.wait()
    yield made
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def snapshot(*reasons: Reason, age: int = 0) -> Snapshot:
    return Snapshot(
        READY, tuple(row(name, reason, age=timedelta(minutes=-age)) for name, reason in zip("abcd", reasons, strict=False))
    )


async def test_an_approval_is_given_by_its_button_and_its_notice_goes() -> None:
    async with world() as here:
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        id = await here.desktop.next("Parser")
        assert here.desktop.shown[id].text == "Wants to run git push"
        here.desktop.handle(NotificationPress(id, "once"))
        assert await here.server.answers.get() == ("per_1", Reply.ONCE)
        here.look(QUIET)
        await here.desktop.until(lambda: not here.desktop.shown)


async def test_a_question_is_answered_by_an_option() -> None:
    async with world() as here:
        here.look(replace(QUIET, pending_requests=(COLOUR,)))
        here.desktop.handle(NotificationPress(await here.desktop.next("Parser"), "option-1"))
        assert await here.server.answers.get() == ("que_1", (("Green",),))


async def test_a_click_leads_to_the_thread_and_brings_the_desktops_leave() -> None:
    async with world() as here:
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        here.desktop.handle(NotificationPress(await here.desktop.next("Parser"), CLICKED, "leave"))
        here.desktop.handle(NotificationPress("one that is long over", CLICKED))
        assert here.clicks == [Click("a", "leave"), Click(None)]


@pytest.mark.parametrize(
    ("late", "trouble", "said"),
    [(GONE, None, GONE), ("", ServerDown("Nobody listens."), "Nobody listens."), ("", ZeroDivisionError(), "ZeroDivisionError")],
)
async def test_an_answer_that_does_not_arrive_is_told(late: str, trouble: Exception | None, said: str) -> None:
    async with world() as here:
        here.server.late, here.server.trouble = late, trouble
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        here.desktop.handle(NotificationPress(await here.desktop.next("Parser"), "reject"))
        told = here.desktop.shown[await here.desktop.next(NOT_ANSWERED)]
        assert said in told.text


async def test_asks_of_a_server_that_does_not_answer_stay_on_screen() -> None:
    async with world() as here:
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        await here.desktop.next("Parser")
        here.look(Snapshot(ServerStatus(ServerState.UNRESPONSIVE), QUIET.rows))
        await here.desktop.next("does not answer")
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        await here.desktop.until(lambda: [each.title for each in here.desktop.shown.values()] == ["Parser"])
        assert here.desktop.ever.count("Parser") == 1


@pytest.mark.parametrize("ended", [Reason.PROVED, Reason.UNPROVEN])
async def test_a_turn_that_ends_is_told_once_though_the_database_is_a_moment_behind(ended: Reason) -> None:
    async with world() as here:
        turn = [snapshot(reason, age=1) for reason in (Reason.BUSY, Reason.INTERRUPTED, Reason.SERVER_DOWN, ended, ended)]
        assert await here.titles_after(*turn) == ["Thread a"]


async def test_a_turn_that_breaks_off_has_not_finished() -> None:
    async with world() as here:
        assert await here.titles_after(snapshot(Reason.BUSY), snapshot(Reason.INTERRUPTED)) == []


async def test_a_turn_on_screen_is_not_told() -> None:
    async with world() as here:
        here.noticing.set_visible_thread("a")
        assert await here.titles_after(snapshot(Reason.BUSY), snapshot(Reason.PROVED)) == []


async def test_threads_that_become_blocked_are_told_and_a_server_that_is_down_changes_nothing() -> None:
    async with world() as here:
        blocked, down = snapshot(Reason.MISSING, Reason.PROVED), snapshot(Reason.SERVER_DOWN, Reason.SERVER_DOWN)
        assert await here.titles_after(blocked, down, blocked) == ["“Thread a” cannot be resumed"]


async def test_what_was_so_before_the_start_is_in_the_list_only() -> None:
    before = replace(ALARM, noticed_at=NOON - timedelta(days=1))
    known = replace(snapshot(Reason.MISSING), alarms=(before,), refusals=(replace(REFUSED, at=NOON - timedelta(days=1)),))
    async with world(first=known) as here:
        assert await here.titles_after(known, snapshot(Reason.MISSING, Reason.MISSING)) == ["“Thread b” cannot be resumed"]


async def test_an_alarm_is_told_and_its_notice_goes_once_it_was_seen() -> None:
    async with world() as here:
        here.look(replace(QUIET, alarms=(ALARM, ALARM)))
        said = here.desktop.shown[await here.desktop.next("“Thread a” may have forgotten its conversation")]
        assert said.text == "T3 Code goes on in another session: 12 messages before, 0 messages now."
        here.look(QUIET)
        await here.desktop.until(lambda: not here.desktop.shown)


@pytest.mark.parametrize(
    ("remedies", "button"),
    [
        ((Remedy.HEAL, Remedy.REPAIR), "Give T3 Code Its Memory Back…"),
        ((Remedy.REPAIR, Remedy.BIND), "Repair T3 Code's Cursor…"),
        ((Remedy.CARRY, Remedy.BIND), "Carry the Conversation Over…"),
    ],
)
async def test_the_button_of_a_switch_leads_to_the_preview_of_what_mends_it(remedies: tuple[Remedy, ...], button: str) -> None:
    async with world() as here:
        here.look(replace(QUIET, rows=(replace(row("a"), remedies=remedies), row("b")), alarms=(ALARM,)))
        id = await here.desktop.next("“Thread a” may have forgotten its conversation")
        said = here.desktop.shown[id]
        assert [each.label for each in said.buttons] == [button]
        assert len(said.text) <= NOTICE_LIMIT and "ses_" not in f"{said}"
        here.desktop.handle(NotificationPress(id, "another key", "leave"))
        here.desktop.handle(NotificationPress(id, said.buttons[0].key, "leave"))
        here.desktop.handle(NotificationPress(id, CLICKED))
        assert here.clicks == [Click("a", "leave", remedies[0]), Click("a")]
        assert here.server.answers.empty()


@pytest.mark.parametrize("remedies", [(), (Remedy.BIND, Remedy.CARRY), (Remedy.RETRY, Remedy.HEAL), (Remedy.FORK,)])
async def test_a_switch_that_no_single_click_could_mend_has_no_button(remedies: tuple[Remedy, ...]) -> None:
    async with world() as here:
        here.look(replace(QUIET, rows=(replace(row("a"), remedies=remedies),), alarms=(ALARM,)))
        assert here.desktop.shown[await here.desktop.next("Thread a")].buttons == ()


async def test_a_refusal_of_the_guard_is_told_until_it_was_seen() -> None:
    async with world() as here:
        here.look(replace(QUIET, refusals=(REFUSED,)))
        said = here.desktop.shown[await here.desktop.next("A message in “Thread a” was held back")]
        assert "session is gone" in said.text
        here.look(QUIET)
        await here.desktop.until(lambda: not here.desktop.shown)


async def test_a_guard_that_cannot_do_its_work_any_more_is_told_at_once_and_until_it_is_over() -> None:
    async with world() as here:
        here.look(replace(QUIET, guard=GuardState(GuardPhase.UNFIT, "T3 Code was upgraded.")))
        assert here.desktop.shown[await here.desktop.next("The guard cannot read T3 Code")].text == "T3 Code was upgraded."
        here.look(QUIET)
        await here.desktop.until(lambda: not here.desktop.shown)


async def test_nothing_is_told_of_an_archived_thread() -> None:
    async with world() as here:
        (busy,), (gone,) = snapshot(Reason.BUSY).rows, snapshot(Reason.MISSING).rows
        away = [
            replace(each, thread=structs.replace(each.thread, archived_at=NOON))
            for each in (busy, replace(busy, verdict=DONE), gone)
        ]
        assert await here.titles_after(*(Snapshot(READY, (each,)) for each in away)) == []


async def test_a_server_that_ends_and_starts_again_is_told_once() -> None:
    async with world() as here:
        waiting, starting = ServerStatus(ServerState.WAITING, reason="It crashed."), ServerStatus(ServerState.STARTING)
        for state in (waiting, starting, waiting, starting):
            here.look(replace(QUIET, server=state))
        await here.desktop.next("starts again soon")
        here.look(QUIET)
        await here.desktop.until(lambda: not here.desktop.shown)
        assert len(here.desktop.ever) == 1


async def test_a_thread_that_is_about_to_be_reaped_is_told_once() -> None:
    async with world() as here:
        soon = ReaperState(ReaperPhase.IDLE, here.now + timedelta(minutes=2), here.now - timedelta(minutes=28))
        late = replace(soon, reap_at=here.now + timedelta(minutes=7))
        for state in (late, soon, replace(soon, reap_at=here.now + timedelta(minutes=1))):
            here.look(Snapshot(READY, (replace(row("a"), reaper=state),)))
        said = here.desktop.shown[await here.desktop.next("about to be put to rest")]
        assert "12:0" in said.text and len(here.desktop.ever) == 1


async def test_after_waking_up_nothing_is_told_until_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t3tray.alerts.notifier.SETTLING", timedelta(seconds=0.05))
    async with world() as here:
        here.noticing.woke()
        here.look(replace(QUIET, pending_requests=(PUSH,)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert here.desktop.ever == []
        here.now += SETTLING
        # By its own timer, without another snapshot.
        await here.desktop.next("Parser")


async def test_a_desktop_that_hangs_delays_no_look_and_one_that_fails_ends_nothing() -> None:
    async with world() as here:
        here.desktop.hangs.clear()
        for _ in range(10):
            here.look(replace(QUIET, pending_requests=(PUSH,)))
            here.look(QUIET)
        here.desktop.bug = ZeroDivisionError()
        here.desktop.hangs.set()
        await here.desktop.until(lambda: here.desktop.done == 2)
        here.desktop.bug = None
        here.look(replace(QUIET, pending_requests=(COLOUR,)))
        await here.desktop.next("Parser")


def test_the_settings_name_what_is_told_and_when_not() -> None:
    assert rules_of(Settings()).kinds == frozenset(NotificationKind) - {NotificationKind.REAP}
    rules = rules_of(Settings(notice_reap=True, notice_turn=False, quiet_from="22:30", quiet_until="07:00"))
    assert NotificationKind.REAP in rules.kinds and NotificationKind.TURN not in rules.kinds
    assert rules.quiet and rules.quiet.hold(NOON.replace(hour=23)) and not rules.quiet.hold(NOON)
    assert rules_of(Settings(quiet_from="late", quiet_until="07:00")).quiet is None
