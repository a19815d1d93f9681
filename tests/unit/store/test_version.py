"""The number that changes with each change of the store."""

from __future__ import annotations

from pathlib import Path

from t3tray.domain.receipt import Receipt
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.settings.definitions import Settings
from t3tray.settings.stored import write_settings
from t3tray.store.receipts import KEPT
from tests.support.stores import open_store
from tests.support.t3_world import NOON

RECEIPT = Receipt("t", None, Verdict(Reason.NEW), NOON, "OpenCode 1.18.33", ())


def test_the_version_changes_with_what_is_written_here_or_elsewhere_and_with_nothing_else(tmp_path: Path) -> None:
    one, other = (open_store(tmp_path, lambda: NOON) for _ in range(2))
    one.threads.add(Thread("t", "A thread", "/proj", Source.T3TRAY, NOON, NOON))
    before = one.version()
    one.journal.entries()
    for _ in range(KEPT + 2):
        one.receipts.add(RECEIPT)
    assert one.version() == before
    write_settings(one.settings, Settings(guard=True), "guard")
    mine = one.version()
    assert mine != before
    write_settings(other.settings, Settings(guard=False), "guard")
    assert one.version() not in (mine, before)
    one.close()
    other.close()
