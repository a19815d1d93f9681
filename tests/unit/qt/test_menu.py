"""The tray's menu, tooltip and icon as values: no Qt is needed to say what they are."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from t3tray.core.domain.server import ServerState, ServerStatus
from t3tray.core.domain.verdict import Kind, Reason, Verdict
from t3tray.core.services.views import Overview
from t3tray.qt.menu import RECENT, SEPARATOR, Deed, Item, menu_of, server_deeds
from t3tray.qt.tray import IconState, icon_state
from t3tray.qt.words import ago, mark, server_line, shortened, tooltip
from tests.support.views import NOON, READY, row

STOPPED = ServerStatus(ServerState.STOPPED)


def test_before_anything_is_known_it_can_be_opened_and_quit() -> None:
    assert [item.deed for item in menu_of(None) if item.deed] == [Deed.OPEN, Deed.NEW_THREAD, Deed.SETTINGS, Deed.QUIT]


def test_the_first_entry_opens_the_window_for_macos() -> None:
    assert menu_of(Overview(STOPPED))[0] == Item("Open t3tray", Deed.OPEN)


def test_the_ten_latest_threads_each_with_mark_title_and_folder() -> None:
    rows = tuple(row(f"t{number:02}", age=timedelta(hours=number)) for number in reversed(range(15)))
    threads = [item for item in menu_of(Overview(READY, rows)) if item.thread_id]
    assert len(threads) == RECENT
    assert threads[0] == Item("●  Thread t00 — t00", Deed.RESUME, "t00")


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_resumable_thread_is_resumed_every_other_explains_itself(reason: Reason) -> None:
    (item,) = [item for item in menu_of(Overview(READY, (row("a", reason),))) if item.thread_id]
    assert (item.deed is Deed.RESUME) == (Verdict(reason).kind is Kind.RESUMABLE)


def test_every_verdict_has_a_shape_of_its_own_kind() -> None:
    marks = {kind: {mark(Verdict(reason)) for reason in Reason if Verdict(reason).kind is kind} for kind in Kind}
    assert marks == {Kind.RESUMABLE: {"●", "◐"}, Kind.BLOCKED: {"✕"}, Kind.UNKNOWN: {"?"}}


@pytest.mark.parametrize(
    ("state", "deeds"),
    [
        (ServerState.STOPPED, (Deed.START,)),
        (ServerState.STARTING, (Deed.STOP,)),
        (ServerState.READY, (Deed.STOP, Deed.RESTART)),
        (ServerState.UNRESPONSIVE, (Deed.STOP, Deed.RESTART)),
        (ServerState.STOPPING, ()),
        (ServerState.WAITING, (Deed.STOP,)),
        (ServerState.FAILED, (Deed.START, Deed.RESTART)),
        (ServerState.EXTERNAL, ()),
    ],
)
def test_the_server_offers_what_its_state_allows(state: ServerState, deeds: tuple[Deed, ...]) -> None:
    assert server_deeds(ServerStatus(state)) == deeds
    assert server_line(ServerStatus(state))


def test_the_servers_line_tells_version_and_memory() -> None:
    assert server_line(READY) == "Server ready · OpenCode 1.18.33 · 300 MB"


def test_the_icon_tells_what_matters_most() -> None:
    assert icon_state(None) is IconState.STOPPED
    assert icon_state(Overview(STOPPED, (row("a"),))) is IconState.STOPPED
    assert icon_state(Overview(READY, (row("a"),))) is IconState.READY
    assert icon_state(Overview(READY, (row("a", Reason.BUSY),))) is IconState.BUSY
    assert icon_state(Overview(READY, (row("a", Reason.BUSY), row("b", Reason.MISSING)))) is IconState.ATTENTION
    assert icon_state(Overview(ServerStatus(ServerState.FAILED))) is IconState.ATTENTION


def test_the_tooltip_is_one_line() -> None:
    assert tooltip(None) == "t3tray"
    assert tooltip(Overview(READY, (row("a"),))) == "t3tray: server ready"
    assert tooltip(Overview(READY, (row("a", Reason.BUSY), row("b", Reason.MISSING)))) == "t3tray: 1 working · 1 cannot resume"
    assert tooltip(Overview(ServerStatus(ServerState.FAILED), (row("b", Reason.MISSING),))).endswith(
        "1 cannot resume · server failed"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "now"), (720, "12 min"), (3 * 3600, "3 h"), (2 * 86_400, "2 d"), (20 * 86_400, "4 Nov")]
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == text


def test_a_title_of_many_lines_is_one_short_line() -> None:
    assert shortened("one\n  two", 40) == "one two"
    assert shortened("x" * 60, 10) == "x" * 9 + "…"
    assert SEPARATOR.label == ""


def test_the_values_are_made_without_qt() -> None:
    program = "import sys, t3tray.qt.menu, t3tray.qt.words; print('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "False"
