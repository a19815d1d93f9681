"""Short sentences that were once untrue: what T3 Code will show, whether the guard is in use, when the reaper comes."""

from __future__ import annotations

from pathlib import Path

from t3tray.cli import text_tables
from t3tray.cli.commands.guard import guard_text
from t3tray.domain.t3code_thread import Shape
from t3tray.domain.thread import Source
from t3tray.guard.status import GuardStatus
from t3tray.guard.t3_settings import Place, Protection, ProtectionView
from t3tray.threads.snapshot import Snapshot, SourceView
from t3tray.ui.conversation.send_status import send_status
from t3tray.ui.tray.menu import menu_of
from tests.support.views import NOON, READY, in_t3, row

URL = "http://127.0.0.1:4711"


def guard(server: str, answers: bool) -> str:
    view = ProtectionView(Path("/home/dev/.t3"), Protection.GUARDED, "So it is.", (Place("providers.opencode", server),))
    return guard_text(GuardStatus(URL, answers, (view,))).splitlines()[0]


def test_a_guard_that_nothing_leads_to_is_not_in_use() -> None:
    assert guard("", True) == f"guard    {URL} · not in use"
    assert guard(URL, True) == f"guard    {URL} · listening"
    assert guard(URL, False) == f"guard    {URL} · not responding"


def test_what_is_sent_here_is_not_shown_by_t3_code() -> None:
    assert send_status(in_t3(row("a")), 3).sentence.endswith("T3 Code will not show it")
    assert "T3 Code" not in send_status(row("a"), 3).sentence


def test_no_threads_are_not_said_to_be_none_where_t3_codes_cannot_be_read() -> None:
    snapshot = Snapshot(READY, sources=(SourceView(Source.T3CODE, "/t3/state.sqlite", Shape.UNSUPPORTED, "It is damaged.", 0),))
    assert text_tables.threads(snapshot) == "No threads could be read."
    assert "threads  none could be read" in text_tables.status(snapshot, {}, "/data")
    assert "No threads could be read" in [item.label for item in menu_of(snapshot, NOON)]
    assert text_tables.threads(Snapshot(READY)).startswith("No threads yet.")
