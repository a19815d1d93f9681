"""What tells that the store has changed."""

from __future__ import annotations

from pathlib import Path

from t3tray.core.store.settings import Settings
from tests.support.stores import open_store
from tests.support.t3_world import NOON


def test_the_version_changes_with_what_is_written_here_or_elsewhere_and_with_nothing_else(tmp_path: Path) -> None:
    one, other = (open_store(tmp_path, lambda: NOON) for _ in range(2))
    before = one.version()
    one.journal.entries()
    assert one.version() == before
    one.settings.write(Settings(guard=True), "guard")
    mine = one.version()
    assert mine != before
    other.settings.write(Settings(guard=False), "guard")
    assert one.version() not in (mine, before)
    one.close()
    other.close()
