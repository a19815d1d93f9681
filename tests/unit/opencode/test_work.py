"""Signs that a starting server is busy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from t3tray.server import work_meter
from t3tray.server.work_meter import WorkMeter


def test_a_log_that_grows_is_a_sign_of_work_and_one_without_an_end_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_meter, "MOST_PRINTED", 1_000)
    log = tmp_path / "server.log"
    log.write_bytes(b"from before" * 500)
    meter = WorkMeter(os.getpid(), log, lambda _pid: (0.0, 0))
    assert not meter.has_worked()
    with log.open("ab") as out:
        out.write(b"one of many steps\n")
    assert meter.has_worked() and not meter.has_worked()
    # It is kept small while it grows.
    for _ in range(3):
        log.write_bytes(b"")
        meter.has_worked()
        log.write_bytes(b"y\n" * 200)
        meter.has_worked()
    log.write_bytes(b"y\n" * 400)
    assert not meter.has_worked()


def test_who_prints_without_an_end_uses_the_processor_for_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter((0.0, 10.0, 20.0))
    monkeypatch.setattr(work_meter, "MOST_PRINTED", 1_000)
    log = tmp_path / "server.log"
    meter = WorkMeter(os.getpid(), log, lambda _pid: (next(used), 0))
    assert meter.has_worked()
    log.write_bytes(b"y" * 2_000)
    assert not meter.has_worked()
